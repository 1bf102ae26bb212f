"""Leases are judged by the database's clock, whatever the hosts' say."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tigertag.model import Section
from tigertag.store import Db, Store, chunks, database, engine_state, scans
from tigertag.store.scans import NewScan

pytestmark = pytest.mark.slow

SKEWS = [timedelta(seconds=12), timedelta(seconds=-12), timedelta(days=1), timedelta(days=-1)]
Take = Callable[[Db, str, float], bool]


@pytest.fixture(autouse=True)
def _a_scan(store: Store) -> None:
    with store.write() as db:
        scans.create(db, NewScan(scans.ensure_section(db, Section("photos", ".", "Photos"))))


def chunk(db: Db, owner: str, lease_s: float) -> bool:
    return chunks.lease(db, 1, owner=owner, lease_s=lease_s) is not None


def canary(db: Db, owner: str, lease_s: float) -> bool:
    return scans.claim_canary(db, 1, by=owner, lease_s=lease_s)


def named(db: Db, owner: str, lease_s: float) -> bool:
    return engine_state.lease(db, "e", "n", owner=owner, lease_s=lease_s)


@pytest.mark.parametrize("take", [chunk, canary, named])
def test_a_live_lease_is_not_stolen_by_a_host_whose_clock_is_wrong(
    store: Store, take: Take
) -> None:
    with store.write() as db:
        assert take(db, "a", 30.0)
    for skew in SKEWS:
        with time_machine.travel(datetime.now(UTC) + skew), store.write() as db:
            assert not take(db, "b", 30.0), skew


@pytest.mark.parametrize("take", [chunk, canary, named])
def test_a_lease_that_has_run_out_is_taken_over(store: Store, take: Take) -> None:
    for skew in SKEWS:
        with time_machine.travel(datetime.now(UTC) + skew), store.write() as db:
            assert take(db, "dead", 0.05), skew
        time.sleep(0.1)
        with store.write() as db:
            assert take(db, "b", 0.05), skew
        time.sleep(0.1)


def test_how_long_a_lease_holds_does_not_depend_on_who_asks(store: Store) -> None:
    with store.write() as db:
        chunk(db, "a", 10.0)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)), store.read() as db:
        assert 8 < chunks.lease_left_s(db, 1) <= 10


def test_a_chunk_is_due_after_as_long_as_was_said_on_every_host(store: Store) -> None:
    with store.write() as db:
        held = chunks.lease(db, 1, owner="a", lease_s=10.0)
        assert held is not None
        with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
            chunks.postpone(db, held, time.time() + 60)
        due_at = chunks.due_at(db, 1)
    assert due_at is not None
    assert 50 < due_at - time.time() <= 61


def test_the_databases_clock_runs_within_a_transaction(store: Store) -> None:
    with store.read() as db:
        before = database.now(db)
        time.sleep(0.05)
        assert database.now(db) - before >= 0.04
        assert abs(database.ahead_s(db)) < 5
