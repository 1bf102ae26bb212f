from collections.abc import Iterator

import pytest

from tests.mediabrowser import MediaServer
from tests.unit.libraries.mediabrowser.places import JELLYFINS, VERSIONS, Place
from tests.unit.libraries.server_place import opened


@pytest.fixture(params=VERSIONS, ids=" ".join)
def media(request: pytest.FixtureRequest) -> Iterator[MediaServer]:
    """Each server, each version."""
    with MediaServer(*request.param) as started:
        yield started


@pytest.fixture(params=JELLYFINS, ids=" ".join)
def jellyfin(request: pytest.FixtureRequest) -> Iterator[MediaServer]:
    with MediaServer(*request.param) as started:
        yield started


@pytest.fixture
def emby() -> Iterator[MediaServer]:
    with MediaServer("emby", "4.8") as started:
        yield started


@pytest.fixture
def place(media: MediaServer) -> Iterator[Place]:
    yield from opened(Place(media))


@pytest.fixture
def jelly(jellyfin: MediaServer) -> Iterator[Place]:
    yield from opened(Place(jellyfin))


@pytest.fixture
def on_emby(emby: MediaServer) -> Iterator[Place]:
    yield from opened(Place(emby))
