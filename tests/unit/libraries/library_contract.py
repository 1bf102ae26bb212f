"""What every library must do. Its test class gives a `place`; pytest runs these tests over it."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from tigertag.contracts import (
    Catalogued,
    Cataloguing,
    EditOutcome,
    Library,
    Need,
    NotRead,
    VerifyingLater,
)
from tigertag.errors import ItemGone
from tigertag.media.picture import decode
from tigertag.media.video import still
from tigertag.model import Edit, Field, Item, Media, Shown, TagRef

_SETTLED_WITHIN_S = 5.0


class Place(Protocol):
    """A library that is open, and its source as its owner sees it.

    It starts without photos, or videos where those are meant by photos. Names are like `a.jpg`, and
    an item's title ends with its photo's name.
    """

    @property
    def library(self) -> Library: ...
    @property
    def field(self) -> Field: ...
    def add_photo(self, name: str) -> None: ...
    def change_photo(self, name: str) -> None: ...
    def remove_photo(self, name: str) -> None: ...
    def another(self) -> Library:
        """The library as another process opens it."""
        ...

    def tag(self, name: str, *words: str) -> None:
        """Let the owner replace a photo's tags, by other means than TigerTag."""


def items(place: Place) -> dict[str, Item]:
    return by_name(place.library)


def by_name(library: Library) -> dict[str, Item]:
    found = [item for section in library.sections() for item in library.items(section)]
    return {item.title.split()[-1]: item for item in found}


def shown(place: Place, name: str) -> Shown:
    (read,) = place.library.read_tags([items(place)[name]])
    assert isinstance(read, Shown)
    return read


def words(one: Shown | None) -> list[str]:
    """The tags; a server may have changed the case of a tag that it was sent."""
    assert one is not None
    return [tag.name.casefold() for tag in one.tags]


def edit(place: Place, name: str, adds: str = "", removes: str = "") -> Edit:
    def refs(text: str) -> tuple[TagRef, ...]:
        return tuple(TagRef(place.field, word) for word in text.split())

    return Edit(items(place)[name], refs(adds), refs(removes))


def send(place: Place, *edits: Edit) -> list[EditOutcome]:
    """Send edits, and wait for what came of those that are verified later."""
    library = place.library
    if not isinstance(library, VerifyingLater):
        return list(library.send(edits))
    read = list(library.read_tags([edit.item for edit in edits]))
    before = {shown.key: shown for shown in read if isinstance(shown, Shown)}
    by_key = {edit.item.key: edit for edit in edits}
    outcomes = library.send(edits)
    return [settled(library, by_key[each.key], before, each) for each in outcomes]


def settled(
    library: Library, edit: Edit, before: Mapping[str, Shown], outcome: EditOutcome
) -> EditOutcome:
    """Look again, and send what is left of an edit, until nothing is, as a scan does."""
    assert isinstance(library, VerifyingLater)
    until_s = time.monotonic() + _SETTLED_WITHIN_S
    while outcome.look_again_s is not None and time.monotonic() < until_s:
        time.sleep(outcome.look_again_s)
        (seen,) = library.read_tags([edit.item])
        sent = replace(before[outcome.key], stamp=outcome.stamp)
        if not outcome.sent or (isinstance(seen, Shown) and library.settles(sent, seen)):
            (outcome,) = library.send([edit])
    return outcome


def catalogued(library: Library, asked: list[Item]) -> dict[str, Catalogued]:
    """What the library says that items are, by key; nothing where it knows no genres."""
    found = library.catalogued(asked) if isinstance(library, Cataloguing) else ()
    return {one.key: one for one in found}


