"""Writing tags to Immich, which loses what is written carelessly."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import EXTRACTION_S, PACE, WRITE, WriterPlace, writes
from tigertag.contracts import EditOutcome
from tigertag.errors import LibraryUnavailable
from tigertag.net import cancellable

TAGS = [f"R{number}" for number in range(10)]


def tag_one_by_one(place: WriterPlace, keys: list[str]) -> None:
    """Put tags on as soon as the server has answered, as a naive writer does."""
    entries = place.client.json("PUT", "/tags", {"tags": TAGS})
    for key in keys:
        for entry in entries:
            place.client.json("PUT", f"/tags/{entry['id']}/assets", {"ids": [key]})
            time.sleep(0.15 * place.server.extraction_s)


def test_no_tag_is_lost_where_a_naive_writer_loses_some(
    server: ImmichServer, place: WriterPlace
) -> None:
    theirs = [place.photo(f"theirs {number}.jpg") for number in range(8)]
    server.extraction_s = 0.06
    tag_one_by_one(place, theirs)
    server.settle()
    server.extraction_s = EXTRACTION_S
    edits = [place.edit(place.photo(f"{number}.jpg"), *TAGS) for number in range(8)]
    place.send(*edits)
    assert sum(len(TAGS) - len(server.tags(key)) for key in theirs) > 0
    assert [place.words(edit) for edit in edits] == [set(TAGS)] * 8


def test_assets_that_get_the_same_tags_are_written_in_one_request(
    server: ImmichServer, place: WriterPlace
) -> None:
    edits = [place.edit(place.photo(f"{number}.jpg"), *TAGS) for number in range(6)]
    outcomes = place.send(*edits)
    first = outcomes.pop(edits[0].item.key)
    assert first.after is not None
    assert not first.sent
    assert all(each.sent and each.look_again_s for each in outcomes.values())
    assert writes(server) == 2


def test_what_is_there_already_is_not_written(server: ImmichServer, place: WriterPlace) -> None:
    edit = place.edit(place.photo(tags=("Cat",)), "cat")
    outcome = place.send(edit)[edit.item.key]
    assert outcome.after is not None
    assert writes(server) == 0


def test_a_write_is_settled_once_updated_at_has_moved(
    server: ImmichServer, place: WriterPlace
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    server.jobs.paused = True
    outcome = place.send(edit)[edit.item.key]
    assert not place.settles(edit, outcome)
    server.jobs.resume()
    server.settle()
    assert place.settles(edit, outcome)
    assert place.send(edit)[edit.item.key].after is not None


def test_what_the_owner_changed_since_the_last_reading_does_not_settle_a_write(
    server: ImmichServer, place: WriterPlace
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    place.shown(edit)
    server.change(edit.item.key, favorite=True)
    server.jobs.paused = True
    outcome = place.send(edit)[edit.item.key]
    assert outcome.sent
    assert not place.settles(edit, outcome)


def test_what_one_process_wrote_does_not_settle_what_another_one_writes(
    server: ImmichServer, place: WriterPlace, new_writer: Callable[..., WriterPlace]
) -> None:
    other = new_writer(state=place.state)
    for each in (place, other):
        each.send(each.edit(each.photo("first.jpg"), "cat"))
    key = place.photo()
    place.send(place.edit(key, "cat"))
    server.settle()
    edit = other.edit(key, "dog")
    server.jobs.paused = True
    outcome = other.send(edit)[key]
    assert not other.settles(edit, outcome)
    assert not place.settles(edit, outcome)


def test_what_shows_no_trace_of_an_edit_settles_it(place: WriterPlace) -> None:
    shown = place.shown(place.edit(place.photo(tags=("Mine",))))
    assert place.settling.settles(shown, shown)


def test_what_is_changing_just_now_is_written_later(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, settle_s=0.6))
    server.extraction_s = 0.3
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    server.tag(edit.item.key, "Mine")
    time.sleep(server.extraction_s)
    server.tag(edit.item.key, "Other")
    server.change(edit.item.key, favorite=True)
    outcome = place.send(edit)[edit.item.key]
    assert not outcome.sent
    assert outcome.look_again_s
    assert place.send_all(edit) <= 2
    assert place.words(edit) == {"Mine", "Other", "cat"}


def test_an_error_of_the_server_is_followed_by_one_more_try(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(), "cat")
    server.fail(500, at=WRITE, times=1)
    assert place.send(edit)[edit.item.key].after is not None
    server.mend()
    server.fail(500, at=WRITE)
    other = place.edit(place.photo("b.jpg"), "cat")
    outcome = place.send(other)[other.item.key]
    assert "500" in outcome.reason
    assert not outcome.sent


@pytest.mark.parametrize("fault", ["silent", "reset"])
def test_a_write_without_an_answer_is_not_sent_again_and_looked_at_later(
    server: ImmichServer, new_writer: Callable[..., WriterPlace], fault: str
) -> None:
    place, server.silence_s = new_writer(timeout_s=1.0), 1.5
    edit, sent = place.edit(place.photo(), "cat"), list[EditOutcome]()
    server.fail(fault, at=WRITE)
    with pytest.raises(LibraryUnavailable):
        sent.extend(place.sender.send([edit]))
    assert [outcome.sent for outcome in sent] == [True]
    assert writes(server) == 1


def test_what_is_gone_is_not_written(server: ImmichServer, place: WriterPlace) -> None:
    edit, other = place.edit(place.photo(), "cat"), place.edit(place.photo("b.jpg"), "cat")
    server.remove(edit.item.key)
    outcomes = place.send(edit, other)
    assert outcomes[edit.item.key] == EditOutcome(edit.item.key, None, "gone")
    assert outcomes[other.item.key].after is not None


def test_an_asset_is_not_written_where_that_would_change_a_tag_of_its_owners(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(), "cat")
    (odd,) = place.client.json("PUT", "/tags", {"tags": ["1.50"]})
    server.assets[edit.item.key].tags.append(odd["id"])
    assert "1.50" in place.send(edit)[edit.item.key].reason
    assert writes(server) == 0


def test_a_tag_that_was_deleted_meanwhile_is_made_anew_for_what_is_written_next(
    server: ImmichServer, place: WriterPlace
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    server.settle()
    server.delete_tag(place.tags.use("cat"))
    edit = place.edit(place.photo(), "cat")
    assert not place.send(edit)[edit.item.key].sent
    place.send(edit)
    assert place.words(edit) == {"cat"}


def test_what_is_accepted_and_not_done_is_a_problem_and_no_reason_to_wait(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    monkeypatch.setattr(server, "may_edit", lambda *args, **options: None)
    outcome = place.send(edit)[edit.item.key]
    assert "changed nothing" in outcome.reason
    assert not outcome.sent


def test_what_others_did_in_the_same_moment_is_planned_anew(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit, other = (place.edit(place.photo(f"{number}.jpg"), "cat") for number in range(2))
    read = place.settling.read_to_write

    def then_tagged(*args: object) -> object:
        result = read(*args)  # type: ignore[arg-type]
        server.tag(edit.item.key, "cat")
        return result

    monkeypatch.setattr(place.settling, "read_to_write", then_tagged)
    outcome = place.send(edit)[edit.item.key]
    assert not outcome.sent
    assert outcome.look_again_s
    monkeypatch.undo()
    assert place.send(other)[other.item.key].sent


def test_each_edit_has_the_stamp_of_right_before_it_was_sent(place: WriterPlace) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    stamp = place.shown(edit).stamp
    assert place.send(edit)[edit.item.key].stamp == stamp


def test_a_scan_that_is_stopped_does_not_blame_what_is_changing(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(), "cat")
    server.change(edit.item.key, favorite=True)
    with cancellable(lambda: True), pytest.raises(LibraryUnavailable, match="Stopped"):
        place.settling.read([edit.item])
