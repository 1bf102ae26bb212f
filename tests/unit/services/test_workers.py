"""What the database knows of workers, and which work nobody can do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from tests.notices import titles, with_channels
from tests.workers import break_broker, clustered, enter, running, see, take
from tests.world import World
from tigertag.errors import NotFound
from tigertag.model import Queue
from tigertag.services import events, health, notices, scan_status, system, workers
from tigertag.store import chunks, dispatch, engine_state, schema


def problem(world: World) -> str:
    """Why nobody can do the only work that is due; "": somebody can."""
    (queue,) = workers.overview(clustered(world)).queues
    return queue.problem


def recorded(world: World) -> list[str]:
    return [event.message for event in events.recent(world.core, source="system")][::-1]


def test_without_a_broker_there_is_one_plain_answer(world: World) -> None:
    running(world)
    shown = workers.overview(world.core)
    assert (shown.is_clustered, shown.problem) == (False, workers.ONE_MACHINE)
    assert (shown.workers, shown.queues) == ((), ())


def test_without_any_worker_work_that_is_due_has_nobody(world: World) -> None:
    running(world)
    assert "No worker runs: start one with `tigertag worker`" in problem(world)
    enter(world, lost=True)
    assert "(1 worker lost)" in problem(world)


def test_a_worker_that_lives_and_serves_the_queue_is_enough(world: World) -> None:
    running(world)
    enter(world)
    enter(world, "badger", lost=True)
    (queue,) = workers.overview(clustered(world)).queues
    assert (queue.waiting, queue.workers, queue.problem) == (1, 1, "")


def test_a_queue_that_nobody_serves_is_named(world: World) -> None:
    running(world, queue="gpu")
    enter(world, queues=("default", "video"))
    assert "`tigertag worker --queues gpu`" in problem(world)


def test_workers_that_are_drained_take_nothing(world: World) -> None:
    running(world)
    enter(world)
    workers.drain(clustered(world), "otter")
    assert "resume one" in problem(world)
    workers.resume(clustered(world), "otter")
    assert problem(world) == ""


def test_why_every_worker_refuses_a_scan_is_said_once_a_reason(world: World) -> None:
    scan_id = running(world)
    for name in ("otter", "badger"):
        enter(world, name, refuses={scan_id: "No mount here."})
    enter(world, "crow", refuses={scan_id: "No model here."})
    assert problem(world) == ("All workers refuse it: badger: No mount here. crow: No model here.")


def test_a_refusal_of_another_scan_is_no_hindrance(world: World) -> None:
    scan_id = running(world)
    enter(world, refuses={scan_id + 1: "No mount here."})
    assert problem(world) == ""
    assert workers.get(clustered(world), "otter").state == "refusing"


def test_a_batch_in_the_file_of_a_home_waits_for_a_worker_of_that_home(world: World) -> None:
    scan_id = running(world, queue="paid")
    with world.store.write() as db:
        db.execute(sa.update(schema.chunks).values(kind="batch"))
        chunk_id = db.scalar(sa.select(schema.chunks.c.id))
        batch = {"scan_id": scan_id, "chunk_id": chunk_id, "engine": "colour", "home": "away"}
        made = {"state": "sealed", "created_at": datetime.now(UTC)}
        db.execute(schema.batches.insert().values(**batch, **made))
    enter(world)
    enter(world, "badger", home="away", lost=True)
    assert "a worker's home on badger.lan" in problem(world)
    see(world, "badger")
    assert problem(world) == ""


def test_a_broker_that_cannot_be_reached_is_why_nobody_can(world: World) -> None:
    running(world)
    enter(world)
    break_broker(world, "The broker cannot be reached.")
    assert problem(world) == "The broker cannot be reached."
    assert workers.overview(clustered(world)).problem == "The broker cannot be reached."


def test_without_anybody_who_sends_nothing_is_taken_up(world: World) -> None:
    core = clustered(world)
    assert workers.overview(core).problem == ""
    with world.store.write() as db:
        engine_state.release(db, "", dispatch.LEADS[0], owner="test")
    assert "start `tigertag serve`" in workers.overview(core).problem


@pytest.mark.parametrize("queue", ["default", "paid"])
def test_what_is_at_work_or_due_later_does_not_wait(world: World, queue: Queue) -> None:
    scan_id = running(world, queue=queue)
    take(world, scan_id, "somebody")
    with world.store.write() as db:
        chunks.add(db, scan_id, held=True)
    assert workers.overview(clustered(world)).queues == ()


def test_a_lease_that_has_run_out_waits_again(world: World) -> None:
    take(world, running(world))
    world.let_leases_run_out()
    assert "No worker runs" in problem(world)


def test_a_worker_is_shown_with_what_it_is_at(world: World) -> None:
    scan_id = running(world)
    enter(world)
    take(world, scan_id)
    worker = workers.get(clustered(world), "otter")
    (job,) = worker.jobs
    assert (worker.state, worker.host, worker.threads) == ("active", "otter.lan", 4)
    assert (worker.items_done, worker.items_s) == (40, 2.5)
    assert (job.scan_id, job.section, job.items) == (scan_id, "photos/photos", 3)
    assert datetime.now(UTC) - job.since < timedelta(seconds=30)


def test_a_worker_that_is_misspelt_is_none(world: World) -> None:
    enter(world)
    with pytest.raises(NotFound, match="did you mean 'otter'"):
        workers.drain(clustered(world), "oter")
    with pytest.raises(NotFound, match="One machine"):
        workers.get(world.core, "badger")


def test_a_host_is_well_while_its_worker_was_heard_of_lately(world: World) -> None:
    enter(world)
    enter(world, "badger", lost=True)
    url = f"sqlite:///{world.store.sqlite_path}"
    assert workers.is_healthy(url, name="otter")
    assert not workers.is_healthy(url, name="badger")
    hosts = ("otter.lan", "badger.lan", "crow.lan")
    assert [workers.is_healthy(url, host=host) for host in hosts] == [True, False, False]


def test_starting_draining_losing_and_coming_back_are_events_once(world: World) -> None:
    core = clustered(world)
    enter(world)
    workers.drain(core, "otter")
    see(world, "otter", ago_s=60.0)
    for _ in range(3):
        workers.note_lost(core)
    see(world, "otter")
    for _ in range(3):
        workers.note_lost(core)
    enter(world)
    assert recorded(world) == [
        "Worker otter started on otter.lan.",
        "Worker otter is drained: it ends what it is at, and stops.",
        "Worker otter on otter.lan is lost; others go on with what it was at.",
        "Worker otter is back.",
        "Worker otter started on otter.lan. Before, it was ended by force or by a power cut.",
    ]


def test_a_worker_that_was_lost_a_day_ago_is_forgotten(world: World) -> None:
    core = clustered(world)
    enter(world, lost=True)
    workers.note_lost(core)
    see(world, "otter", ago_s=90_000.0)
    workers.note_lost(core)
    assert workers.overview(core).workers == ()
    with world.store.read() as db:
        kept = db.scalars(sa.select(schema.kept.c.name))
        assert [name for name in kept if name.startswith("lost-worker/")] == []


def test_a_scan_that_nobody_can_work_on_says_what_it_waits_for(world: World) -> None:
    scan_id = running(world)
    status = scan_status.status(clustered(world), scan_id)
    assert "No worker runs" in status.waits["worker"]
    assert status.eta_s is None
    enter(world)
    assert scan_status.status(clustered(world), scan_id).waits == {}


def test_health_and_the_status_know_that_nobody_works(world: World) -> None:
    scan_id = running(world)
    core = clustered(world)
    lines = [notice.message for notice in health.notices(core) if notice.source == "workers"]
    assert lines == [f"Nobody can work on scan {scan_id}: {problem(world)}"]
    assert not system.status(core).works
    break_broker(world, "The broker cannot be reached.")
    core.cache.forget("workers")
    assert "The broker cannot be reached." in [notice.message for notice in health.notices(core)]
    enter(world)
    assert system.status(core).works


def test_dispatching_is_a_background_task_where_there_is_a_broker(world: World) -> None:
    break_broker(world, "The broker cannot be reached.")
    names = [task.name for task in system.tasks(world.core).background]
    shown = {task.name: task.problem for task in system.tasks(clustered(world)).background}
    assert "dispatch" not in names
    assert shown["dispatch"] == "The broker cannot be reached."


def test_a_broker_that_is_away_is_one_notice_and_no_scan_is_resolved_by_it(world: World) -> None:
    core = replace(clustered(world), channels=with_channels(world, "json://127.0.0.1:9").channels)
    scan_id = running(world)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        notices.watch(core)
        break_broker(world, "The broker cannot be reached.")
        for _ in range(4):
            clock.shift(timedelta(seconds=40))
            notices.watch(core)
    told = ["Nothing is sent to workers", f"Nobody can work on scan {scan_id}"]
    assert sorted(titles(core)) == sorted(told)


def test_nobody_for_a_minute_is_announced_once_and_resolved(world: World) -> None:
    core = replace(clustered(world), channels=with_channels(world, "json://127.0.0.1:9").channels)
    scan_id = running(world)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        notices.watch(core)
        assert titles(core) == []
        for _ in range(3):
            clock.shift(timedelta(seconds=40))
            notices.watch(core)
        enter(world)
        notices.watch(core)
    title = f"Nobody can work on scan {scan_id}"
    assert titles(core) == [title, f"Resolved: {title}"]
