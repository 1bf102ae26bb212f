from collections.abc import Iterator

import pytest

from tests.mediabrowser import MediaServer
from tests.unit.libraries.library_contract import LibraryContract
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.metadata_contract import MetadataContract
from tests.unit.libraries.server_contract import (
    ConnectionContract,
    ListingContract,
    WritingContract,
)
from tests.unit.libraries.server_place import opened

pytestmark = pytest.mark.slow


class TestEmbyAndJellyfin(LibraryContract):
    @pytest.fixture
    def place(self, media: MediaServer) -> Iterator[Place]:
        yield from opened(Place(media))


class TestEmbyAndJellyfinAsServers(ListingContract, ConnectionContract, WritingContract):
    pass


class TestMetadataOnEmbyAndJellyfin(MetadataContract):
    pass


class TestServersThatNameTheSourcesOfPhotos(TestEmbyAndJellyfin):
    """Whether a photo has media sources is not known of each server."""

    @pytest.fixture(autouse=True)
    def _names_sources(self, media: MediaServer) -> None:
        media.habits.photo_sources = True
