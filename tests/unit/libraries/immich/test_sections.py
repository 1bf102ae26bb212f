"""Which sections an Immich user has, what they are called, and which photos each has."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import error_of
from tigertag.contracts.host import PluginStateInMemory
from tigertag.errors import SchemaMismatch
from tigertag.libraries.immich import listing

pytestmark = pytest.mark.slow

SEARCH = "POST /search/metadata"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)


def test_each_external_library_is_a_section_of_its_own(photos: Place) -> None:
    own = photos.server.add_library("/mnt/family")
    other = photos.server.add_library("/mnt/scans")
    photos.add_photo("upload.jpg")
    photos.add_photo("2024/a.jpg", own)
    photos.add_photo("2025/b.jpg", own)
    photos.add_photo("c.jpg", other)
    listed = {title: photos.titles(title) for title in photos.sections()}
    assert listed == {
        "Timeline": ["upload.jpg"],
        "External library family": ["a.jpg", "b.jpg"],
        "External library scans": ["c.jpg"],
    }


def test_libraries_in_folders_of_the_same_name_are_told_apart(photos: Place) -> None:
    photos.add_photo("a.jpg", photos.server.add_library("/mnt/a/photos"))
    photos.add_photo("b.jpg", photos.server.add_library("/mnt/b/photos"))
    assert sorted(photos.sections()) == [
        "External library /mnt/a/photos",
        "External library /mnt/b/photos",
        "Timeline",
    ]


@pytest.mark.usefixtures("small_pages")
def test_external_libraries_are_looked_for_among_all_assets_once(photos: Place) -> None:
    long_ago = datetime.now(UTC).timestamp() - 90_000
    for number in range(25):
        photos.add_photo(f"{number}.jpg", made=long_ago)
    photos.sections()
    photos.server.counts.clear()
    photos.reopen()
    assert list(photos.sections()) == ["Timeline"]
    assert photos.server.counts[SEARCH] == 1
    photos.add_photo("e.jpg", photos.server.add_library("/mnt/family"))
    assert list(photos.sections()) == ["Timeline", "External library family"]


class NoDatabase(PluginStateInMemory):
    """The state of a new home, before a first scan has made the database."""

    def get(self, name: str) -> str | None:
        raise SchemaMismatch("no such table: kept")

    def put(self, name: str, value: str) -> None:
        raise SchemaMismatch("no such table: kept")


def test_sections_are_named_before_there_is_a_database(photos: Place) -> None:
    photos.add_photo("e.jpg", photos.server.add_library("/mnt/family"))
    photos.state = NoDatabase()
    photos.reopen()
    assert list(photos.sections()) == ["Timeline", "External library family"]


def test_an_external_library_that_was_deleted_is_gone(photos: Place) -> None:
    photos.add_photo("e.jpg", photos.server.add_library("/mnt/family"))
    section = photos.sections()["External library family"]
    photos.remove_photo("e.jpg")
    error = error_of(lambda place: list(place.library.items(section)), photos)
    assert "is no longer on the server" in str(error)
    photos.reopen()
    assert list(photos.sections()) == ["Timeline"]


def test_an_external_library_keeps_its_title_wherever_files_are_added(photos: Place) -> None:
    library = photos.server.add_library("/nas/all")
    photos.add_photo("family/a.jpg", library)
    photos.sections()
    photos.add_photo("scans/b.jpg", library)
    photos.add_photo("c.jpg", photos.server.add_library("/other/family"))
    photos.reopen()
    assert list(photos.sections()) == [
        "Timeline",
        "External library family",
        "External library /other/family",
    ]


def test_an_external_library_whose_assets_were_all_locked_comes_back_with_them(
    photos: Place,
) -> None:
    long_ago = datetime.now(UTC).timestamp() - 90_000
    photos.add_photo("e.jpg", photos.server.add_library("/mnt/family"), made=long_ago)
    section = photos.sections()["External library family"]
    photos.server.change(photos.keys["e.jpg"], visibility="locked")
    error_of(lambda place: list(place.library.items(section)), photos)
    assert list(photos.sections()) == ["Timeline"]
    photos.server.change(photos.keys["e.jpg"], visibility="timeline")
    assert photos.titles("External library family") == ["e.jpg"]


def test_a_library_whose_files_are_all_offline_stays(photos: Place) -> None:
    library = photos.server.add_library("/mnt/family")
    photos.add_photo("e.jpg", library, offline=True, trashed=1_700_000_000.0)
    photos.add_photo("f.jpg", library)
    photos.sections()
    photos.server.change(photos.keys["f.jpg"], offline=True, trashed=1_700_000_000.0)
    assert photos.titles("External library family") == []


def test_an_album_is_a_section_if_it_is_named_and_its_photos_are_in_no_other(
    photos: Place,
) -> None:
    photos.add_photo("a.jpg")
    photos.add_photo("b.jpg")
    photos.add_photo("c.jpg")
    photos.server.add_album("Summer", photos.keys["a.jpg"], photos.keys["b.jpg"])
    photos.server.add_album("Sea", photos.keys["b.jpg"])
    photos.server.add_album("Not named", photos.keys["c.jpg"])
    photos.server.key = photos.server.add_key("all")
    photos.reopen(albums="summer, Sea")
    listed = {title: photos.titles(title) for title in photos.sections()}
    assert listed == {"Timeline": ["c.jpg"], "Summer": ["a.jpg", "b.jpg"], "Sea": []}


def test_photos_of_an_album_that_is_not_scanned_stay_in_the_timeline(photos: Place) -> None:
    photos.add_photo("a.jpg")
    photos.server.add_album("Summer", photos.keys["a.jpg"])
    photos.server.key = photos.server.add_key("all")
    photos.reopen(albums="Summer", sections="Timeline")
    assert photos.titles() == ["a.jpg"]


def test_albums_need_a_permission_that_the_error_names(photos: Place) -> None:
    photos.library = photos.built(albums="Summer")
    assert "lacks the permission album.read" in str(error_of(Place.sections, photos))


def test_an_album_that_does_not_exist_is_an_error_that_names_a_likely_one(photos: Place) -> None:
    photos.server.add_album("Summer")
    photos.server.key = photos.server.add_key("all")
    photos.library = photos.built(albums="Sumer")
    error = str(error_of(Place.sections, photos))
    assert "LIBRARY_BOX_ALBUMS names 'Sumer'" in error
    assert "did you mean 'Summer'?" in error


def test_a_listing_of_what_is_new_has_older_photos_that_were_put_into_an_album(
    photos: Place,
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    photos.add_photo("old.jpg", updated=long_ago.timestamp())
    photos.server.add_album("Summer", photos.keys["old.jpg"])
    photos.server.key = photos.server.add_key("all")
    photos.reopen(albums="Summer")
    since = datetime.now(UTC) - timedelta(days=1)
    listed = photos.library.items(photos.sections()["Summer"], since)
    assert [item.title for item in listed] == ["old.jpg"]
