"""Sessions that are opened apart: a library that is slow keeps a worker from no other scan."""

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from tests.waiting import wait_until
from tests.world import World
from tigertag.errors import LibraryUnavailable
from tigertag.net import is_cancelled
from tigertag.scan import worker_sessions
from tigertag.scan.session import ScanSession
from tigertag.scan.worker_sessions import WorkerSessions
from tigertag.store import scans
from tigertag.store.scans import ScanRow


class SlowLibraries:
    """Sessions of these scans open when they are let to, or give up when they are cancelled."""

    def __init__(self) -> None:
        self.scans: set[int] = set()
        self.let = Event()
        self.cut_short = Event()

    def session(self, core: Any, scan_id: int, **given: Any) -> ScanSession:
        until = time.monotonic() + 20
        while scan_id in self.scans and not self.let.wait(0.01):
            assert time.monotonic() < until, "it was never let to"
            if is_cancelled():
                self.cut_short.set()
                raise LibraryUnavailable("Stopped.")
        return ScanSession(core, scan_id, **given)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowLibraries:
    made = SlowLibraries()
    monkeypatch.setattr(worker_sessions, "ScanSession", made.session)
    monkeypatch.setattr(worker_sessions, "_PATIENCE_S", 0.0)
    return made


@pytest.fixture
def scan(world: World) -> ScanRow:
    world.picture("0.png", "red")
    scan_id = world.start()
    with world.store.read() as db:
        return scans.get(db, scan_id)


@pytest.fixture
def sessions(world: World) -> Iterator[WorkerSessions]:
    made = WorkerSessions(world.core, beat_s=0.1, prepare=lambda _scan: "")
    yield made
    made.close_all()


def test_a_library_that_is_slow_holds_up_no_other_scan(
    sessions: WorkerSessions, slow: SlowLibraries, scan: ScanRow
) -> None:
    hangs = replace(scan, id=scan.id + 1)
    slow.scans.add(hangs.id)
    wait_until(lambda: sessions.open_for([hangs, scan]) == [scan])
    assert not slow.let.is_set()


def test_a_session_that_is_slow_to_open_is_used_once_it_is_open(
    sessions: WorkerSessions, slow: SlowLibraries, scan: ScanRow
) -> None:
    slow.scans.add(scan.id)
    assert sessions.open_for([scan]) == []
    with sessions.entered(scan.id) as session:
        assert session is None
    slow.let.set()
    wait_until(lambda: sessions.open_for([scan]) == [scan])
    with sessions.entered(scan.id) as session:
        assert session is not None


def test_a_scan_that_ends_while_it_is_being_opened_is_cut_short_and_refused_by_nobody(
    sessions: WorkerSessions, slow: SlowLibraries, scan: ScanRow
) -> None:
    slow.scans.add(scan.id)
    sessions.open_for([scan])
    sessions.open_for([])
    assert slow.cut_short.wait(10)
    assert sessions.refusals == []


def test_a_process_that_ends_waits_for_no_library(
    sessions: WorkerSessions, slow: SlowLibraries, scan: ScanRow
) -> None:
    slow.scans.add(scan.id)
    sessions.open_for([scan])
    sessions.close_all()
    assert slow.cut_short.is_set()


def test_a_scan_that_has_ended_is_forgotten(sessions: WorkerSessions, scan: ScanRow) -> None:
    wait_until(lambda: sessions.open_for([scan]) == [scan])
    wait_until(lambda: sessions.open_for([]) == [] and not sessions._entries)
