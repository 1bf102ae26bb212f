"""Writing tags to Immich, which loses what is written carelessly."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import EXTRACTION_S, PACE, WriterPlace
from tigertag.contracts import EditOutcome
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.model import Edit

TAGS = [f"R{number}" for number in range(10)]
WRITE = "PUT /api/tags/assets"


def writes(server: ImmichServer) -> int:
    return sum(line.startswith((WRITE, "DELETE")) for line in server.log)


def tag_one_by_one(place: WriterPlace, keys: list[str]) -> None:
    """Put tags on as soon as the server has answered, as a naive writer does."""
    entries = place.client.json("PUT", "/tags", {"tags": TAGS})
    for key in keys:
        for entry in entries:
            place.client.json("PUT", f"/tags/{entry['id']}/assets", {"ids": [key]})
            time.sleep(0.15 * place.server.extraction_s)


def external(place: WriterPlace, *folders: str) -> list[Edit]:
    """Two photos in each of these folders of an external library, and what to write to them."""
    library = place.server.add_library("/pictures")
    return [
        place.edit(
            place.photo(f"{number}.jpg", library=library, path=f"{folder}/{number}.jpg"), "cat"
        )
        for folder in folders
        for number in range(2)
    ]


def settled(place: WriterPlace, edit: Edit, before: object = None) -> bool:
    first = place.shown(edit) if before is None else before
    return place.sender.settles(first, place.shown(edit))  # type: ignore[arg-type]


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
    before = place.shown(edit)
    server.jobs.paused = True
    place.send(edit)
    assert not settled(place, edit, before)
    assert place.send(edit)[edit.item.key].sent
    server.jobs.resume()
    server.settle()
    assert settled(place, edit, before)
    assert place.send(edit)[edit.item.key].after is not None


def test_what_the_owner_changed_before_the_write_does_not_settle_it(
    server: ImmichServer, place: WriterPlace
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    before = place.shown(edit)
    server.change(edit.item.key, favorite=True)
    server.jobs.paused = True
    place.reader.by_key([edit.item])
    place.send(edit)
    assert not settled(place, edit, before)


def test_after_a_restart_the_ledger_tells_whether_a_write_is_settled(
    server: ImmichServer, place: WriterPlace, new_writer: Callable[..., WriterPlace]
) -> None:
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    edit = place.edit(place.photo(), "cat")
    before = place.shown(edit)
    server.jobs.paused = True
    place.send(edit)
    restarted = new_writer(state=place.state)
    assert not settled(restarted, edit, before)
    server.jobs.resume()
    server.settle()
    assert settled(restarted, edit, before)


def test_a_folder_that_cannot_be_written_gets_one_write_and_is_named(
    server: ImmichServer, place: WriterPlace
) -> None:
    edits = external(place, "/pictures/open", "/pictures/closed")
    server.disk.read_only.add("/pictures/closed")
    with pytest.raises(LibraryError, match="/pictures/closed"):
        place.send(*edits)
    assert [place.words(edit) for edit in edits] == [{"cat"}, set(), set(), set()]
    touched = [edit for edit in edits if server.assets[edit.item.key].updated > time.time() - 50]
    assert touched == [edits[0], edits[2]]


def test_a_folder_is_verified_once(server: ImmichServer, place: WriterPlace) -> None:
    edits = external(place, "/pictures/2023/05", "/pictures/2024/06")
    outcomes = place.send(*edits)
    verified = [key for key, outcome in outcomes.items() if outcome.after]
    assert verified == [edits[0].item.key, edits[2].item.key]
    assert writes(server) == 2


def test_a_first_write_that_is_dropped_once_is_made_once_more(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = place.edit(place.photo(), "cat")
    write_sidecar = server.disk.write_sidecar
    fails = iter([True])

    def failing_once(*args: object) -> bool:
        return False if next(fails, False) else write_sidecar(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(server.disk, "write_sidecar", failing_once)
    assert place.send(edit)[edit.item.key].after is not None
    assert place.words(edit) == {"cat"}


def test_behind_busy_queues_the_first_write_is_looked_at_later_and_the_rest_waits(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.1))
    first, *rest = external(place, "/pictures/a", "/pictures/a")
    server.jobs.paused = True
    outcomes = place.send(first, *rest)
    assert outcomes.pop(first.item.key).sent
    assert all(not each.sent and each.look_again_s for each in outcomes.values())
    assert not any(each.sent for each in place.send(*rest).values())
    server.jobs.resume()
    server.settle()
    assert all(each.sent for each in place.send(*rest).values())
    assert all(place.words(edit) == {"cat"} for edit in (first, *rest))


def test_tags_of_others_that_the_first_write_lost_are_reported(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [place.edit(place.photo(f"{n}.jpg", tags=("Mine",)), "cat") for n in range(2)]
    write_sidecar = server.disk.write_sidecar
    monkeypatch.setattr(
        server.disk,
        "write_sidecar",
        lambda asset, tags: write_sidecar(asset, [tag for tag in tags if tag != "Mine"]),
    )
    first, second = place.send(*edits).values()
    assert first.after is not None
    assert [tag.name for tag in first.after.tags] == ["cat"]
    assert not second.sent
    assert second.after is None


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
    place, server.silence_s = new_writer(timeout_s=0.3), 0.6
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


def test_tags_are_taken_off_in_rounds_and_none_comes_back(
    server: ImmichServer, place: WriterPlace
) -> None:
    edits = [
        place.edit(place.photo(f"{number}.jpg", tags=("Mine", *TAGS[:4])), removes=TAGS[:4])
        for number in range(3)
    ]
    outcomes = place.send(*edits)
    assert all(each.sent and each.look_again_s for each in outcomes.values())
    assert [place.words(edit) for edit in edits] == [{"Mine"}] * 3
    assert writes(server) == 4


def test_what_was_read_before_a_write_serves_no_other(place: WriterPlace) -> None:
    edit = place.edit(place.photo(), "cat")
    place.send(place.edit(place.photo("first.jpg"), "cat"))
    place.send(edit)
    place.server.settle()
    place.send(replace(edit, adds=(), removes=edit.adds))
    assert place.words(edit) == set()


def test_an_edit_both_ways_is_made_one_step_after_the_other(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(tags=("old", "Mine")), "cat", "dog", removes=["old"])
    place.send(edit)
    assert place.words(edit) == {"Mine", "cat", "dog"}


def test_removes_that_the_server_does_not_get_to_are_left(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.1))
    edit = place.edit(place.photo(tags=("a", "b")), removes=["a", "b"])
    server.jobs.paused = True
    outcome = place.send(edit)[edit.item.key]
    assert outcome.sent
    assert outcome.look_again_s
    assert writes(server) == 1
    server.jobs.resume()
    place.words(edit)
    place.send(edit)
    assert place.words(edit) == set()


def test_a_tag_that_was_deleted_as_a_whole_needs_no_remove(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(tags=("a", "b")), removes=["a", "b"])
    place.reader.by_key([edit.item])
    tag = server.tag_by_value(server.owner, "a")
    assert tag is not None
    server.delete_tag(tag.id)
    assert not place.send(edit)[edit.item.key].reason
    assert place.words(edit) == set()


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


def test_what_dropped_tags_twice_is_named_with_its_folder(place: WriterPlace) -> None:
    edit, *_rest = external(place, "/pictures/a b")
    assert "/pictures/a b" in str(place.sender.dropped(edit.item))
