"""The figures that `/metrics` tells, from real scans."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.workers import clustered, enter, running
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import QuotaExhausted
from tigertag.model import QUEUES
from tigertag.services import metrics
from tigertag.store import chunks, engine_state, scan_requests, schema
from tigertag.store.usage import Limits


def told(world: World, name: str) -> dict[tuple[str, ...], float]:
    """A metric's samples, by labels; told by a process of its own."""
    return {labels: value for labels, value, _count in metrics.figures(world.core)[name]}


def counted(world: World, name: str) -> dict[tuple[str, ...], int]:
    return {labels: count for labels, _value, count in metrics.figures(world.core)[name]}


def counters(world: World) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every value that Prometheus takes for one that never falls."""
    found = {}
    for name, samples in metrics.figures(world.core).items():
        for labels, value, count in samples:
            if metrics.METRICS[name].kind != "gauge" and not name.startswith("tigertag_process"):
                found[name, labels] = value + count
    return found


@pytest.fixture
def scanned(world: World) -> World:
    """Two pictures with tags, one that the engine cannot look at."""
    world.picture("red.png", "red")
    world.picture("green.png", "green")
    world.picture("blue.png", "blue")
    world.engine.fails["blue"] = Failed("", "Too blue.", retryable=False)
    world.engine.local, world.engine.units, world.engine.cost_usd = False, 1, 0.25
    world.terms["colour"] = {"limits": Limits(units=10, cost_usd=4.0)}
    world.scan("apply")
    return world


def test_items_are_counted_by_outcome(scanned: World) -> None:
    assert told(scanned, "tigertag_items") == {
        ("photos", ".", "done"): 2,
        ("photos", ".", "failed"): 1,
    } | {key: 0 for key in told(scanned, "tigertag_items") if key[2] == "open"}


def test_results_of_engines_are_counted_with_their_time(scanned: World) -> None:
    results = told(scanned, "tigertag_engine_results_total")
    assert results == {("colour", "answered"): 2, ("colour", "failed"): 1}
    assert counted(scanned, "tigertag_engine_answer_seconds") == {("colour",): 2}


def test_calls_cost_and_what_is_left_of_the_budget(scanned: World) -> None:
    calls = told(scanned, "tigertag_engine_calls_total")[("colour",)]
    assert calls == told(scanned, "tigertag_engine_requests_total")[("colour",)] >= 2
    assert told(scanned, "tigertag_engine_cost_usd_total") == {("colour",): calls * 0.25}
    assert told(scanned, "tigertag_engine_budget_calls_left") == {("colour",): 10 - calls}
    assert told(scanned, "tigertag_engine_budget_usd_left") == {("colour",): 4 - calls * 0.25}


def test_scans_and_edits_are_counted_as_they_ended(scanned: World) -> None:
    assert counted(scanned, "tigertag_scan_duration_seconds")[("done",)] == 1
    assert told(scanned, "tigertag_edits_total") == {("verified",): 2, ("failed",): 0}
    assert told(scanned, "tigertag_section_scan_failed") == {("photos", "."): 0}


def test_a_counter_never_falls_when_the_history_is_dropped(scanned: World) -> None:
    before = counters(scanned)
    assert sum(before.values()) > 0
    with scanned.store.write() as db:
        for table in (schema.edits, schema.decisions, schema.calls, schema.answers, schema.scans):
            db.execute(sa.delete(table))
    assert counters(scanned) == before


def test_a_scan_that_fails_marks_its_section(world: World) -> None:
    world.picture("red.png", "red")
    scan_id = world.start()
    with world.store.write() as db:
        db.execute(sa.update(schema.scans).values(state="failed", finished_at=datetime.now(UTC)))
    assert scan_id == 1
    assert told(world, "tigertag_section_scan_failed") == {("photos", "."): 1}


def test_an_engine_that_stopped_is_down(world: World) -> None:
    assert told(world, "tigertag_engine_up") == {("colour",): 1}
    with world.store.write() as db:
        engine_state.stop(db, "colour", str(QuotaExhausted("used up")), None)
    assert told(world, "tigertag_engine_up") == {("colour",): 0}


def test_a_queue_is_as_old_as_what_could_have_started_first(world: World) -> None:
    wanted = scan_requests.Wanted("photos")
    with world.store.write() as db:
        scan_requests.want(db, wanted, reason="test")
        since = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
        db.execute(sa.update(schema.scan_requests).values(not_before=since))
    assert told(world, "tigertag_queue_scan_requests") == {(): 1}
    assert 7190 < told(world, "tigertag_queue_age_seconds")[()] < 7300


def test_what_is_to_start_later_does_not_wait(world: World) -> None:
    with world.store.write() as db:
        scan_requests.want(db, scan_requests.Wanted("photos"), reason="test", quiet_s=60)
    assert told(world, "tigertag_queue_age_seconds") == {(): 0}


def test_a_library_that_cannot_be_reached_is_down(world: World) -> None:
    core = world.core
    metrics.figures(core)
    seen = core.cache.get(("seen", "photos"), lambda: None, keep_s=0.0)
    assert seen is not None
    seen.wait(10)
    assert [line[:2] for line in metrics.figures(core)["tigertag_library_up"]] == [(("photos",), 1)]
    world.photos.rename(world.home / "gone")
    seen.checked_at = None
    seen.refresh()
    seen.wait(10)
    assert [line[:2] for line in metrics.figures(core)["tigertag_library_up"]] == [(("photos",), 0)]


def test_the_newest_backup_is_dated(world: World) -> None:
    backups = world.home / "backups"
    backups.mkdir()
    for name, at in (("tigertag-1.zip", 1000), ("tigertag-2.zip", 2000), ("other.zip", 3000)):
        (backups / name).write_bytes(b"")
        os.utime(backups / name, (at, at))
    assert told(world, "tigertag_last_backup_timestamp_seconds") == {(): 2000}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_this_process_is_told_of(world: World) -> None:
    assert sum(told(world, "tigertag_processes").values()) >= 1
    assert sum(told(world, "tigertag_process_resident_memory_bytes").values()) > 10e6
    started = min(told(world, "tigertag_process_start_time_seconds").values())
    assert started < datetime.now(UTC).timestamp() + 2


def test_every_name_keeps_to_the_conventions() -> None:
    for name, metric in metrics.METRICS.items():
        assert name.startswith("tigertag_")
        assert name.endswith("_total") == (metric.kind == "counter")
        assert metric.what.endswith(".")


def test_each_queue_is_told_of_also_where_nothing_waits(world: World) -> None:
    figures = told(world, "tigertag_queue_chunks")
    states = ("queued", "leased", "later")
    assert figures == {(queue, state): 0 for queue in QUEUES for state in states}


def test_chunks_are_counted_by_queue_and_by_whether_they_are_due(world: World) -> None:
    scan_id = running(world, queue="gpu")
    with world.store.write() as db:
        chunks.add(db, scan_id, held=True, queue="paid")
    figures = told(world, "tigertag_queue_chunks")
    assert {place: number for place, number in figures.items() if number} == {
        ("gpu", "queued"): 1,
        ("paid", "later"): 1,
    }


def test_workers_are_counted_by_state_and_queues_without_any_by_scan(world: World) -> None:
    running(world, queue="gpu")
    enter(world, queues=["default"])
    enter(world, "badger", lost=True)
    figures = metrics.figures(clustered(world))
    by_state = {labels[0]: value for labels, value, _ in figures["tigertag_workers"]}
    unserved = {labels[0]: value for labels, value, _ in figures["tigertag_queue_unserved"]}
    assert by_state == {"active": 1, "refusing": 0, "draining": 0, "lost": 1}
    assert unserved == {"default": 0, "video": 0, "paid": 0, "gpu": 1}
    assert figures["tigertag_workers_items_per_second"] == [((), 2.5, 0)]
    assert "tigertag_workers" not in metrics.figures(world.core)
