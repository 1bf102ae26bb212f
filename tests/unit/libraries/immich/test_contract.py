from collections.abc import Iterator

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.library_contract import LibraryContract
from tests.unit.libraries.server_contract import ConnectionContract, ListingContract, filled, titles
from tests.unit.libraries.server_place import ServerPlace, opened

pytestmark = pytest.mark.slow


class TestImmich(LibraryContract):
    """Versions differ in how they list."""

    @pytest.fixture
    def place(self, server: ImmichServer) -> Iterator[Place]:
        yield from opened(Place(server))


class TestImmichAsAServer(ListingContract, ConnectionContract):
    @pytest.fixture
    def place(self, media: ImmichServer) -> Iterator[Place]:
        yield from opened(Place(media))

    @pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
    def test_a_listing_is_whole_whatever_the_server_makes_of_paging(  # type: ignore[override]
        self, place: ServerPlace, count: int
    ) -> None:
        """Immich gives as many as it is asked for, and no total that means anything."""
        assert filled(place, count) == titles(place)
