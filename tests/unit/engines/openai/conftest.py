from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.unit.engines.openai.visions import Spooled, Visions, plain, prepared
from tigertag.contracts import DeferredEngine


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        yield started


@pytest.fixture
def bench(openai: OpenAIServer) -> Iterator[Visions]:
    made = Visions(openai)
    yield made
    made.close()


@pytest.fixture
def spooled(tmp_path: Path) -> Spooled:
    """Return a file with requests about so many photos, named "1" and so on."""

    def make(engine: DeferredEngine, photos: int) -> Path:
        path = tmp_path / "spool.jsonl"
        names = [str(number) for number in range(1, photos + 1)]
        path.write_bytes(prepared(engine, *map(plain, names)))
        return path

    return make
