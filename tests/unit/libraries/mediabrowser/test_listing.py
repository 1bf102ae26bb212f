import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.mediabrowser import MediaServer
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.server_place import OTHER, PHOTO
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.libraries.mediabrowser import library
from tigertag.model import Media

pytestmark = pytest.mark.slow

FILM = b"\0" * 11_000_000


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE_SIZE", 10)


def filled(place: Place, count: int) -> list[str]:
    """Add photos; return their names."""
    names = [f"{number:03}.jpg" for number in range(count)]
    for name in names:
        place.add_photo(name)
    return names


def test_a_server_that_promises_more_than_it_has_does_not_pass_for_the_whole(place: Place) -> None:
    filled(place, 15)
    place.media.habits.promises = 16
    with pytest.raises(LibraryUnavailable, match="15 of the 16"):
        place.listed()


def test_a_section_that_was_deleted_is_not_taken_for_all_that_there_is(place: Place) -> None:
    """The server lists everything for a parent that it does not know."""
    place.add_film("film")
    section = place.sections()["Photos"]
    place.media.delete_view(section.id)
    with pytest.raises(LibraryError, match="section Photos is no longer on the server"):
        list(place.library.items(section))


def test_a_listing_costs_its_pages_and_a_look_at_its_section(place: Place) -> None:
    filled(place, 25)
    section = place.sections()["Photos"]
    place.media.counts.clear()
    list(place.library.items(section))
    views = "GET /Users/{UserId}/Views" if place.media.emby else "GET /UserViews"
    assert place.media.counts == {views: 1, "GET /Items": 3}


def test_a_listing_is_lazy_and_in_one_order(place: Place) -> None:
    filled(place, 25)
    coming = place.library.items(place.sections()["Photos"])
    next(iter(coming))
    (asked,) = [line for line in place.media.log if "/Items?" in line]
    assert "SortBy=DateCreated%2CSortName" in asked


def test_sections_hold_photos_films_and_shows(place: Place) -> None:
    for name, kind in (
        ("Films", "movies"),
        ("Shows", "tvshows"),
        ("Pictures", "photos"),
        ("Mixed", None),
        ("Music", "music"),
        ("Sets", "boxsets"),
        ("TV", "livetv"),
    ):
        place.media.add_view(name, kind)
    assert list(place.sections()) == ["Photos", "Films", "Shows", "Pictures", "Mixed"]


def test_sections_are_named_by_title_or_id(place: Place) -> None:
    films = place.media.add_view("Films", "movies")
    library = place.built(sections=f"{films}, photos")
    assert [one.title for one in library.sections()] == ["Films", "Photos"]


def test_a_section_that_is_not_there_is_one_clear_line(place: Place) -> None:
    place.media.add_view("Music", "music")
    with pytest.raises(LibraryError, match="LIBRARY_BOX_SECTIONS names 'Photo'") as caught:
        place.built(sections="Photo").sections()
    assert "did you mean 'Photos'? It has: Photos." in str(caught.value)


def test_each_section_lists_what_it_is_for(place: Place) -> None:
    media, film = place.media, [(FILM, 1920, 1080)]
    views = {kind: media.add_view(kind or "mixed", kind) for kind in ("movies", "tvshows", None)}
    for view in (place.section, *views.values()):
        media.add_photo(view, "photo", PHOTO)
        for type in ("Movie", "Episode", "Video", "Series"):
            media.add(view, type, type.lower(), film)
    assert place.titles() == ["photo", "video"]
    assert place.titles("movies") == ["movie"]
    assert place.titles("tvshows") == ["episode"]
    assert place.titles("mixed") == ["photo", "movie", "episode", "video"]


def test_an_episode_is_named_with_its_show(place: Place) -> None:
    shows = place.media.add_view("Shows", "tvshows")
    key = place.media.add(
        shows, "Episode", "Pilot", [(FILM, 0, 0)], IndexNumber=2, ParentIndexNumber=0
    )
    place.media.items[key].more["SeriesName"] = "Lost & Found"
    (item,) = place.listed("Shows")
    assert (item.title, item.media) == ("Lost & Found S00E02 Pilot", Media.VIDEO)


@pytest.mark.parametrize(
    "more",
    [
        {"IsFolder": True},
        {"LocationType": "Virtual"},
        {"MediaSources": []},
        {"MediaSources": [{"Id": "1", "Path": "http://tv/1", "Protocol": "Http"}]},
        {"MediaSources": [{"Id": "1", "Path": "/data/disc", "Container": "bluray"}]},
    ],
)
def test_what_has_no_file_is_passed_over_and_logged(
    place: Place, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    place.add_film("a")
    place.media.items[place.keys["a"]].more |= more
    with caplog.at_level(logging.DEBUG, logger="tigertag"):
        assert place.titles("Films") == []
    assert "skipped: no file" in caplog.text


@pytest.mark.parametrize("more", [{"IsPlaceHolder": True}, {"VideoType": "Dvd"}])
def test_discs_are_passed_over(jelly: Place, more: dict[str, Any]) -> None:
    jelly.add_film("a")
    jelly.media.items[jelly.keys["a"]].more |= more
    assert jelly.titles("Films") == []


def test_small_films_are_passed_over_but_not_small_home_videos(place: Place) -> None:
    place.add_film("small", versions=[(b"\0" * 9_999_999, 0, 0)])
    place.media.add(place.section, "Video", "clip", [(b"\0", 0, 0)])
    assert (place.titles("Films"), place.titles()) == ([], ["clip"])


def test_the_least_size_is_a_setting(media: MediaServer) -> None:
    place = Place(media, min_bytes=5)
    place.add_film("small", versions=[(b"\0" * 5, 0, 0)])
    place.media.add(place.section, "Video", "tiny", [(b"\0", 0, 0)])
    assert (place.titles("Films"), place.titles()) == (["small"], [])
    place.close()


def test_a_listing_since_then_asks_for_what_was_added_or_changed(place: Place) -> None:
    filled(place, 3)
    then = datetime.fromtimestamp(place.media.tick(), UTC)
    place.add_photo("new.jpg")
    place.change_photo("001.jpg")
    place.media.log.clear()
    found = list(place.library.items(place.sections()["Photos"], then))
    assert [item.title for item in found] == ["001.jpg", "new.jpg"]
    assert any("MinDateLastSaved=20" in line for line in place.media.log)


def test_a_revision_tells_source_size_and_path(place: Place) -> None:
    place.add_film("a")
    (item,) = place.listed("Films")
    source = place.media.items[item.key].versions[0].id
    assert item.revision.startswith(f"{source} 11000000 ")
    assert len(item.revision) <= 256


def test_a_revision_outlives_a_new_title_a_view_and_a_new_version(place: Place) -> None:
    place.add_film("a")
    before = place.listed("Films")[0].revision
    held = place.media.items[place.keys["a"]]
    held.told["Name"] = "b"
    place.media.play(held.id)
    held.versions.insert(0, place.media._version(held.id, 1, 1, "/data/b.mkv", (OTHER, 10, 10)))
    assert place.listed("Films")[0].revision == before
