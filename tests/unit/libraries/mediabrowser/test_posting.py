"""Jellyfin's edits: the whole item travels, and nothing but its tags may change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.mediabrowser.editing import distinct
from tests.mediabrowser.holdings import Held
from tests.unit.libraries.mediabrowser.places import FILM, Place, words
from tigertag.contracts import EditOutcome
from tigertag.errors import LibraryError, LibraryReadOnly
from tigertag.model import Edit

pytestmark = pytest.mark.slow


@pytest.fixture
def film(jelly: Place) -> Place:
    jelly.add_film("a", **FILM)
    return jelly


def rest(place: Place, name: str = "a") -> dict[str, Any]:
    return {key: value for key, value in place.values(name).items() if key != "Tags" and value}


def sent(place: Place, *edits: Edit) -> tuple[list[EditOutcome], str]:
    """The outcomes until the error, and the error."""
    made: list[EditOutcome] = []
    with pytest.raises(LibraryError) as caught:
        made.extend(place.library.send(edits))
    line = str(caught.value)
    assert line.startswith("Library box: ")
    assert "\n" not in line
    return made, line


def forgetting(*names: str, times: int = 1) -> Any:
    """A server that loses these in an edit."""
    left = [times]

    def forget(one: Held) -> None:
        left[0] -= 1
        if left[0] >= 0:
            one.told |= dict.fromkeys(names)

    return forget


def post(place: Place, body: dict[str, Any]) -> int:
    """Send what TigerTag never sends; the fake's complaint about it is no failure here."""
    headers = {"Authorization": f'MediaBrowser Token="{place.media.key}"'}
    url = f"{place.media.url}/Items/{place.keys['a']}"
    status = requests.post(url, json=body, headers=headers, timeout=5).status_code
    place.media.violations.clear()
    return status


def test_a_write_changes_the_tags_and_nothing_else(film: Place) -> None:
    film.tag("a", "mine")
    before = rest(film)
    (outcome,) = film.send(film.edit("a", adds=("cat", "tabby"), removes=("other",)))
    assert words(outcome) == film.tags("a") == ["mine", "cat", "tabby"]
    assert rest(film) == before


def test_a_write_that_loses_something_is_undone_and_stops_all(film: Place) -> None:
    film.tag("a", "mine")
    before = rest(film)
    film.media.after_edit = forgetting("Overview", "Genres")
    (outcome,), line = sent(film, film.edit("a", adds=("cat",)))
    assert "changed more of 'a' than its tags (Genres, Overview)" in line
    assert "put back as it was. All writing has stopped" in line
    assert (outcome.after, outcome.sent) == (None, False)
    assert (rest(film), film.tags("a")) == (before, ["mine"])


def changing(*changes: dict[str, Any]) -> Any:
    """Somebody who changes this after the first edit, that after the second …"""
    left = iter(changes)
    return lambda one: one.told.update(next(left, {}))


MEANWHILE: list[dict[str, Any]] = [
    {"Overview": "My own words."},
    {"OriginalTitle": "Il film"},
    {"Genres": ["Drama", "Western"]},
    {"Studios": [{"Name": "Theirs", "Id": f"{8:032x}"}]},
    {"ProviderIds": {"Tmdb": "43"}},
    {"Tags": ["yours", "cat"]},
]


@pytest.mark.parametrize("change", MEANWHILE, ids=lambda change: next(iter(change)))
def test_what_somebody_changes_while_an_item_is_written_is_left_as_it_is(
    film: Place, change: dict[str, Any]
) -> None:
    film.tag("a", "mine")
    before = rest(film)
    film.media.after_edit = changing(change)
    (outcome,) = film.send(film.edit("a", adds=("cat",)))
    assert f"Somebody else changed it ({next(iter(change))})" in outcome.reason
    assert (outcome.after, outcome.sent) == (None, True)
    assert {"Tags": film.tags("a"), **rest(film)} == {"Tags": ["mine", "cat"], **before, **change}


