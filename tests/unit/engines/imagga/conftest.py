from collections.abc import Iterator

import pytest

from tests.imagga import ImaggaServer
from tests.unit.engines.imagga.imaggas import Imaggas


@pytest.fixture
def imagga() -> Iterator[ImaggaServer]:
    with ImaggaServer() as started:
        yield started


@pytest.fixture
def bench(imagga: ImaggaServer) -> Iterator[Imaggas]:
    made = Imaggas(imagga)
    yield made
    made.close()
