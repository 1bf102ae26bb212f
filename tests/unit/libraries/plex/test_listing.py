import logging
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from xml.etree.ElementTree import fromstring

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.library_contract import items
from tests.unit.libraries.plex.plexes import FILM, PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tigertag.contracts import LeftOut, LeftOutReason, NotedItems
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.libraries.plex import items as plex_items
from tigertag.libraries.plex import library
from tigertag.libraries.plex.items import ItemType, main_file, type_of
from tigertag.model import Item, Media, Section


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE_SIZE", 10)


def filled(place: PlexPlace, count: int) -> list[str]:
    """Add photos; return their names."""
    names = [f"{number:03}.jpg" for number in range(count)]
    for name in names:
        place.add_photo(name)
    return names


def listed(place: PlexPlace) -> list[Item]:
    (section,) = place.library.sections()
    return list(place.library.items(section))


def titles(place: PlexPlace) -> list[str]:
    return [item.title for item in listed(place)]


def test_photos_are_found_in_albums_within_albums(place: PlexPlace) -> None:
    trips = place.plex.add_album(place.section, "Trips")
    rome = place.plex.add_album(place.section, "Rome", parent=trips)
    for name, album in (("top.jpg", None), ("a.jpg", trips), ("b.jpg", rome)):
        place.add_photo(name, album=album)
    assert sorted(titles(place)) == ["a.jpg", "b.jpg", "top.jpg"]


def test_clips_come_after_the_photos_of_their_section(place: PlexPlace) -> None:
    place.plex.add(place.section, "b.mp4", "clip", FILM)
    place.add_photo("a.jpg")
    found = [(item.title, item.media) for item in listed(place)]
    assert found == [("a.jpg", Media.PHOTO), ("b.mp4", Media.VIDEO)]


def test_a_listing_costs_its_pages_and_no_request_more(place: PlexPlace) -> None:
    names = filled(place, 25)
    place.tag("000.jpg", "one", "two", "three")
    (section,) = place.library.sections()
    place.plex.counts.clear()
    assert [item.title for item in place.library.items(section)] == names
    assert place.plex.counts == {"list": 3 + 1}


def test_every_page_is_asked_for_in_one_order(place: PlexPlace) -> None:
    filled(place, 25)
    listed(place)
    asked = [line.partition("?")[2] for line in place.asked("GET /library/sections/1/all")]
    assert asked == 3 * ["type=13&sort=addedAt,titleSort"] + ["type=12&sort=addedAt,titleSort"]


def test_a_listing_is_lazy(place: PlexPlace) -> None:
    filled(place, 25)
    (section,) = place.library.sections()
    place.plex.counts.clear()
    next(iter(place.library.items(section)))
    assert place.plex.counts == {"list": 1}


def test_an_item_that_slips_to_a_later_page_is_listed_once(place: PlexPlace) -> None:
    names = filled(place, 25)
    (section,) = place.library.sections()
    coming = place.library.items(section)
    met = [item.title for item in islice(coming, 1)]
    place.plex.photo(place.keys["000.jpg"]).added += 1 << 20
    place.plex.held[place.section].touch()
    met += [item.title for item in coming]
    assert sorted(met) == names


