from collections import Counter
from dataclasses import replace
from urllib.parse import unquote
from xml.etree.ElementTree import fromstring

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.plex import PlexServer
from tests.plex.edits import pairs, parsed
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import PHOTO, refs
from tigertag.contracts import EditOutcome
from tigertag.errors import LibraryError, LibraryReadOnly, LibraryUnavailable
from tigertag.libraries.plex.items import PHOTO as PHOTO_TYPE
from tigertag.libraries.plex.tags import (
    LONGEST_URL,
    FieldChange,
    edit_path,
    edit_paths,
    shown,
)
from tigertag.model import Edit, Field, Shown, TagRef

pytestmark = pytest.mark.slow

LONG = "x" * 100
SPELLINGS = [
    "dog, big",
    "café & co",
    "a=b?c#d",
    "50%",
    "100 %25",
    "a+b",
    "a/b",
    'say "hi"',
    "<tag>",
    "🐯",
    "👩‍👩‍👧‍👦 family",
    "Übung",
    LONG,
    " ".join([LONG[:99]] * 2),
    ",",
    "tti_x",
    ".hidden",
]


def outcome(place: PlexPlace, edit: Edit) -> EditOutcome:
    (one,) = place.send(edit)
    return one


def names(one: EditOutcome) -> list[str]:
    assert one.after is not None, one.reason
    return [tag.name for tag in one.after.tags]


def folded(words: list[str]) -> list[str]:
    return [word.casefold() for word in words]


@pytest.fixture
def photo(place: PlexPlace) -> PlexPlace:
    place.add_photo("a.jpg")
    return place


@pytest.mark.parametrize("word", SPELLINGS)
def test_any_word_is_added_and_taken_off_again(photo: PlexPlace, word: str) -> None:
    photo.tag("a.jpg", "mine")
    added = outcome(photo, photo.edit("a.jpg", adds=(word,)))
    assert folded(names(added)) == ["mine", word.casefold()]
    removed = outcome(photo, photo.edit("a.jpg", removes=(word,)))
    assert names(removed) == photo.tags("a.jpg") == ["Mine"]


def test_all_words_at_once_are_added_and_taken_off_again(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "mine")
    added = outcome(photo, photo.edit("a.jpg", adds=tuple(SPELLINGS)))
    assert sorted(folded(names(added))) == sorted(["mine", *folded(SPELLINGS)])
    removed = outcome(photo, photo.edit("a.jpg", removes=tuple(SPELLINGS)))
    assert names(removed) == ["Mine"]


def test_a_tag_is_removed_in_the_servers_spelling(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "tti_x")
    assert photo.tags("a.jpg") == ["Tti_x"]
    assert names(outcome(photo, photo.edit("a.jpg", removes=("tti_x",)))) == []


def test_of_two_tags_that_are_almost_alike_the_one_that_was_meant_goes(photo: PlexPlace) -> None:
    photo.plex.photo(photo.keys["a.jpg"]).tags["tag"] = ["Straße", "Strasse"]
    assert names(outcome(photo, photo.edit("a.jpg", removes=("Straße",)))) == ["Strasse"]


def test_of_two_tags_that_are_alike_and_not_what_was_meant_none_goes(photo: PlexPlace) -> None:
    photo.plex.photo(photo.keys["a.jpg"]).tags["tag"] = ["Straße", "Strasse"]
    outcome(photo, photo.edit("a.jpg", removes=("straße",)))
    assert photo.tags("a.jpg") == ["Straße", "Strasse"]
    assert photo.asked("PUT") == []


def test_the_capital_first_letter_does_not_make_a_new_tag(photo: PlexPlace) -> None:
    outcome(photo, photo.edit("a.jpg", adds=("cat",)))
    photo.plex.counts.clear()
    assert names(outcome(photo, photo.edit("a.jpg", adds=("cat",)))) == ["Cat"]
    assert photo.plex.counts["edit"] == 0


