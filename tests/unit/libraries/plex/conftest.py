from collections.abc import Iterator

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import opened


@pytest.fixture
def plex() -> Iterator[PlexServer]:
    with PlexServer() as started:
        yield started


@pytest.fixture
def place(plex: PlexServer) -> Iterator[PlexPlace]:
    yield from opened(PlexPlace(plex))
