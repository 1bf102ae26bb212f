"""The first write to each storage folder, which shows whether Immich can write sidecars there."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import PACE, WriterPlace, writes
from tigertag.errors import LibraryError
from tigertag.libraries.immich import storage
from tigertag.model import Edit


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
    time.sleep(0.1)
    assert all(each.sent for each in place.send(*rest).values())
    assert all(place.words(edit) == {"cat"} for edit in (first, *rest))


def test_the_longer_a_first_write_is_open_the_less_often_it_is_looked_at(
    server: ImmichServer, new_writer: Callable[..., WriterPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.1))
    first, *rest = external(place, "/pictures/a", "/pictures/a")
    server.jobs.paused = True
    place.send(first)
    (trial,) = place.sender._folders._trials.values()
    trial.begun_at_s -= 100.0
    looked_at = f"GET /api/assets/{first.item.key}"
    for _time in range(3):
        (outcome, *_others) = place.send(*rest).values()
    assert outcome.look_again_s == pytest.approx(50, abs=2)
    trial.look_at_s = 0.0
    server.log.clear()
    for _time in range(3):
        place.send(*rest)
    assert sum(line.startswith(looked_at) for line in server.log) == 1
    monkeypatch.setattr(storage, "_LONGEST_GAP_S", 7.0)
    assert {each.look_again_s for each in place.send(*rest).values()} == {7.0}


def test_a_first_write_that_is_never_stored_does_not_hold_up_its_folder_for_good(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.1))
    first, *rest = external(place, "/pictures/x", "/pictures/x")
    server.jobs.paused = True
    place.send(first)
    assert not any(each.sent for each in place.send(*rest).values())
    (trial,) = place.sender._folders._trials.values()
    trial.begun_at_s -= 25 * 3600.0
    assert sum(each.sent for each in place.send(*rest).values()) == 1


def test_threads_make_one_first_write_to_a_folder(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.3))
    edits = external(place, "/pictures/x", "/pictures/x", "/pictures/x")
    server.jobs.paused = True
    with ThreadPoolExecutor(len(edits)) as pool:
        outcomes = list(pool.map(lambda edit: place.send(edit)[edit.item.key], edits))
    assert sum(each.sent for each in outcomes) == 1
    assert all(each.look_again_s for each in outcomes)
    assert writes(server) == 1


def test_what_the_owner_changed_does_not_make_a_folder_count_as_writable(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(pace=replace(PACE, moved_within_s=0.1))
    library = server.add_library("/pictures", writable=False)
    edit = place.edit(place.photo(library=library, path="/pictures/a.jpg"), "cat")
    place.shown(edit)
    server.change(edit.item.key, favorite=True)
    server.jobs.paused = True
    assert place.send(edit)[edit.item.key].after is None


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


def test_a_first_write_over_which_all_tags_went_is_not_made_again(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = place.edit(place.photo(tags=("Mine",)), "cat")
    write_sidecar = server.disk.write_sidecar
    monkeypatch.setattr(
        server.disk, "write_sidecar", lambda asset, _tags: write_sidecar(asset, ["other"])
    )
    outcome = place.send(edit)[edit.item.key]
    assert outcome.after is not None
    assert [tag.name for tag in outcome.after.tags] == ["other"]
    assert writes(server) == 1


def test_what_dropped_tags_twice_is_named_with_its_folder(place: WriterPlace) -> None:
    edit, *_rest = external(place, "/pictures/a b")
    assert "/pictures/a b" in str(place.sender.dropped(edit.item))
