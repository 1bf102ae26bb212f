from collections.abc import Iterator

import pytest

from tests.imagga import ImaggaServer
from tests.unit.engines.engine_contract import EngineContract
from tests.unit.engines.imagga.imaggas import Imaggas


class TestImagga(EngineContract):
    @pytest.fixture
    def bench(self, imagga: ImaggaServer) -> Iterator[Imaggas]:
        made = Imaggas(imagga)
        yield made
        made.close()
