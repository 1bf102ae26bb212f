"""What a worker does with the messages that it gets, and which scans it refuses."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from tests.cluster import Cluster
from tests.colours import ColourEngine
from tests.world import World
from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.scan import cluster_worker, dispatcher, worker_sessions
from tigertag.scan.cluster_worker import ClusterWorker
from tigertag.store import chunks, dispatch, scans, schema, workers
from tigertag.store.database import now_s
from tigertag.store.usage import Limits
from tigertag.store.workers import WorkerRow

_chunks = schema.chunks


def seen(world: World, name: str) -> WorkerRow:
    with world.store.read() as db:
        return next(row for row in workers.every(db) if row.name == name)


def listed(cluster: Cluster, photos: int = 40) -> int:
    """Start a scan of which all is listed, and nothing sent of it yet."""
    cluster.photos(photos)
    scan_id = cluster.world.start()
    cluster.dispatcher.look()
    cluster.world.run_listing(scan_id)
    cluster.messages(scan_id)
    return scan_id


@pytest.fixture(autouse=True)
def declined_is_sent_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 0.0)


def sent(cluster: Cluster, scan_id: int) -> list[tuple[int, int]]:
    cluster.dispatcher.look()
    return cluster.messages(scan_id)


def with_one_message(cluster: Cluster) -> tuple[int, ClusterWorker, tuple[int, int]]:
    """A scan, a worker that has looked at it, and the one message that is sent of it."""
    scan_id, worker = listed(cluster, 1), cluster.worker("one")
    (message,) = sent(cluster, scan_id)
    worker.look()
    return scan_id, worker, message


def states(world: World) -> list[tuple[int, str]]:
    with world.store.read() as db:
        items = _chunks.c.kind == "items"
        rows = db.execute(select(_chunks.c.id, _chunks.c.state).where(items).order_by(_chunks.c.id))
        return [(row.id, row.state) for row in rows]


def test_a_message_that_comes_twice_is_worked_on_once(cluster: Cluster) -> None:
    _scan_id, worker, message = with_one_message(cluster)
    worker.work_on(*message)
    asked = list(cluster.world.engine.asked)
    worker.work_on(*message)
    assert cluster.world.engine.asked == asked


def test_what_a_dead_worker_has_left_comes_before_what_was_sent(cluster: Cluster) -> None:
    scan_id = listed(cluster)
    worker = cluster.worker("one")
    first, second = sent(cluster, scan_id)
    cluster.let_worker_die(first[1])
    worker.look()
    worker.work_on(*second)
    assert states(cluster.world) == [(first[1], "done"), (second[1], "queued")]
    assert second in sent(cluster, scan_id)


def test_a_message_whose_chunk_another_holds_is_no_longer_on_its_way(cluster: Cluster) -> None:
    scan_id = listed(cluster, 1)
    worker = cluster.worker("one")
    (message,) = sent(cluster, scan_id)
    with cluster.world.store.write() as db:
        held = {"state": "leased", "owner": "late", "lease_until": time.time() + 60}
        db.execute(update(_chunks).where(_chunks.c.id == message[1]).values(**held))
    worker.look()
    worker.work_on(*message)
    assert sent(cluster, scan_id) == []
    with cluster.world.store.read() as db:
        assert dispatch.on_their_way(db, scan_id) == {}


def test_a_chunk_that_is_not_done_when_the_worker_ends_is_given_back(cluster: Cluster) -> None:
    scan_id, worker, message = with_one_message(cluster)
    worker.stop()
    worker.work_on(*message)
    assert states(cluster.world) == [(message[1], "queued")]
    assert sent(cluster, scan_id) == [message]


def test_a_worker_that_drains_takes_nothing_more(cluster: Cluster) -> None:
    _scan_id, worker, message = with_one_message(cluster)
    with cluster.world.store.write() as db:
        workers.drain(db, "one", draining=True)
    worker.beat()
    worker.work_on(*message)
    assert states(cluster.world) == [(message[1], "queued")]


def test_a_scan_that_was_paused_meanwhile_is_left_alone(cluster: Cluster) -> None:
    _scan_id, worker, message = with_one_message(cluster)
    with cluster.world.store.write() as db:
        db.execute(update(schema.scans).values(state="paused"))
    worker.work_on(*message)
    assert cluster.world.engine.asked == []


def test_a_scan_that_was_paused_and_resumed_is_worked_on_again(cluster: Cluster) -> None:
    scan_id, worker, message = with_one_message(cluster)
    worker._sessions.stop()
    worker.work_on(*message)
    worker.look()
    assert cluster.run(scan_id, worker) == "done"


def other_fingerprint(core: Core) -> Core:
    entry = replace(core.engines[0], engine=ColourEngine(fingerprint="colour-2"))
    return replace(core, engines=(entry,))


def other_threshold(core: Core) -> Core:
    return replace(core, engines=(replace(core.engines[0], min_confidence=0.7),))


def other_budget(core: Core) -> Core:
    return replace(core, engines=(replace(core.engines[0], limits=Limits(units=7)),))


def no_engine(core: Core) -> Core:
    return replace(core, engines=())


def no_library(core: Core) -> Core:
    return replace(core, libraries=())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (other_fingerprint, "Engine colour would answer otherwise here"),
        (other_threshold, "Thresholds"),
        (other_budget, "ENGINE_COLOUR_MONTHLY_LIMIT"),
        (no_engine, "Engine colour cannot be used here"),
        (no_library, "There is no library 'photos'"),
    ],
)
def test_a_worker_that_is_set_up_otherwise_is_refused_with_the_reason(
    cluster: Cluster, other: object, reason: str
) -> None:
    scan_id = listed(cluster, 1)
    (message,) = sent(cluster, scan_id)
    worker = cluster.worker("one", core=other(cluster.core("one")))  # type: ignore[operator]
    worker.look()
    worker.work_on(*message)
    worker.beat()
    (refusal,) = seen(cluster.world, "one").refusals
    assert refusal.scan_id == scan_id
    assert reason in refusal.reason
    assert states(cluster.world) == [(message[1], "queued")]


def test_a_worker_whose_service_has_other_settings_now_works_no_longer(cluster: Cluster) -> None:
    scan_id, worker, message = with_one_message(cluster)
    with cluster.world.store.write() as db:
        row = scans.get(db, scan_id)
        scans.put(db, scan_id, agreed=row.agreed.replace("colour-1", "colour-2"))
    worker.look()
    worker.work_on(*message)
    worker.beat()
    assert len(seen(cluster.world, "one").refusals) == 1
    assert states(cluster.world) == [(message[1], "queued")]


def test_a_refused_worker_is_taken_again_once_it_agrees(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_sessions, "_REFUSED_S", 0.0)
    scan_id = listed(cluster, 1)
    core = other_fingerprint(cluster.core("one"))
    worker = cluster.worker("one", core=core)
    worker.look()
    worker.beat()
    assert seen(cluster.world, "one").refusals != ()
    engine = core.engines[0].engine
    assert isinstance(engine, ColourEngine)
    engine.fingerprint = "colour-1"
    worker.look()
    worker.beat()
    assert seen(cluster.world, "one").refusals == ()
    assert scan_id


def test_a_chunk_that_takes_too_long_is_given_back_and_its_attempt_counts(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_worker, "SOFT_LIMIT_S", -1.0)
    _scan_id, worker, message = with_one_message(cluster)
    worker.work_on(*message)
    with cluster.world.store.read() as db:
        row = db.execute(select(_chunks).where(_chunks.c.id == message[1])).one()
    assert (row.state, row.attempts) == ("queued", 1)


def test_a_worker_that_ends_is_no_longer_listed(cluster: Cluster) -> None:
    worker = cluster.worker("one")
    assert seen(cluster.world, "one").seen_s < 5
    worker.leave()
    with cluster.world.store.read() as db:
        assert workers.every(db) == []


def test_a_worker_that_is_stopped_while_it_starts_is_not_listed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = ClusterWorker(cluster.core("one"), queues=("default",), name="one")

    def stopped(_dispatcher: dispatcher.Dispatcher) -> None:
        assert seen(cluster.world, "one")
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatcher.Dispatcher, "start", stopped)
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    with cluster.world.store.read() as db:
        assert workers.every(db) == []


def test_a_worker_that_has_left_is_not_listed_by_a_late_beat(cluster: Cluster) -> None:
    worker = cluster.worker("one")
    worker.stop()
    worker.leave()
    worker.beat()
    with cluster.world.store.read() as db:
        assert workers.every(db) == []


def test_a_chunk_that_a_worker_ends_over_keeps_its_attempt(cluster: Cluster) -> None:
    scan_id = listed(cluster)
    with cluster.world.store.write() as db:
        held = [chunks.lease(db, scan_id, owner="one", lease_s=60.0) for _ in range(2)]
        hung, other = [chunk.id for chunk in held if chunk is not None]
        dispatch.give_up(db, "one", hung=[hung])
        attempts = {row.id: row.attempts for row in db.execute(select(_chunks))}
    assert (attempts[hung], attempts[other]) == (1, 0)


def elsewhere(world: World, *, seen_s_ago: float = 0.0) -> None:
    """Let the row of worker one be that of another host."""
    rows = schema.workers
    with world.store.write() as db:
        values = {"host": "elsewhere", "seen_at": now_s() - seen_s_ago}
        db.execute(rows.update().where(rows.c.name == "one").values(**values))


def test_a_worker_whose_name_another_one_has_does_not_start(
    cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = cluster.worker("one")
    elsewhere(world)
    monkeypatch.setattr(time, "sleep", lambda _s: elsewhere(world))
    with pytest.raises(Conflict):
        worker.await_name()


def test_a_worker_starts_once_one_of_its_name_that_was_killed_counts_as_lost(
    cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, waits = cluster.worker("one"), []

    def sleep(_s: float) -> None:
        waits.append(1)
        elsewhere(world, seen_s_ago=16.0)

    elsewhere(world)
    monkeypatch.setattr(time, "sleep", sleep)
    worker.await_name()
    assert waits == [1]
