from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engines.compreface import setup
from tests.unit.engines.compreface.setup import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with setup.home(tmp_path) as made:
        yield made
