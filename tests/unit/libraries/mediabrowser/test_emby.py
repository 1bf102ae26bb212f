"""Emby: tags have requests of their own, and come back as items."""

from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.unit.libraries.mediabrowser.places import Place, words
from tests.unit.libraries.server_place import refs
from tigertag.contracts import EditOutcome
from tigertag.errors import LibraryError, LibraryReadOnly, LibraryUnavailable
from tigertag.model import Field, TagRef


@pytest.fixture
def photo(on_emby: Place) -> Place:
    on_emby.add_photo("a.jpg")
    return on_emby


def bodies(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is posted from now on."""
    sent: list[tuple[str, Any]] = []
    client = place.library._client
    post = client.post

    def noting(path: str, body: Any) -> None:
        sent.append((path.rpartition("/Tags/")[2], body))
        post(path, body)

    monkeypatch.setattr(client, "post", noting)
    return sent


def test_only_what_changes_is_sent(photo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    photo.tag("a.jpg", "mine", "Old", "there")
    sent = bodies(photo, monkeypatch)
    (outcome,) = photo.send(photo.edit("a.jpg", adds=("new", "THERE"), removes=("old", "gone")))
    assert sent == [("Add", {"Tags": [{"Name": "new"}]}), ("Delete", {"Tags": [{"Name": "Old"}]})]
    assert words(outcome) == ["mine", "there", "new"]


def test_of_two_tags_that_are_almost_alike_the_one_that_was_meant_goes(photo: Place) -> None:
    photo.tag("a.jpg", "straße", "Strasse")
    assert words(photo.send(photo.edit("a.jpg", removes=("straße",)))[0]) == ["Strasse"]


def test_what_is_there_already_is_not_sent(photo: Place) -> None:
    photo.tag("a.jpg", "Cat")
    photo.send(photo.edit("a.jpg", adds=("cat",), removes=("dog",)))
    assert photo.asked("POST") == []


def test_a_whole_item_is_never_sent(photo: Place) -> None:
    url = f"{photo.media.url}/emby/Items/{photo.keys['a.jpg']}"
    headers = {"X-Emby-Token": photo.media.key}
    assert requests.post(url, json={"Tags": []}, headers=headers, timeout=5).status_code == 404
    assert "not for TigerTag" in photo.media.violations.pop()


def test_tags_come_only_when_they_are_asked_for(photo: Place) -> None:
    photo.tag("a.jpg", "mine")
    url = f"{photo.media.url}/emby/Items?Ids={photo.keys['a.jpg']}"
    headers = {"X-Emby-Token": photo.media.key}
    (bare,) = requests.get(url, headers=headers, timeout=5).json()["Items"]
    (asked,) = requests.get(f"{url}&Fields=Tags", headers=headers, timeout=5).json()["Items"]
    assert ("TagItems" in bare, asked["Tags"]) == (False, [])
    assert [one["Name"] for one in asked["TagItems"]] == ["mine"]


@pytest.mark.parametrize("fault", [400, 404, 500, 520])
def test_an_edit_that_is_refused_fails_its_own_item(photo: Place, fault: int) -> None:
    photo.add_photo("b.jpg")
    edits = [photo.edit(name, adds=("cat",)) for name in ("a.jpg", "b.jpg")]
    photo.media.fail(fault, at="POST", times=1)
    refused, made = photo.send(*edits)
    assert (refused.after, refused.sent, bool(refused.reason)) == (None, False, True)
    assert words(made) == ["cat"]


def test_an_edit_that_was_made_in_part_shows_so(photo: Place) -> None:
    photo.tag("a.jpg", "old")
    photo.media.fail(500, at="Tags/Delete")
    (outcome,) = photo.send(photo.edit("a.jpg", adds=("cat",), removes=("old",)))
    assert words(outcome) == ["old", "cat"]


@pytest.mark.parametrize(
    ("fault", "kind"), [(401, LibraryError), (403, LibraryReadOnly), (503, LibraryUnavailable)]
)
def test_what_was_written_before_the_server_stopped_is_told_first(
    photo: Place, fault: int, kind: type[LibraryError]
) -> None:
    photo.add_photo("b.jpg")
    edits = [photo.edit(name, adds=("cat",)) for name in ("a.jpg", "b.jpg")]
    photo.media.fail(fault, at="POST", after=1)
    made: list[EditOutcome] = []
    with pytest.raises(kind, match="Library box: "):
        made.extend(photo.library.send(edits))
    assert [words(one) for one in made] == [["cat"]]


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (TagRef(Field.LABEL, "cat"), "no labels"),
        (TagRef(Field.TAG, " "), "cannot store"),
        (TagRef(Field.TAG, "a\nb"), "cannot store"),
        (TagRef(Field.TAG, "a\ud800b"), "cannot store"),
    ],
)
def test_what_emby_cannot_keep_is_refused(photo: Place, tag: TagRef, message: str) -> None:
    (outcome,) = photo.send(replace(photo.edit("a.jpg"), adds=(tag,)))
    assert message in outcome.reason
    assert photo.asked("POST") == []


def test_an_item_of_another_kind_of_library_is_refused(photo: Place) -> None:
    edit = photo.edit("a.jpg", adds=("cat",))
    (outcome,) = photo.send(replace(edit, item=replace(edit.item, key="../a.jpg")))
    assert "no key of an item on Emby" in outcome.reason


@pytest.mark.parametrize("word", ["dog, big", "Ünïcode 🐯", 'a "b" <c>', "a/b?c=d&e", "50%"])
def test_any_word_is_added_and_taken_off_again(photo: Place, word: str) -> None:
    photo.tag("a.jpg", "mine")
    assert words(photo.send(photo.edit("a.jpg", adds=(word,)))[0]) == ["mine", word]
    assert words(photo.send(photo.edit("a.jpg", removes=(word,)))[0]) == ["mine"]


def test_a_word_that_is_given_in_two_spellings_is_sent_once(photo: Place) -> None:
    edit = replace(photo.edit("a.jpg"), adds=refs(("cat", "CAT")))
    assert len(words(photo.send(edit)[0])) == 1


def test_a_base_path_that_the_address_has_is_not_doubled(photo: Place) -> None:
    photo.built(url=f"{photo.media.url}/emby/").open()
    assert not any("/emby/emby" in line for line in photo.media.log)


def test_a_proxy_that_put_the_base_path_away_is_found(photo: Place) -> None:
    photo.media.fail(404, at="/emby/")
    library = photo.built()
    library.open()
    assert [one.title for one in library.sections()] == ["Photos"]


def test_nothing_tells_embys_own_doing_from_its_users(photo: Place) -> None:
    before = photo.shown("a.jpg").refreshed
    photo.media.refresh(photo.keys["a.jpg"])
    assert photo.shown("a.jpg").refreshed == before == ""
