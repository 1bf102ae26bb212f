from collections.abc import Iterator

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.library_contract import LibraryContract, Place, items, shown, words
from tests.unit.libraries.metadata_contract import MetadataContract
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_contract import (
    ConnectionContract,
    ListingContract,
    WritingContract,
)
from tests.unit.libraries.server_place import opened


class TestPlex(LibraryContract):
    kind = "photo"

    @pytest.fixture
    def place(self, plex: PlexServer) -> Iterator[PlexPlace]:
        yield from opened(PlexPlace(plex, kind=self.kind))


class TestPlexAsAServer(ListingContract, ConnectionContract, WritingContract):
    pass


class TestMetadataOnPlex(MetadataContract):
    pass


class TestPlexWithFilms(TestPlex):
    kind = "movie"


class TestPlexWithEpisodes(TestPlex):
    kind = "episode"


class TestPlexWithClips(TestPlex):
    kind = "clip"


class TestPlexThatKeepsTheTimeOfAnItemWhenItIsTagged(TestPlex):
    """Whether Plex raises updatedAt when tags are edited is not known."""

    @pytest.fixture(autouse=True)
    def _keeps_times(self, plex: PlexServer) -> None:
        plex.raises_updated_at = False

    def test_a_stamp_changes_whenever_tags_do(self, place: Place) -> None:
        """It does not here: a stamp is a hint, and tags are read in full."""
        place.add_photo("a.jpg")
        before = items(place)["a.jpg"].stamp
        place.tag("a.jpg", "mine")
        assert words(shown(place, "a.jpg")) == ["mine"]
        assert items(place)["a.jpg"].stamp == before


class TestPlexThatRefusesListsWithAnItemThatIsGone(TestPlex):
    @pytest.fixture(autouse=True)
    def _bears_none_missing(self, plex: PlexServer) -> None:
        plex.bears_missing = False