def test_a_word_that_is_given_in_two_spellings_is_sent_once(photo: PlexPlace) -> None:
    outcome(photo, photo.edit("a.jpg", adds=("cat", "CAT")))
    (sent,) = photo.asked("PUT")
    assert sent.count("tag.tag=") == 1


def test_only_what_changes_is_sent(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "mine", "yours", "old", "there")
    edit = photo.edit("a.jpg", adds=("new, one", "there"), removes=("old", "gone"))
    outcome(photo, edit)
    (sent,) = photo.asked("PUT")
    assert unquote(sent) == (
        f"PUT /library/sections/1/all?id={photo.keys['a.jpg']}&tag.locked=1"
        "&tag[0].tag.tag=new, one&tag[].tag.tag-=Old&type=13"
    )


def test_a_tag_that_the_owner_took_off_meanwhile_does_not_come_back(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "mine", "yours")
    edit = photo.edit("a.jpg", adds=("cat",))
    photo.plex.untag(photo.keys["a.jpg"], "mine")
    assert names(outcome(photo, edit)) == ["Yours", "Cat"]


def test_removals_are_quoted_twice(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "dog, big", "Beach")
    outcome(photo, photo.edit("a.jpg", removes=("dog, big", "Beach")))
    (sent,) = photo.asked("PUT")
    assert "tag%5B%5D.tag.tag-=Dog%252C%2520big%2CBeach&" in sent


def test_a_tag_beyond_those_that_lists_show_is_known(photo: PlexPlace) -> None:
    photo.tag("a.jpg", "one", "two", "three", "four")
    assert [tag.name for tag in photo.shown("a.jpg").tags] == ["One", "Two", "Three", "Four"]


def crowd(place: PlexPlace, count: int) -> list[str]:
    found = [f"{number:03}.jpg" for number in range(count)]
    for name in found:
        place.add_photo(name)
    return found


def edits(place: PlexPlace, found: list[str], *words: str) -> list[Edit]:
    (section,) = place.library.sections()
    items = {item.title: item for item in place.library.items(section)}
    return [Edit(items[name], refs(words)) for name in found]


def test_items_with_the_same_change_go_together(place: PlexPlace) -> None:
    found = crowd(place, 60)
    some = edits(place, found, "cat")
    some[::2] = [replace(edit, adds=refs(("dog",))) for edit in some[::2]]
    place.plex.counts.clear()
    sent = place.send(*some)
    assert [names(one) for one in sorted(sent, key=lambda one: one.key)] == [["Dog"], ["Cat"]] * 30
    assert place.plex.counts == {"metadata": 2, "edit": 2}


def test_at_most_a_hundred_items_go_together(place: PlexPlace) -> None:
    place.send(*edits(place, crowd(place, 250), "cat"))
    sizes = [len(line.split("id=")[1].split("&")[0].split("%2C")) for line in place.asked("PUT")]
    assert sizes == [100, 100, 50]


def test_no_url_is_longer_than_eight_kilobytes(place: PlexPlace) -> None:
    words = [f"{number} {'😀' * 60}" for number in range(60)]
    found = crowd(place, 100)
    sent = place.send(*edits(place, found, *words))
    assert {len(names(one)) for one in sent} == {60}
    longest = max(len(place.plex.url + line) for line in place.asked("PUT"))
    assert 4000 < longest - len("PUT ") <= LONGEST_URL
    removed = place.send(*(Edit(one.item, removes=one.adds) for one in edits(place, found, *words)))
    assert {len(names(one)) for one in removed} == {0}


def test_a_tag_too_long_for_a_url_fails_its_own_edit(place: PlexPlace) -> None:
    found = crowd(place, 2)
    fine, long = edits(place, found, "cat")
    long = replace(long, adds=refs(("cat", "x" * 9000)))
    sent = {one.key: one for one in place.send(fine, long)}
    assert "too long" in sent[long.item.key].reason
    assert names(sent[fine.item.key]) == ["Cat"]
    assert place.tags("001.jpg") == []


