"""What every library behind a media server must do, whatever the server does.

Derive from a class, name it `Test…`, and override `place`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from tests.unit.libraries.library_contract import catalogued
from tests.unit.libraries.scanned import PICTURES, Box
from tests.unit.libraries.server_place import ServerPlace, error_of, refs
from tigertag.contracts import Cataloguing
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.libraries.immich import listing as immich_listing
from tigertag.libraries.mediabrowser import library as mediabrowser_library
from tigertag.libraries.mediaserver import client, sending
from tigertag.libraries.plex import library as plex_library
from tigertag.model import Edit, Item, Label
from tigertag.services import scans


def filled(place: ServerPlace, count: int) -> list[str]:
    """Add photos; return their names."""
    names = [f"{number:03}.jpg" for number in range(count)]
    for name in names:
        place.add_photo(name)
    return names


def coming(place: ServerPlace) -> Iterator[Item]:
    (section,) = place.library.sections()
    return place.library.items(section)


def titles(place: ServerPlace) -> list[str]:
    return [item.title for item in coming(place)]


def folded(box: Box) -> list[list[str]]:
    """All tags; Plex makes the first letter of each a capital."""
    return [[tag.casefold() for tag in tags] for tags in box.all_tags()]


class ListingContract:
    """Pages of ten items."""

    @pytest.fixture(autouse=True)
    def _small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (plex_library, mediabrowser_library, immich_listing):
            monkeypatch.setattr(module, "PAGE_SIZE", 10)

    @pytest.mark.parametrize("tells_total", [True, False])
    @pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
    @pytest.mark.parametrize("most", [1000, 3])
    def test_a_listing_is_whole_whatever_the_server_makes_of_paging(
        self, place: ServerPlace, most: int, count: int, tells_total: bool
    ) -> None:
        habits = place.server.habits
        habits.most_per_page, habits.tells_total = most, tells_total
        assert filled(place, count) == titles(place)

    def test_a_page_shorter_than_asked_is_gone_on_from(self, place: ServerPlace) -> None:
        names = filled(place, 25)
        place.server.fail("short", at=place.listing_path, after=1, times=1)
        assert titles(place) == names

    def test_an_item_that_is_listed_twice_is_one(self, place: ServerPlace) -> None:
        names = filled(place, 25)
        place.server.fail("twice", at=place.listing_path)
        assert sorted(titles(place)) == names

    def test_an_item_that_slips_to_an_earlier_page_is_not_missed(self, place: ServerPlace) -> None:
        names = filled(place, 25)
        listing = coming(place)
        met = [item.title for item in islice(listing, 1)]
        place.remove_photo("000.jpg")
        met += [item.title for item in listing]
        assert sorted(met) == names

    def test_a_page_that_is_empty_once_is_asked_for_again(self, place: ServerPlace) -> None:
        names = filled(place, 25)
        place.server.fail("cut", at=place.listing_path, after=1, times=1)
        assert titles(place) == names

    def test_a_listing_that_is_cut_short_does_not_pass_for_the_whole(
        self, place: ServerPlace
    ) -> None:
        filled(place, 25)
        place.server.fail("cut", at=place.listing_path, after=1)
        with pytest.raises(LibraryUnavailable, match=place.cut_short):
            titles(place)

    def test_titles_may_hold_anything(self, place: ServerPlace) -> None:
        for title in ('Ben & "Jerry" <3', "Grüße 🐯"):
            place.add_photo(title)
        assert titles(place) == ['Ben & "Jerry" <3', "Grüße 🐯"]


class ConnectionContract:
    """How a server is reached."""

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://127.0.0.1:1", "cannot be reached (Connection refused)"),
            ("http://no-such-host.invalid:8096", "cannot be reached"),
            ("http://media..box:8096", "is not a valid address"),
        ],
    )
    def test_a_server_that_is_not_there_is_unavailable(
        self, place: ServerPlace, url: str, why: str
    ) -> None:
        error = error_of(lambda place: place.built(url=url).open(), place)
        assert isinstance(error, LibraryUnavailable)
        assert why in str(error)
        assert "LIBRARY_BOX_URL" in str(error)

    def test_a_server_that_was_restarted_is_found_again(self, place: ServerPlace) -> None:
        place.library.sections()
        place.server.hang_up()
        assert place.library.sections()

    def test_another_server_at_the_same_address_is_told_from_the_first(
        self, place: ServerPlace
    ) -> None:
        before = place.library.identity
        place.become("another")
        assert (before not in ("", "another"), place.another().identity) == (True, "another")

    def test_another_server_that_took_over_is_noticed_when_the_library_is_opened_a_while_later(
        self, place: ServerPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.become("another")
        monkeypatch.setattr(client, "_FRESH_S", -1.0)
        place.library.open()
        assert place.library.identity == "another"

    def test_it_opens_once_for_many_threads(self, place: ServerPlace) -> None:
        library = place.built()
        place.server.counts.clear()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _n: library.open(), range(16)))
        assert set(place.server.counts.values()) == {1}


class WritingContract:
    """How often an item is read for one write, after it has been read to decide on it."""

    @pytest.mark.parametrize(("age_s", "readings"), [(10.0, 2), (-1.0, 3)])
    def test_a_write_costs_two_readings_unless_the_first_is_old(
        self,
        place: ServerPlace,
        monkeypatch: pytest.MonkeyPatch,
        age_s: float,
        readings: int,
    ) -> None:
        monkeypatch.setattr(sending, "READ_FRESH_S", age_s)
        place.add_photo("a.jpg")
        edit = Edit(place.item("a.jpg"), refs(("cat",), place.field))
        place.log.clear()
        list(place.library.read_tags([edit.item]))
        (outcome,) = place.send(edit)
        assert outcome.after is not None
        assert len([line for line in place.log if place.reading_path in line]) == readings


class CatalogueContract:
    """Genres. `films`: a place with the film "a"."""

    def test_it_knows_genres(self, films: ServerPlace) -> None:
        assert isinstance(films.library, Cataloguing)

    def test_a_server_that_fails_is_one_clear_line(self, films: ServerPlace) -> None:
        listed = [films.item("a")]
        films.server.fail(503, at=films.reading_path)
        error_of(lambda place: catalogued(place.library, listed), films)

    def test_a_film_that_went_away_is_left_out(self, films: ServerPlace) -> None:
        films.add_film("b")
        listed = [films.item("a"), films.item("b")]
        films.remove_photo("a")
        assert [*catalogued(films.library, listed)] == [listed[1].key]


class ScanContract:
    """Whole scans."""

    crowd = 60

    def test_a_preview_writes_nothing(self, box: Box) -> None:
        box.photos(9)
        status = box.scan()
        assert (status.done, status.failed, status.adds) == (9, 0, 9)
        assert (folded(box), box.edits) == ([[]] * 9, 0)

    def test_what_was_previewed_is_applied_and_undone(self, box: Box) -> None:
        box.photos(9)
        box.tag("4", "mine", "and mine")
        preview = box.scan()
        applied = box.run(scans.apply(box.core, preview.scan.id))
        tags = folded(box)
        assert (tags[0], tags[3], tags[4]) == (["red"], ["red"], ["mine", "and mine", "green"])
        box.run(scans.undo(box.core, applied.scan.id))
        tags = folded(box)
        assert (tags[0], tags[3], tags[4]) == ([], [], ["mine", "and mine"])

    def test_a_tag_that_the_owner_took_off_stays_off(self, box: Box) -> None:
        box.engine.extra = (Label("sky", 0.9),)
        box.photos(3)
        box.scan("apply")
        assert sorted(folded(box)[0]) == ["red", "sky"]
        box.server.untag(box.keys["0"], "sky")
        box.scan("apply")
        box.server.replace_photo(box.keys["0"], PICTURES["red"] + b"another")
        box.scan("apply")
        assert (folded(box)[0], len(box.engine.asked)) == (["red"], 4)

    def test_another_server_under_the_same_name_is_left_alone(self, box: Box) -> None:
        box.photos(3)
        applied = box.scan("apply")
        box.become("another")
        box.server.replace_photo(box.keys["0"], PICTURES["blue"] + b"another")
        box.library = box.built()
        with pytest.raises(LibraryError, match="another server"):
            box.scan("apply")
        with pytest.raises(LibraryError, match="another server"):
            box.run(scans.undo(box.core, applied.scan.id))
        assert (folded(box), len(box.engine.asked)) == ([["red"], ["green"], ["blue"]], 3)

    @pytest.mark.parametrize("fault", ["maintenance", "reset", 401])
    def test_a_server_that_fails_in_the_middle_of_writing_loses_and_doubles_nothing(
        self, box: Box, fault: int | str
    ) -> None:
        box.photos(self.crowd)
        box.tag("7", "mine")
        box.server.fail(fault, at=box.edit_method, after=2)
        self.scan_until_it_stops(box)
        box.server.mend()
        status = box.scan("apply")
        assert (status.failed, status.scan.state) == (0, "done")
        expected = [["red"], ["green"], ["blue"]] * (self.crowd // 3)
        expected[7] = ["mine", "green"]
        assert (folded(box), len(box.engine.asked)) == (expected, self.crowd)

    def scan_until_it_stops(self, box: Box) -> None:
        with pytest.raises(LibraryError, match="Library box: ") as caught:
            box.scan("apply")
        assert "\n" not in str(caught.value)

    def test_an_unchanged_section_costs_its_listing_alone(self, box: Box) -> None:
        box.photos(9)
        box.scan("apply")
        box.server.counts.clear()
        status = box.scan("apply")
        assert status.todo + status.done == 0
        assert box.server.counts == box.costs_of_listing
        assert len(box.engine.asked) == 9

    def test_a_photo_that_goes_between_listing_and_writing_fails_alone(self, box: Box) -> None:
        box.photos(9)
        preview = box.scan()
        box.remove_photo("4")
        applied = box.run(scans.apply(box.core, preview.scan.id))
        assert (applied.failed, applied.done) == (1, 8)
        box.keys.pop("4")
        assert folded(box)[0] == ["red"]

    def test_a_listing_that_is_cut_short_marks_nothing_gone(self, box: Box) -> None:
        box.photos(9)
        box.scan("apply")
        box.server.fail("cut", at=box.listing_path)
        with pytest.raises(LibraryError, match="scan again"):
            box.scan("apply")
        box.server.mend()
        box.server.counts.clear()
        box.scan("apply")
        assert box.server.counts == box.costs_of_listing
        assert len(box.engine.asked) == 9

    def test_a_photo_replaced_since_the_preview_is_not_tagged_for_the_old_one(
        self, box: Box
    ) -> None:
        box.photos(2)
        preview = box.scan()
        box.server.replace_photo(box.keys["0"], PICTURES["blue"] + b"another size")
        applied = box.run(scans.apply(box.core, preview.scan.id))
        assert (folded(box), applied.failed) == ([[], ["green"]], 1)