def test_what_somebody_changes_in_one_item_does_not_stop_the_others(film: Place) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view, **FILM)
    edits = [film.edit(name, adds=("cat",)) for name in "ab"]
    film.media.after_edit = changing({"Overview": "My own words."})
    meddled, made = film.send(*edits)
    assert (meddled.after, words(made)) == (None, ["cat"])
    (again,) = film.library.read_tags([edits[0].item])
    assert film.send(edits[0])[0].after == again


def test_what_changes_in_two_items_is_the_servers_doing_and_stops_all(film: Place) -> None:
    view = film.media.items[film.keys["a"]].view
    for name in "bcd":
        film.add_film(name, view, **FILM)
    edits = [film.edit(name, adds=("cat",)) for name in "abcd"]
    earlier = {"PremiereDate": "1999-03-30T23:00:00.0000000Z"}
    film.media.after_edit = changing(earlier, {}, earlier, earlier)
    made, line = sent(film, *edits)
    assert "PremiereDate of 'c' changed while TigerTag wrote its tags" in line
    assert "Nothing was put back. All writing has stopped" in line
    assert sorted((one.key, one.sent) for one in made) == sorted(
        (film.keys[name], name != "b") for name in "abc"
    )
    assert film.tags("d") == []


def test_what_changes_in_two_items_of_two_sendings_stops_all(film: Place) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view, **FILM)
    film.media.after_edit = changing(*2 * [{"Overview": "My own words."}])
    film.send(film.edit("a", adds=("cat",)))
    _made, line = sent(film, film.edit("b", adds=("cat",)))
    assert "Overview of 'b' changed" in line


def test_what_is_lost_is_put_back_and_what_somebody_changed_beside_it_is_kept(film: Place) -> None:
    film.tag("a", "mine")
    before = rest(film)
    mine = {"Overview": "My own words.", "Tags": ["mine", "new", "cat"]}
    film.media.after_edit = changing({**mine, "Genres": [], "ProviderIds": {}})
    _made, line = sent(film, film.edit("a", adds=("cat",)))
    assert "(Genres, ProviderIds)" in line
    assert "put back as it was" in line
    assert rest(film) == {**before, "Overview": "My own words."}
    assert film.tags("a") == ["mine", "new"]


def test_of_two_tags_that_are_almost_alike_the_one_that_was_meant_goes(film: Place) -> None:
    film.tag("a", "straße", "mine")
    edit = film.edit("a", removes=("straße",))
    film.values("a")["Tags"] = ["Strasse", "straße", "mine"]
    assert words(film.send(edit)[0]) == film.tags("a") == ["Strasse", "mine"]