@given(
    adds=st.lists(st.text(min_size=1, max_size=200), max_size=60),
    removes=st.lists(st.text(min_size=1, max_size=200), max_size=60),
    count=st.integers(1, 100),
)
def test_whatever_is_sent_arrives_whole_in_short_urls(
    adds: list[str], removes: list[str], count: int
) -> None:
    keys = [str(1_000_000_000 + number) for number in range(count)]
    base = "http://plex.example:32400"
    arrived_adds, arrived_removes = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    change = FieldChange(
        refs(tuple(adds)), refs(tuple(removes)), PHOTO_TYPE, locks=((Field.TAG, True),)
    )
    for one in edit_paths(base, "1", keys, change):
        url = requests.Request("PUT", base + one).prepare().url or ""
        assert len(url) <= LONGEST_URL
        edit = parsed(pairs(url.partition("?")[2]))
        assert edit.ids
        arrived_adds.update((word, key) for _field, word in edit.adds for key in edit.ids)
        arrived_removes.update((word, key) for _field, word in edit.removes for key in edit.ids)
    assert arrived_adds == Counter((word, int(key)) for word in adds for key in keys)
    assert arrived_removes == Counter((word, int(key)) for word in removes for key in keys)


@pytest.mark.parametrize("keys", [[], [""], ["1", ""], ["x"], ["1,2"], ["\u0661"]])
def test_an_edit_that_names_no_items_is_never_sent(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="must name its items"):
        edit_path("1", keys, FieldChange(refs(("cat",)), (), PHOTO_TYPE, ()))


def test_the_fake_edits_the_whole_section_without_ids_as_plex_does(place: PlexPlace) -> None:
    found = crowd(place, 3)
    place.library._client.put("/library/sections/1/all?type=13&tag%5B0%5D.tag.tag=Oh")
    assert [place.tags(name) for name in found] == [["Oh"]] * 3


def test_an_item_of_another_kind_of_library_is_refused(photo: PlexPlace) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    for item in (replace(edit.item, key="a.jpg"), replace(edit.item, section=".")):
        assert outcome(photo, replace(edit, item=item)).reason
    assert photo.asked("PUT") == []


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (TagRef(Field.LABEL, "cat"), "no labels"),
        (TagRef(Field.TAG, " "), "cannot store"),
        (TagRef(Field.TAG, "a\nb"), "cannot store"),
        (TagRef(Field.TAG, "a\ud800b"), "cannot store"),
    ],
)
def test_what_plex_cannot_keep_is_refused(photo: PlexPlace, tag: TagRef, message: str) -> None:
    edit = replace(photo.edit("a.jpg"), adds=(tag,))
    assert message in outcome(photo, edit).reason
    assert photo.asked("PUT") == []


def locked(place: PlexPlace) -> bool:
    return "tag" in place.plex.locks(place.keys["a.jpg"])


@pytest.mark.parametrize("before", [True, False])
def test_adding_locks_the_tags_against_agents(photo: PlexPlace, before: bool) -> None:
    photo.plex.set_lock(photo.keys["a.jpg"], locked=before)
    one = outcome(photo, photo.edit("a.jpg", adds=("cat",)))
    assert one.after is not None
    assert one.after.locked == {Field.TAG}
    assert locked(photo)


@pytest.mark.parametrize("before", [True, False])
def test_removing_leaves_the_lock_as_it_is(photo: PlexPlace, before: bool) -> None:
    photo.tag("a.jpg", "cat")
    photo.plex.set_lock(photo.keys["a.jpg"], locked=before)
    outcome(photo, photo.edit("a.jpg", removes=("cat",)))
    assert locked(photo) is before


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_the_lock_that_an_edit_names_is_the_one_left_behind(
    photo: PlexPlace, before: bool, after: bool
) -> None:
    photo.tag("a.jpg", "cat")
    photo.plex.set_lock(photo.keys["a.jpg"], locked=before)
    outcome(photo, photo.edit("a.jpg", removes=("cat",), locked=after))
    assert locked(photo) is after