class LibraryContract:
    """Derive from it, name the class `Test…`, and override `place`."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    def test_opening_twice_is_opening_once(self, place: Place) -> None:
        place.library.open()
        assert items(place) == {}

    def test_what_tells_it_from_another_source_is_the_same_whenever_it_is_opened(
        self, place: Place
    ) -> None:
        before = place.library.identity
        place.library.open()
        assert place.library.identity == place.another().identity == before

    def test_each_photo_is_one_item_of_its_section_and_library(self, place: Place) -> None:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            place.add_photo(name)
        found = items(place)
        assert sorted(found) == ["a.jpg", "b.jpg", "c.jpg"]
        assert len({item.key for item in found.values()}) == 3
        sections = {section.id for section in place.library.sections()}
        assert {item.section for item in found.values()} <= sections
        assert {item.library for item in found.values()} == {place.library.id}

    def test_a_listing_is_the_same_twice(self, place: Place) -> None:
        for name in ("b.jpg", "a.jpg"):
            place.add_photo(name)
        assert list(items(place).values()) == list(items(place).values())

    def test_a_listing_since_long_ago_is_the_whole_listing(self, place: Place) -> None:
        place.add_photo("a.jpg")
        long_ago = datetime(2001, 1, 1, tzinfo=UTC)
        for section in place.library.sections():
            everything = list(place.library.items(section))
            assert list(place.library.items(section, long_ago)) == everything

    def test_a_revision_changes_with_the_photo(self, place: Place) -> None:
        place.add_photo("a.jpg")
        before = items(place)["a.jpg"]
        place.change_photo("a.jpg")
        after = items(place)["a.jpg"]
        assert (after.key, after.revision != before.revision) == (before.key, True)

    def test_a_revision_is_not_changed_by_tags(self, place: Place) -> None:
        place.add_photo("a.jpg")
        before = items(place)["a.jpg"].revision
        place.tag("a.jpg", "mine")
        send(place, edit(place, "a.jpg", "cat"))
        assert items(place)["a.jpg"].revision == before

    def test_a_stamp_stays_while_nothing_changes(self, place: Place) -> None:
        place.add_photo("a.jpg")
        before = items(place)["a.jpg"].stamp
        shown(place, "a.jpg")
        assert items(place)["a.jpg"].stamp == before

    def test_a_stamp_changes_whenever_tags_do(self, place: Place) -> None:
        place.add_photo("a.jpg")
        stamps = [items(place)["a.jpg"].stamp]
        place.tag("a.jpg", "mine")
        stamps.append(items(place)["a.jpg"].stamp)
        send(place, edit(place, "a.jpg", "cat"))
        stamps.append(items(place)["a.jpg"].stamp)
        assert len(set(stamps)) == 3 or set(stamps) == {None}

    def test_the_stamp_of_a_listing_is_that_of_a_reading(self, place: Place) -> None:
        place.add_photo("a.jpg")
        assert shown(place, "a.jpg").stamp == items(place)["a.jpg"].stamp
        (outcome,) = send(place, edit(place, "a.jpg", "cat"))
        assert outcome.after is not None
        assert outcome.after.stamp == items(place)["a.jpg"].stamp

    def test_what_it_fetches_can_be_decoded(self, place: Place) -> None:
        place.add_photo("a.jpg")
        item = items(place)["a.jpg"]
        with place.library.fetch(item, Need(16)) as source:
            video = item.media is Media.VIDEO
            frame = still(source, short_side_px=16) if video else decode(source, 16)
            assert min(frame.pixels.shape[:2]) == 16

    def test_a_photo_that_went_away_is_gone(self, place: Place) -> None:
        place.add_photo("a.jpg")
        item = items(place)["a.jpg"]
        place.remove_photo("a.jpg")
        with pytest.raises(ItemGone), place.library.fetch(item, Need(16)):
            pass

    def test_a_photo_that_went_away_does_not_read_as_one_without_tags(self, place: Place) -> None:
        place.add_photo("a.jpg")
        item = items(place)["a.jpg"]
        place.remove_photo("a.jpg")
        (read,) = place.library.read_tags([item])
        assert isinstance(read, NotRead)

    def test_tags_of_a_photo_that_went_away_are_not_sent(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.add_photo("b.jpg")
        gone, there = edit(place, "a.jpg", "cat"), edit(place, "b.jpg", "cat")
        place.remove_photo("a.jpg")
        outcomes = {outcome.key: outcome for outcome in send(place, gone, there)}
        assert outcomes[gone.item.key].after is None
        assert outcomes[gone.item.key].reason
        assert words(outcomes[there.item.key].after) == ["cat"]

    def test_a_new_photo_shows_no_tags(self, place: Place) -> None:
        place.add_photo("a.jpg")
        assert shown(place, "a.jpg").tags == ()

    def test_the_owners_tags_are_read_in_the_owners_spelling(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.tag("a.jpg", "Über uns", "Cat & dog")
        assert shown(place, "a.jpg").tags == (
            TagRef(place.field, "Über uns"),
            TagRef(place.field, "Cat & dog"),
        )

    def test_one_result_is_read_for_each_item(self, place: Place) -> None:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            place.add_photo(name)
        asked = list(items(place).values())
        assert {one.key for one in place.library.read_tags(asked)} == {one.key for one in asked}

    def test_what_is_sent_is_read_back(self, place: Place) -> None:
        place.add_photo("a.jpg")
        (outcome,) = send(place, edit(place, "a.jpg", "cat tabby"))
        assert words(outcome.after) == ["cat", "tabby"]
        assert outcome.after == shown(place, "a.jpg")

    def test_the_owners_tags_are_kept(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.tag("a.jpg", "mine")
        (outcome,) = send(place, edit(place, "a.jpg", "cat"))
        assert sorted(words(outcome.after)) == ["cat", "mine"]

    def test_only_what_an_edit_names_is_removed(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.tag("a.jpg", "cat", "dog", "doghouse")
        (outcome,) = send(place, edit(place, "a.jpg", removes="dog"))
        assert sorted(words(outcome.after)) == ["cat", "doghouse"]

    def test_sending_twice_is_sending_once(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.tag("a.jpg", "old")
        twice = edit(place, "a.jpg", "cat", "old")
        (first,), (second,) = send(place, twice), send(place, twice)
        assert words(first.after) == words(second.after) == ["cat"]

    def test_a_tag_that_is_there_in_another_case_is_left_as_it_is(self, place: Place) -> None:
        place.add_photo("a.jpg")
        place.tag("a.jpg", "CAT")
        (outcome,) = send(place, edit(place, "a.jpg", "cat"))
        assert outcome.after is not None
        assert outcome.after.tags == (TagRef(place.field, "CAT"),)

    def test_adding_and_removing_leaves_nothing(self, place: Place) -> None:
        place.add_photo("a.jpg")
        before = shown(place, "a.jpg")
        send(place, edit(place, "a.jpg", "cat"))
        (outcome,) = send(place, edit(place, "a.jpg", removes="cat"))
        assert outcome.after is not None
        assert (outcome.after.tags, outcome.after.rest) == (before.tags, before.rest)

    def test_the_rest_is_not_changed_by_tags(self, place: Place) -> None:
        place.add_photo("a.jpg")
        rest = shown(place, "a.jpg").rest
        (outcome,) = send(place, edit(place, "a.jpg", "cat"))
        assert outcome.after is not None
        assert outcome.after.rest == rest

    def test_each_edit_has_one_outcome(self, place: Place) -> None:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            place.add_photo(name)
        edits = [edit(place, name, "cat") for name in ("c.jpg", "a.jpg", "b.jpg")]
        keys = [outcome.key for outcome in send(place, *edits)]
        assert sorted(keys) == sorted(one.item.key for one in edits)

    def test_what_went_away_is_catalogued_no_more(self, place: Place) -> None:
        for name in ("a.jpg", "b.jpg"):
            place.add_photo(name)
        asked = items(place)
        place.remove_photo("a.jpg")
        told = catalogued(place.library, list(asked.values()))
        assert told.keys() <= {asked["b.jpg"].key}

    def test_what_is_catalogued_is_the_same_twice(self, place: Place) -> None:
        place.add_photo("a.jpg")
        asked = list(items(place).values())
        assert catalogued(place.library, asked) == catalogued(place.another(), asked)