def test_a_server_that_gives_one_page_for_ever_does_not_pass_for_the_whole(
    place: PlexPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(place, 25)
    client = place.library._client
    page = client.page
    monkeypatch.setattr(client, "page", lambda key, start, size: page(key, start=0, size=size))
    with pytest.raises(LibraryUnavailable, match="10 of the 25"):
        listed(place)


def test_a_photo_without_a_file_is_passed_over_and_logged(
    place: PlexPlace, caplog: pytest.LogCaptureFixture
) -> None:
    filled(place, 2)
    place.plex.lose_file(place.keys["000.jpg"])
    with caplog.at_level(logging.DEBUG, logger="tigertag"):
        assert titles(place) == ["001.jpg"]
    assert "skipped: no file" in caplog.text


def test_small_pictures_are_passed_over(plex: PlexServer) -> None:
    place = PlexPlace(plex, min_bytes=len(PHOTO) + 1)
    place.add_photo("small.jpg")
    plex.add_photo(place.section, "large.jpg", PHOTO + b"\0")
    assert titles(place) == ["large.jpg"]
    (section,) = place.library.sections()
    found = place.library.items(section)
    assert isinstance(found, NotedItems)
    list(found)
    assert found.notes.left_out == (LeftOut(LeftOutReason.TOO_SMALL, 1, ("small.jpg",)),)
    place.close()


def test_groups_are_left_out_where_nothing_is_rolled_up_any_more(place: PlexPlace) -> None:
    show = Item("plex", "1", "7", "", Media.GROUP)
    assert place.library.leaves_out(show)
    assert not place.library.leaves_out(replace(show, media=Media.PHOTO))


def test_a_listing_since_then_holds_what_was_added(place: PlexPlace) -> None:
    filled(place, 3)
    (section,) = place.library.sections()
    then = datetime.fromtimestamp(place.plex.tick(), UTC)
    place.add_photo("new.jpg")
    place.plex.counts.clear()
    found = place.library.items(section, then)
    assert [item.title for item in found] == ["new.jpg"]
    assert place.plex.counts == {"list": 2}


def test_what_was_added_in_the_second_of_a_listing_is_in_it(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    (section,) = place.library.sections()
    second = place.plex.photo(place.keys["a.jpg"]).added
    for fraction, expected in ((0.0, ["a.jpg"]), (0.5, [])):
        then = datetime.fromtimestamp(second + fraction, UTC)
        assert [item.title for item in place.library.items(section, then)] == expected


def test_a_server_that_heeds_no_filter_is_filtered_here(place: PlexPlace) -> None:
    place.plex.habits.filters = False
    filled(place, 15)
    (section,) = place.library.sections()
    then = datetime.fromtimestamp(place.plex.tick(), UTC)
    place.add_photo("new.jpg")
    assert [item.title for item in place.library.items(section, then)] == ["new.jpg"]


def test_a_revision_is_the_files_key_and_size(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    photo = place.plex.photo(place.keys["a.jpg"])
    expected = f"/library/parts/{photo.id}/{photo.main.changed}/file.jpg {len(PHOTO)}"
    assert place.item("a.jpg").revision == expected


def test_a_revision_has_nothing_of_the_query_that_a_file_may_be_listed_with() -> None:
    file = '<Part key="/library/parts/1/2/a.jpg?x=1" size="3"/>'
    found = main_file(fromstring(f"<Photo><Media>{file}</Media></Photo>"))
    assert found is not None
    assert found.revision == "/library/parts/1/2/a.jpg 3"


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ('<Photo type="photo" key="/library/metadata/59"/>', plex_items.PHOTO),
        ('<Photo key="/library/metadata/59"/>', plex_items.PHOTO),
        ('<Video type="clip" key="/library/metadata/59"/>', plex_items.CLIP),
        ('<Video type="movie"/>', plex_items.FILM),
        ('<Video type="episode"/>', plex_items.EPISODE),
        ('<Directory type="season"/>', plex_items.SEASON),
        ('<Directory type="show"/>', plex_items.SHOW),
        ('<Video type="photo" key="/library/metadata/59"/>', None),
        ('<Photo type="photo" key="/library/metadata/43/children"/>', None),
        ('<Directory type="photo" key="/library/metadata/43/children"/>', None),
        ('<Directory type="artist"/>', None),
        ('<Track type="track"/>', None),
    ],
)
def test_each_type_is_told_from_the_others(entry: str, kind: ItemType | None) -> None:
    assert type_of(fromstring(entry)) is kind


def test_a_revision_outlives_a_new_title_and_a_view(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    before = place.item("a.jpg").revision
    place.plex.photo(place.keys["a.jpg"]).title = "b.jpg"
    place.plex.view(place.keys["a.jpg"])
    assert place.item("b.jpg").revision == before


def test_characters_that_xml_forbids_do_not_hide_a_section(place: PlexPlace) -> None:
    place.add_photo("a\x0bb.jpg")
    assert titles(place) == ["ab.jpg"]


def test_sections_of_photos_films_and_shows_are_listed(place: PlexPlace) -> None:
    for title, kind in (("Films", "movie"), ("Music", "artist"), ("Shows", "show")):
        place.plex.add_section(title, kind=kind)
    found = [(one.id, one.title) for one in place.library.sections()]
    assert found == [("1", "Photos"), ("2", "Films"), ("4", "Shows")]


@pytest.mark.parametrize("name", ["Family", "family", "2", "2,Family"])
def test_a_section_is_named_by_title_or_number(plex: PlexServer, name: str) -> None:
    place = PlexPlace(plex, sections=name)
    plex.add_section("Family")
    assert [section.title for section in place.library.sections()] == ["Family"]
    place.close()


@pytest.mark.parametrize("name", ["Potos", "Music"])
def test_a_section_that_is_none_is_one_clear_line(plex: PlexServer, name: str) -> None:
    place = PlexPlace(plex, sections=name)
    plex.add_section("Music", kind="artist")
    with pytest.raises(
        LibraryError, match=f"names '{name}', but .* has no such section of photos"
    ) as caught:
        place.library.sections()
    assert str(caught.value).endswith("It has: Photos.")
    place.close()


def test_a_renamed_section_keeps_its_number_and_its_items(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    before = items(place)
    place.plex.rename_section(place.section, "Pictures")
    assert place.library.sections() == [Section("box", "1", "Pictures")]
    assert items(place) == before


def test_a_deleted_section_is_one_clear_line(place: PlexPlace) -> None:
    (section,) = place.library.sections()
    place.plex.delete_section(place.section)
    with pytest.raises(LibraryError, match="Library box: section Photos is no longer"):
        list(place.library.items(section))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
@pytest.mark.parametrize("tells_total", [True, False])
def test_a_listing_that_comes_all_at_once_is_whole(
    place: PlexPlace, count: int, tells_total: bool
) -> None:
    place.plex.habits.pages, place.plex.habits.tells_total = False, tells_total
    assert filled(place, count) == titles(place)


def test_a_server_that_promises_less_than_it_has_is_read_to_its_end(place: PlexPlace) -> None:
    names = filled(place, 35)
    place.plex.habits.promises = 5
    assert sorted(titles(place)) == names


def test_the_section_of_a_path_is_known_from_the_list_of_sections(place: PlexPlace) -> None:
    other = place.plex.add_section("Photos 2")
    place.library.sections()
    place.plex.counts.clear()
    for path, sections in (
        ("/data/Photos/2026/a.jpg", [str(place.section)]),
        ("/data/Photos", [str(place.section)]),
        ("/data/Photos 2/a.jpg", [str(other)]),
        ("/data/Photos 3/a.jpg", []),
        ("a.jpg", []),
    ):
        assert place.library.sections_at(path) == sections
    assert not place.plex.counts