def test_of_two_tags_that_came_meanwhile_and_are_alike_none_goes(
    film: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    film.tag("a", "Cat")
    edit, read = film.edit("a", removes=("cat",)), film.library._reader._read
    monkeypatch.setattr(film.library._reader, "_read", _then(read, film, "Cat", "CAT"))
    film.send(edit)
    assert film.tags("a") == ["Cat", "CAT"]


def _then(read: Any, film: Place, *words: str) -> Any:
    """A reading after which the owner gives the item these tags."""

    def reading(items: Sequence[Any]) -> list[Any]:
        found = list(read(items))
        film.media.tag(film.keys["a"], *words)
        return found

    return reading


def test_a_write_that_loses_other_tags_is_undone(film: Place) -> None:
    film.tag("a", "mine")
    once = [["cat"]]
    film.media.after_edit = lambda one: one.told.update({"Tags": once.pop()} if once else {})
    _made, line = sent(film, film.edit("a", adds=("cat",)))
    assert "(Tags)" in line
    assert film.tags("a") == ["mine"]


def test_what_cannot_be_put_back_is_said_with_what_to_do(film: Place) -> None:
    film.media.after_edit = forgetting("Overview", times=9)
    (outcome,), line = sent(film, film.edit("a", adds=("cat",)))
    assert "it could not be put back: check it in Jellyfin" in line
    assert outcome.after is None
    assert outcome.sent


def test_what_cannot_be_put_back_for_the_server_is_gone_is_said(film: Place) -> None:
    film.media.after_edit = forgetting("Overview")
    film.media.fail("maintenance", at="POST", after=1)
    _made, line = sent(film, film.edit("a", adds=("cat",)))
    assert "could not be put back" in line


def test_what_was_written_before_a_mishap_is_told_and_what_comes_after_is_not_written(
    film: Place,
) -> None:
    view = film.media.items[film.keys["a"]].view
    for name in ("b", "c"):
        film.add_film(name, view, **FILM)
    edits = [film.edit(name, adds=("cat",)) for name in ("b", "a", "c")]
    film.media.after_edit = lambda one: forgetting("Name")(one) if one.told["Name"] == "a" else None
    made, _line = sent(film, *edits)
    assert {one.key: one.after is not None for one in made} == {
        film.keys["b"]: True,
        film.keys["a"]: False,
    }
    assert [film.tags(name) for name in "bac"] == [["cat"], [], []]


def test_a_mishap_ends_the_other_writes_under_way_but_not_later_ones(film: Place) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view)
    other = film.library.send([film.edit("b", adds=("cat",))])
    film.media.after_edit = forgetting("Overview")
    sent(film, film.edit("a", adds=("cat",)))
    with pytest.raises(LibraryError, match="all writing has stopped"):
        list(other)
    assert film.tags("b") == []
    assert words(film.send(film.edit("b", adds=("cat",)))[0]) == ["cat"]


def test_a_partial_body_ruins_an_item_of_the_fake_as_of_the_version(film: Place) -> None:
    status = post(film, {"Tags": ["cat"]})
    if film.media.major >= 12:
        assert (status, film.tags("a")) == (204, ["cat"])
        assert (film.values("a")["Overview"], film.values("a")["LockData"]) == (None, False)
        return
    assert (status, film.tags("a")) == (400, [])
    assert (film.values("a")["Name"], film.values("a")["Genres"]) == (None, None)
    film.media.rescan(film.keys["a"])
    assert film.values("a")["Overview"] == "A film."


def test_an_item_that_is_echoed_with_its_trickplay_is_refused_by_the_fake(film: Place) -> None:
    assert post(film, {"Tags": [], "Trickplay": {}}) == 500


def test_an_item_that_was_ruined_in_memory_by_a_refused_edit_is_put_back(film: Place) -> None:
    """As a server does that breaks an edit off in the middle."""
    film.media.fail(400, at="POST", times=1)
    edit, before = film.edit("a", adds=("cat",)), rest(film)
    film.media.faults.take = _losing(film, film.media.faults.take)  # type: ignore[method-assign]
    _made, line = sent(film, edit)
    assert "(Genres, Overview)" in line
    assert rest(film) == before


def _losing(film: Place, take: Any) -> Any:
    def losing(line: str) -> int | str | None:
        fault: int | str | None = take(line)
        if fault == 400:
            film.values("a").update({"Overview": None, "Genres": []})
        return fault

    return losing


def test_nothing_is_posted_that_jellyfin_only_shows(film: Place) -> None:
    """The fake complains of such things, and of people."""
    film.send(film.edit("a", adds=("cat",)))
    assert film.media.violations == []


def test_what_the_owner_did_between_reading_and_writing_is_kept(
    film: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    film.tag("a", "mine", "old")
    edit = film.edit("a", adds=("cat",), removes=("old",))
    read = film.library._reader._read

    def interrupted(items: Sequence[Any]) -> list[Any]:
        found = list(read(items))
        if film.media.counts["POST /Items/{itemId}"] == 0:
            film.media.tag(film.keys["a"], "mine", "old", "new")
            film.values("a")["Overview"] = "My own words."
        return found

    monkeypatch.setattr(film.library._reader, "_read", interrupted)
    assert words(film.send(edit)[0]) == ["mine", "new", "cat"]
    assert film.values("a")["Overview"] == "My own words."


def test_each_write_is_read_before_and_after(film: Place) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view)
    edits = [film.edit(name, adds=("cat",)) for name in "ab"]
    film.media.counts.clear()
    film.send(*edits)
    assert film.media.counts == {
        "GET /Items": 2,
        "GET /Items/{itemId}": 4,
        "POST /Items/{itemId}": 2,
    }


