"""What is compared: all that a user may have set, nothing that a server does by itself."""

from typing import Any

import pytest

from tests.unit.libraries.mediabrowser.places import FILM, Place
from tigertag.libraries.mediabrowser.metadata import EDITABLE, editable

BEFORE: dict[str, Any] = {"Id": "1", "Type": "Movie", "Name": "a", "Tags": ["x"], **FILM}


def test_a_body_holds_what_may_be_edited_and_nothing_else() -> None:
    body = editable(BEFORE | {"Trickplay": {}, "UserData": {}, "Etag": "1"}, ["cat"])
    assert body.keys() <= {*EDITABLE, "Tags"}
    assert body["Tags"] == ["cat"]


def test_a_body_always_holds_what_must_not_be_null() -> None:
    assert editable({"Genres": None}, []) == {
        "Genres": [],
        "ProviderIds": {},
        "LockedFields": [],
        "LockData": False,
        "Tags": [],
    }


def test_the_rest_outlives_a_view_and_a_tag_and_tells_an_edit(place: Place) -> None:
    place.add_film("a", **FILM)
    before = place.shown("a").rest
    place.media.play(place.keys["a"])
    place.tag("a", "mine")
    assert place.shown("a").rest == before
    place.values("a")["Overview"] = "Another film."
    assert place.shown("a").rest != before


def refreshed(place: Place) -> str:
    return place.shown("a.jpg").refreshed


def test_the_mark_of_a_photo_of_jellyfins_changes_when_it_is_refreshed(jelly: Place) -> None:
    jelly.add_photo("a.jpg")
    jelly.send(jelly.edit("a.jpg", adds=("cat",)))
    before = refreshed(jelly)
    jelly.media.play(jelly.keys["a.jpg"])
    assert refreshed(jelly) == before != ""
    jelly.media.refresh(jelly.keys["a.jpg"])
    assert refreshed(jelly) not in (before, "")


@pytest.mark.parametrize("lock", [{"LockData": True}, {"LockedFields": ["Tags"]}])
def test_a_photo_whose_tags_are_locked_bears_no_mark(jelly: Place, lock: dict[str, Any]) -> None:
    jelly.add_photo("a.jpg", **lock)
    assert refreshed(jelly) == ""


def test_a_film_bears_no_mark(jelly: Place) -> None:
    jelly.add_film("a")
    assert jelly.shown("a").refreshed == ""
