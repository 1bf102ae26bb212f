"""What is listed of an Immich user's assets, in which section, and at what cost."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import error_of
from tigertag.contracts import LeftOutReason, NotedItems
from tigertag.contracts.host import PluginStateInMemory
from tigertag.errors import LibraryUnavailable, SchemaMismatch
from tigertag.libraries.immich import listing

pytestmark = pytest.mark.slow

SEARCH = "POST /search/metadata"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)


@pytest.mark.parametrize(
    "fields",
    [
        {"trashed": 1_700_000_000.0},
        {"trashed": 1_700_000_000.0, "offline": True},
        {"visibility": "hidden"},
        {"visibility": "locked"},
        {"visibility": "archive"},
        {"processed": False},
    ],
)
def test_what_must_not_be_tagged_is_not_listed(photos: Place, fields: dict[str, Any]) -> None:
    photos.add_photo("a.jpg")
    photos.server.jobs.paused = True
    photos.add_photo("b.jpg", **fields)
    assert photos.titles() == ["a.jpg"]


def test_what_a_partner_shares_is_not_listed(photos: Place) -> None:
    partner = photos.server.add_user("Robin")
    photos.server.share(partner, photos.server.owner)
    photos.add_photo("theirs.jpg", owner=partner)
    photos.add_photo("a.jpg")
    assert photos.titles() == ["a.jpg"]


def test_what_is_archived_is_listed_on_request(photos: Place) -> None:
    photos.add_photo("a.jpg", visibility="archive")
    photos.add_photo("b.jpg")
    photos.reopen(include_archived=True)
    assert sorted(photos.titles()) == ["a.jpg", "b.jpg"]


def test_what_is_not_processed_yet_does_not_count_as_gone_and_comes_later(photos: Place) -> None:
    photos.server.jobs.paused = True
    photos.add_photo("a.jpg", processed=False)
    listed = photos.library.items(photos.sections()["Timeline"])
    assert (list(listed), isinstance(listed, NotedItems)) == ([], True)
    assert listed.notes.unread == [photos.keys["a.jpg"]]  # type: ignore[attr-defined]
    photos.server.jobs.resume()
    photos.server.settle()
    assert photos.titles() == ["a.jpg"]


def test_what_is_too_small_is_noted(photos: Place) -> None:
    photos.reopen(min_bytes=1_000_000)
    photos.add_photo("a.jpg")
    listed = photos.library.items(photos.sections()["Timeline"])
    assert list(listed) == []
    assert isinstance(listed, NotedItems)
    assert [each.reason for each in listed.notes.left_out] == [LeftOutReason.TOO_SMALL]


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


@pytest.mark.usefixtures("small_pages")
def test_photos_of_the_same_moment_fill_more_than_a_page(photos: Place) -> None:
    for number in range(35):
        photos.add_photo(f"{number:02}.jpg", taken=1_600_000_000.0)
    assert len(photos.listed()) == 35


@pytest.mark.usefixtures("small_pages")
def test_photos_of_the_same_moment_are_not_missed_where_others_are_deleted_meanwhile(
    photos: Place,
) -> None:
    long_ago = datetime.now(UTC).timestamp() - 90_000
    for number in range(35):
        photos.add_photo(f"{number:02}.jpg", taken=1_600_000_000.0, made=long_ago, updated=long_ago)
    coming = photos.library.items(photos.sections()["Timeline"])
    met = [item.title for item in islice(coming, 11)]
    for name in met[:2]:
        photos.remove_photo(name)
    met += [item.title for item in coming]
    assert len(met) == 35


@pytest.mark.usefixtures("small_pages")
def test_a_photo_that_is_dated_back_while_it_is_listed_is_not_missed(photos: Place) -> None:
    for number in range(25):
        photos.add_photo(f"{number:02}.jpg")
    coming = photos.library.items(photos.sections()["Timeline"])
    met = [item.title for item in islice(coming, 1)]
    photos.server.change(photos.keys["24.jpg"], taken=1_600_000_000.0)
    met += [item.title for item in coming]
    assert sorted(met) == [f"{number:02}.jpg" for number in range(25)]


@pytest.mark.usefixtures("small_pages")
def test_an_unchanged_section_costs_its_pages_and_two_small_requests(photos: Place) -> None:
    long_ago = datetime.now(UTC).timestamp() - 90_000
    for number in range(30):
        photos.add_photo(f"{number:02}.jpg", made=long_ago, updated=long_ago)
    photos.titles()
    photos.server.counts.clear()
    photos.titles()
    # Each page begins at the last asset of the one before.
    assert photos.server.counts == {SEARCH: 4 + 2}


def test_a_server_that_gives_the_same_page_for_ever_is_not_asked_for_ever(
    photos: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 1)
    for number in range(2):
        photos.add_photo(f"{number}.jpg")
    monkeypatch.setattr(listing, "_next", lambda *_place: dict[str, object]())
    error = error_of(Place.sections, photos)
    assert isinstance(error, LibraryUnavailable)
    assert "lists the same assets over and over" in str(error)


def test_a_listing_of_what_is_new_has_what_was_added_or_changed_since(photos: Place) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    photos.add_photo("old.jpg", updated=long_ago.timestamp())
    photos.add_photo("new.jpg")
    (section,) = photos.library.sections()
    since = datetime.now(UTC) - timedelta(days=1)
    assert [item.title for item in photos.library.items(section, since)] == ["new.jpg"]


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


def test_an_external_file_that_changes_is_another_revision_whatever_its_checksum(
    photos: Place,
) -> None:
    photos.add_photo("e.jpg", photos.server.add_library("/mnt/family"))
    (before,) = photos.listed("External library family")
    photos.change_photo("e.jpg")
    (after,) = photos.listed("External library family")
    assert (after.key, after.revision != before.revision) == (before.key, True)
    assert after.file != before.file


def test_an_edited_photo_is_another_revision(photos: Place) -> None:
    photos.add_photo("a.jpg")
    (before,) = photos.listed()
    photos.server.change(photos.keys["a.jpg"], edited=True)
    assert photos.listed()[0].revision != before.revision


def test_what_was_thrown_away_since_it_was_listed_is_not_read(photos: Place) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.server.trash(item.key)
    (read,) = photos.library.read_tags([item])
    assert "trash" in read.reason  # type: ignore[union-attr]


def test_what_the_server_is_still_changing_is_read_again(photos: Place) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.server.tag(item.key, "mine")
    assert [tag.name for tag in photos.shown("a.jpg").tags] == ["mine"]
    assert len(photos.asked(photos.reading_path)) > 1