def test_a_lock_alone_is_an_edit(photo: PlexPlace) -> None:
    photo.plex.set_lock(photo.keys["a.jpg"], locked=True)
    outcome(photo, photo.edit("a.jpg", locked=False))
    assert not locked(photo)


def test_a_lock_of_another_field_is_none_of_ours(photo: PlexPlace) -> None:
    photo.plex.set_lock(photo.keys["a.jpg"], locked=True, field="title")
    assert photo.shown("a.jpg").locked == frozenset()


@pytest.mark.parametrize(("mark", "is_locked"), [("1", True), ("0", False)])
def test_a_field_is_locked_only_if_it_says_so(mark: str, is_locked: bool) -> None:
    entry = fromstring(f'<Photo ratingKey="1"><Field name="tag" locked="{mark}"/></Photo>')
    read = shown(entry, PHOTO_TYPE, wanted=Field.LABEL)
    assert (Field.TAG in read.locked) is is_locked


@pytest.mark.parametrize("raises", [True, False])
def test_the_rest_tells_what_an_edit_must_not_change(photo: PlexPlace, raises: bool) -> None:
    photo.plex.raises_updated_at = raises
    before = photo.shown("a.jpg").rest
    outcome(photo, photo.edit("a.jpg", adds=("cat",)))
    photo.plex.view(photo.keys["a.jpg"])
    photo.plex.rename_section(photo.section, "Pictures")
    assert photo.shown("a.jpg").rest == before
    photo.plex.rate(photo.keys["a.jpg"], 8.0)
    rated = photo.shown("a.jpg").rest
    photo.plex.set_lock(photo.keys["a.jpg"], locked=True, field="title")
    assert len({before, rated, photo.shown("a.jpg").rest}) == 3


def test_an_edit_that_plex_says_it_took_but_did_not_shows_so(photo: PlexPlace) -> None:
    photo.plex.fail("empty", at="PUT")
    one = outcome(photo, photo.edit("a.jpg", adds=("cat",)))
    assert names(one) == []


@pytest.mark.parametrize("fault", [400, 404, 409, 414, 500, 520])
def test_an_edit_that_is_refused_fails_its_own_items(place: PlexPlace, fault: int) -> None:
    found = crowd(place, 4)
    some = edits(place, found, "cat")
    some[0] = replace(some[0], adds=refs(("dog",)))
    place.plex.fail(fault, at="tag=dog")
    sent = {one.key: one for one in place.send(*some)}
    assert sent[some[0].item.key].after is None
    assert str(fault) in sent[some[0].item.key].reason
    assert [names(sent[edit.item.key]) for edit in some[1:]] == [["Cat"]] * 3


def test_an_item_that_spoils_a_request_does_not_keep_the_others_from_theirs(
    place: PlexPlace,
) -> None:
    found = crowd(place, 8)
    some = edits(place, found, "cat")
    place.plex.fail(400, at=some[5].item.key)
    place.plex.mend()
    place.plex.fail(500, at=f"PUT /library/sections/1/all?id={some[5].item.key}&")
    place.plex.fail(500, at=f"{some[4].item.key}%2C{some[5].item.key}")
    sent = place.send(*some)
    assert [one.key for one in sent if one.after is None] == [some[5].item.key]
    assert [len(place.tags(name)) for name in found] == [1, 1, 1, 1, 1, 0, 1, 1]


def test_why_an_edit_was_refused_is_told_though_it_cannot_be_read_back(photo: PlexPlace) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    photo.plex.fail(400, at="PUT")
    photo.plex.fail(404, at="/library/metadata", after=1)
    one = outcome(photo, edit)
    assert (one.after, "refused the edit (400)" in one.reason) == (None, True)