@pytest.mark.parametrize("fault", [400, 404, 409, 500, 520])
def test_an_edit_that_is_refused_fails_its_own_item(film: Place, fault: int) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view)
    edits = [film.edit(name, adds=("cat",)) for name in "ab"]
    film.media.fail(fault, at="POST", times=1)
    refused, made = film.send(*edits)
    assert (refused.after, f"refused the edit ({fault})" in refused.reason) == (None, True)
    assert words(made) == ["cat"]


def test_why_an_edit_was_refused_is_told_though_it_cannot_be_read_back(film: Place) -> None:
    edit = film.edit("a", adds=("cat",))
    film.media.fail(400, at="POST", times=1)
    film.media.fail("cut", at="Ids=", after=1)
    (outcome,) = film.send(edit)
    assert (outcome.after, "refused the edit (400)" in outcome.reason) == (None, True)


def test_an_edit_that_was_made_although_the_answer_was_lost_shows_so(film: Place) -> None:
    film.media.fail("reset", at="POST", times=1)
    (outcome,) = film.send(film.edit("a", adds=("cat",)))
    assert words(outcome) == ["cat"]


def test_a_server_that_stops_at_a_write_has_no_outcome_for_it(film: Place) -> None:
    film.media.fail("maintenance", at="POST")
    made, line = sent(film, film.edit("a", adds=("cat",)))
    assert (made, film.tags("a")) == ([], [])
    assert "is not ready (503)" in line


def test_a_key_that_may_not_edit_is_one_clear_line(film: Place) -> None:
    film.media.fail(403, at="POST")
    with pytest.raises(
        LibraryReadOnly, match="Previews work; to apply changes, set LIBRARY_BOX_API_KEY"
    ):
        film.send(film.edit("a", adds=("cat",)))


def test_an_item_that_goes_while_it_is_written_fails_alone(film: Place) -> None:
    film.add_film("b", film.media.items[film.keys["a"]].view)
    edits = [film.edit(name, adds=("cat",)) for name in "ab"]
    film.media.before_edit = lambda _one: film.media.items.pop(film.keys["a"], None)
    gone, made = film.send(*edits)
    assert gone.after is None
    assert "no longer on the server" in gone.reason
    assert words(made) == ["cat"]


@pytest.mark.parametrize("type", ["Series", "Season", "MusicAlbum", "BoxSet"])
def test_an_item_whose_tags_go_on_to_others_is_never_written(film: Place, type: str) -> None:
    edit = film.edit("a", adds=("cat",))
    film.media.items[film.keys["a"]].type = type
    (outcome,) = film.send(edit)
    assert "neither a photo nor a video" in outcome.reason
    assert film.asked("POST") == []


def test_locks_are_sent_back_as_they_are(film: Place) -> None:
    edit = film.edit("a", adds=("cat",))
    film.send(replace(edit, locked=frozenset()))
    assert (film.values("a")["LockData"], film.values("a")["LockedFields"]) == (True, ["Name"])


def test_an_item_that_tells_almost_nothing_is_written_all_the_same(jelly: Place) -> None:
    jelly.add_photo("a.jpg", Genres=None, ProviderIds=None, LockedFields=None)
    (outcome,) = jelly.send(jelly.edit("a.jpg", adds=("cat",)))
    assert words(outcome) == ["cat"]


