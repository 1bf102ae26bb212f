from collections.abc import Iterator

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import PlexPlace


@pytest.fixture
def plex() -> Iterator[PlexServer]:
    with PlexServer() as started:
        yield started


@pytest.fixture
def place(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex)
    made.library.open()
    yield made
    made.close()
