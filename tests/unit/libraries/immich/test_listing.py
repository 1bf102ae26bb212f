"""What is listed of an Immich user's assets, in which section, and at what cost."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import error_of
from tigertag.contracts import LeftOutReason, NotedItems
from tigertag.errors import LibraryUnavailable
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