ODD: list[dict[str, Any]] = [
    {"Tags": ["Christmas", "christmas"]},
    {"Tags": ["Christmas", " CHRISTMAS "]},
    {"Genres": ["Drama", "drama"]},
    {"Studios": [{"Name": "Ours"}, {"Name": "ours"}]},
    {"ProductionLocations": ["Norway", "NORWAY"]},
    {"ProviderIds": {"Tmdb": "nm0000123"}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: next(iter(odd)))
def test_an_item_that_jellyfin_would_not_keep_as_it_is_stops_no_other(
    film: Place, odd: dict[str, Any]
) -> None:
    """Up to 10.11 it gets its tags; from 12 on it is left as it is, and fails by itself."""
    film.add_film("b", film.media.items[film.keys["a"]].view)
    edits = [film.edit(name, adds=("cat",)) for name in "ab"]
    film.values("a").update(odd)
    before = {"Tags": film.tags("a"), **rest(film)}
    first, second = film.send(*edits)
    keeps = film.media.major < 12
    tags = [*before["Tags"], "cat"] if keeps else before["Tags"]
    assert (first.after is not None, first.sent) == (keeps, False)
    assert {"Tags": film.tags("a"), **rest(film)} == before | {"Tags": tags}
    assert words(second) == ["cat"]


def test_of_two_alike_tags_ours_can_be_taken_off(film: Place) -> None:
    film.tag("a", "Cat")
    edit = film.edit("a", removes=("Cat",))
    film.values("a")["Tags"] = ["Cat", "cat"]
    film.send(edit)
    assert film.tags("a") == ["cat"]


def merging(one: Held) -> None:
    """A server of any version that makes alike tags one."""
    one.told["Tags"] = distinct(one.told["Tags"])


def test_a_server_that_turns_out_to_merge_tags_harms_one_item_and_writes_the_others(
    film: Place,
) -> None:
    view = film.media.items[film.keys["a"]].view
    for name in "bc":
        film.add_film(name, view)
    edits = [film.edit(name, adds=("cat",)) for name in "abc"]
    for name in "ab":
        film.values(name)["Tags"] = ["Christmas", "christmas"]
    film.media.after_edit = merging
    first, second, third = film.send(*edits)
    assert (first.after, second.after, words(third)) == (None, None, ["cat"])
    assert film.tags("b") == ["Christmas", "christmas"]


def test_alike_tags_that_were_merged_once_are_put_back(film: Place) -> None:
    if film.media.major >= 12:
        pytest.skip("Jellyfin 12 would merge them again, so they are not written")
    edit, once = film.edit("a", adds=("cat",)), [merging]
    film.values("a")["Tags"] = ["Christmas", "christmas"]
    film.media.after_edit = lambda one: once.pop()(one) if once else None
    (outcome,) = film.send(edit)
    assert (outcome.after, film.tags("a")) == (None, ["Christmas", "christmas"])


def test_a_tag_that_differs_by_space_or_composition_is_not_added_twice(film: Place) -> None:
    film.tag("a", " beach ", "cafe\u0301")
    (outcome,) = film.send(film.edit("a", adds=("beach", "caf\u00e9")))
    assert words(outcome) == [" beach ", "cafe\u0301"]


def test_tags_with_spaces_in_two_items_stop_nothing(film: Place) -> None:
    view = film.media.items[film.keys["a"]].view
    for name in "bc":
        film.add_film(name, view)
    for name in "abc":
        film.tag(name, " beach ")
    made = film.send(*(film.edit(name, adds=("cat",)) for name in "abc"))
    assert [words(one)[-1] for one in made] == ["cat"] * 3


def test_a_tag_with_a_bar_is_refused_for_jellyfin_would_make_two_of_it(film: Place) -> None:
    (outcome,) = film.send(film.edit("a", adds=("cat|dog",)))
    assert (outcome.after, outcome.sent, film.tags("a")) == (None, False, [])


def test_the_fake_makes_two_tags_of_one_with_a_bar(film: Place) -> None:
    film.tag("a", "cat|dog")
    film.media.rescan(film.keys["a"])
    assert film.tags("a") == ["cat", "dog"]