def test_an_edit_that_was_made_although_it_was_refused_shows_so(
    photo: PlexPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    photo.plex.fail(500, at="PUT")
    put = photo.library._client.put

    def made(key: str) -> None:
        photo.tag("a.jpg", "cat")
        put(key)

    monkeypatch.setattr(photo.library._client, "put", made)
    assert names(outcome(photo, edit)) == ["Cat"]


def test_an_item_that_goes_while_it_is_written_fails_alone(place: PlexPlace) -> None:
    found = crowd(place, 3)
    some = edits(place, found, "cat")
    place.plex.before_edit = lambda: place.remove_photo("001.jpg")
    sent = {one.key: one for one in place.send(*some)}
    gone = sent.pop(some[1].item.key)
    assert (gone.after, bool(gone.reason)) == (None, True)
    assert [names(one) for one in sent.values()] == [["Cat"], ["Cat"]]


@pytest.mark.parametrize("fault", ["maintenance", "reset", "silent", 502])
def test_a_write_is_sent_again_and_nothing_doubles(photo: PlexPlace, fault: int | str) -> None:
    photo.plex.silence_s = 0.01
    photo.plex.fail(fault, at="PUT", times=2)
    assert names(outcome(photo, photo.edit("a.jpg", adds=("cat",)))) == ["Cat"]
    assert photo.plex.tags(photo.keys["a.jpg"]) == ["Cat"]


def until_it_stops(place: PlexPlace, some: list[Edit]) -> tuple[list[EditOutcome], LibraryError]:
    made: list[EditOutcome] = []
    with pytest.raises(LibraryError) as caught:
        made.extend(place.library.send(some))
    return made, caught.value


@pytest.mark.parametrize("fault", [401, 403, "maintenance"])
def test_what_was_written_before_the_server_stopped_is_told_first(
    place: PlexPlace, fault: int | str
) -> None:
    some = edits(place, crowd(place, 3), "cat")
    some = [replace(edit, adds=refs((f"w{number}",))) for number, edit in enumerate(some)]
    place.plex.fail(fault, at="PUT", after=1)
    made, error = until_it_stops(place, some)
    assert [names(one) for one in made] == [["W0"]]
    kind = {401: LibraryError, 403: LibraryReadOnly, "maintenance": LibraryUnavailable}[fault]
    assert type(error) is kind or isinstance(error, kind)
    place.plex.mend()
    assert [names(one) for one in place.send(*some)] == [["W0"], ["W1"], ["W2"]]


def test_a_token_that_may_not_write_is_one_clear_line(photo: PlexPlace) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    photo.plex.fail(403, at="PUT")
    _made, error = until_it_stops(photo, [edit])
    assert "Previews work" in str(error)
    assert "LIBRARY_BOX_TOKEN" in str(error)


def test_what_cannot_be_read_back_has_no_outcome(photo: PlexPlace) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    photo.plex.fail("maintenance", at="/library/metadata", after=1)
    made, error = until_it_stops(photo, [edit])
    assert (made, "migrating" in str(error)) == ([], True)
    assert photo.tags("a.jpg") == ["Cat"]


def test_items_of_two_sections_are_written_each_in_its_own(plex: PlexServer) -> None:
    place = PlexPlace(plex)
    other = plex.add_section("Family")
    place.add_photo("a.jpg")
    place.keys["b.jpg"] = plex.add_photo(other, "b.jpg", PHOTO)
    sent = place.send(place.edit("a.jpg", adds=("cat",)), place.edit("b.jpg", adds=("cat",)))
    assert [names(one) for one in sent] == [["Cat"], ["Cat"]]
    assert [line.split("/")[3] for line in place.asked("PUT")] == ["1", "2"]
    place.close()


def test_a_reading_knows_the_locks(photo: PlexPlace) -> None:
    photo.plex.set_lock(photo.keys["a.jpg"], locked=True)
    read = photo.read("a.jpg")
    assert isinstance(read, Shown)
    assert read.locked == {Field.TAG}
