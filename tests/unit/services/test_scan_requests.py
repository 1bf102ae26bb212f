"""Scans that start by themselves: they wait their turn, and equal ones become one."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.world import World
from tigertag.errors import Conflict, LibraryUnavailable
from tigertag.services import events, scan_requests, scans
from tigertag.services.scan_requests import Wanted
from tigertag.services.scans import Request
from tigertag.store import scan_requests as store
from tigertag.store import scans as scans_store


def _section(world: World) -> str:
    (section,) = world.library.sections()
    return section.id


def _want(world: World, wanted: Wanted, reason: str = "hook plex", **times: float) -> None:
    with world.store.write() as db:
        store.want(db, wanted, reason=reason, **times)


@pytest.fixture
def busy(world: World) -> int:
    world.picture("rose.png", "red")
    return scans.start(world.core, Request("photos"))


def test_a_busy_section_is_waited_for(world: World, busy: int) -> None:
    _want(world, Wanted("photos", _section(world)))
    scan_requests.start_due(world.core)
    (waiting,) = scan_requests.waiting(world.core)
    assert f"Scan {busy}" in waiting.problem
    scans.cancel(world.core, busy)
    scan_requests.start_due(world.core)
    assert scan_requests.waiting(world.core) == []
    with world.store.read() as db:
        (started,) = [
            scan for scan in scans_store.page(db, before=None, limit=9) if scan.id != busy
        ]
    assert (started.mode, started.write, started.reason) == ("new", "preview", "hook plex")


def test_equal_requests_that_wait_become_one(world: World) -> None:
    for reason in ("schedule nightly", "hook plex", "hook plex"):
        _want(world, Wanted("photos"), reason)
    (waiting,) = scan_requests.waiting(world.core)
    assert waiting.reason == "schedule nightly, hook plex"


@pytest.mark.parametrize("others", [0, 20])
def test_a_storm_is_seen_to_be_asked_for_whatever_its_reasons_are_called(
    world: World, others: int
) -> None:
    for number in range(others):
        _want(world, Wanted("photos"), f"hook of another program {number}", quiet_s=60, most_s=600)
    for _ in range(2):
        _want(world, Wanted("photos"), "hook Plex, in the den", quiet_s=60, most_s=600)
    with world.store.read() as db:
        again = {"reason": "hook Plex, in the den", "quiet_s": 60}
        assert store.is_wanted(db, Wanted("photos"), **again)  # type: ignore[arg-type]
    (waiting,) = scan_requests.waiting(world.core)
    assert waiting.reason.count("den") <= 1


def test_a_quiet_time_begins_anew_with_each_call_but_ends_at_the_latest(world: World) -> None:
    _want(world, Wanted("photos"), quiet_s=60, most_s=90)
    (first,) = scan_requests.waiting(world.core)
    _want(world, Wanted("photos"), quiet_s=80, most_s=600)
    (second,) = scan_requests.waiting(world.core)
    assert first.not_before < second.not_before <= first.latest == second.latest
    _want(world, Wanted("photos"), quiet_s=600, most_s=600)
    (third,) = scan_requests.waiting(world.core)
    assert third.not_before == first.latest


def test_what_is_wanted_at_once_does_not_wait_for_quiet(world: World) -> None:
    _want(world, Wanted("photos"), quiet_s=60, most_s=600)
    _want(world, Wanted("photos"), "schedule nightly")
    scan_requests.start_due(world.core)
    scan_requests.start_due(world.core)
    assert scan_requests.waiting(world.core) == []


def test_a_library_of_other_settings_is_left_to_a_process_that_knows_it(world: World) -> None:
    world.picture("rose.png", "red")
    _want(world, Wanted("photos", _section(world)))
    other = replace(world.core, libraries=())
    for _ in range(2):
        scan_requests.start_due(other)
    (waiting,) = scan_requests.waiting(world.core)
    assert "photos" in waiting.problem
    scan_requests.start_due(world.core)
    assert scan_requests.waiting(world.core) == []
    assert events.recent(world.core, levels=("error",)) == []


def test_what_no_process_knows_is_dropped_after_a_day_with_an_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _want(world, Wanted("films"))
    scan_requests.start_due(world.core)
    monkeypatch.setattr(scan_requests, "_FORGOTTEN_AFTER", timedelta())
    scan_requests.start_due(world.core)
    assert scan_requests.waiting(world.core) == []
    (event,) = events.recent(world.core)
    assert (event.level, event.source) == ("error", "scan")


def test_a_section_that_is_gone_drops_the_request_with_an_event(world: World) -> None:
    _want(world, Wanted("photos", "gone"))
    scan_requests.start_due(world.core)
    assert scan_requests.waiting(world.core) == []
    (event,) = events.recent(world.core)
    assert (event.level, event.source) == ("error", "scan")


def test_a_library_is_not_asked_each_second_while_no_engine_can_be_used(world: World) -> None:
    world.picture("rose.png", "red")
    _want(world, Wanted("photos", _section(world)))
    scan_requests.start_due(replace(world.core, engines=()))
    (waiting,) = scan_requests.waiting(world.core)
    assert "No engine" in waiting.problem
    assert waiting.not_before > time.time() + 10


def test_a_request_is_started_by_one_process_only(world: World) -> None:
    world.picture("rose.png", "red")
    _want(world, Wanted("photos", _section(world)))
    with world.store.write() as db:
        (row,) = store.waiting(db)
        assert store.take(db, row.id)

    def take(db: object) -> None:
        if not store.take(db, row.id):  # type: ignore[arg-type]
            raise Conflict("taken")

    with pytest.raises(Conflict):
        scans.start(world.core, Request("photos"), first=take)
    with world.store.read() as db:
        assert scans_store.page(db, before=None, limit=9) == []


def test_a_library_is_not_asked_while_the_section_is_busy(
    world: World, busy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _want(world, Wanted("photos", _section(world)))
    with monkeypatch.context() as patch:
        patch.setattr(type(world.library), "sections", None)
        scan_requests.start_due(world.core)
    (waiting,) = scan_requests.waiting(world.core)
    assert f"Scan {busy}" in waiting.problem


def test_a_library_that_does_not_answer_is_asked_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def sections(_library: object) -> list[object]:
        asked.append(1)
        raise LibraryUnavailable("It does not answer.")

    _want(world, Wanted("photos"))
    monkeypatch.setattr(type(world.library), "sections", sections)
    for _ in range(3):
        scan_requests.start_due(world.core)
    (waiting,) = scan_requests.waiting(world.core)
    assert (len(asked), waiting.problem) == (1, "It does not answer.")


@pytest.mark.slow
def test_a_request_that_is_taken_at_this_moment_is_asked_for_anew(
    tmp_path: Path, postgres_url: str
) -> None:
    world = World(tmp_path, postgres_url)
    _want(world, Wanted("photos"))
    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as db:
            (row,) = store.waiting(db)
            assert store.take(db, row.id)
            wanting = pool.submit(_want, world, Wanted("photos"), "schedule nightly")
            time.sleep(0.5)
        wanting.result(timeout=30)
    (again,) = scan_requests.waiting(world.core)
    assert again.reason == "schedule nightly"
    world.close()
