"""Requests that were gathered on a worker whose home does not come back."""

import pytest
from sqlalchemy import update

from tests.batched import BatchedEngine
from tests.cluster import Cluster
from tests.world import World
from tigertag.scan import dispatcher
from tigertag.scan.batches import BatchCollector
from tigertag.scan.cluster_worker import ClusterWorker
from tigertag.services import spending
from tigertag.store import batches, dispatch, schema
from tigertag.store.batches import Batch


@pytest.fixture
def slow(world: World) -> BatchedEngine:
    engine = BatchedEngine()
    world.engines = [engine]
    for number in range(3):
        world.picture(f"{number}.png", "red")
    return engine


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let homes be lost at once, and messages be looked after at each look."""
    for name in ("_LOST_AFTER_S", "_TAKE_BACK_S", "_HOME_LOST_AFTER_S"):
        monkeypatch.setattr(dispatcher, name, 0.0)


def batch_of(world: World) -> Batch:
    with world.store.read() as db:
        return batches.get(db, 1)


def gathered(cluster: Cluster, worker: ClusterWorker) -> int:
    """Let a worker gather a batch, and close it; its chunk is due."""
    scan_id = cluster.world.start()
    for _ in range(3):
        cluster.dispatcher.look()
        worker.look()
        cluster.give_out(scan_id, worker)
    worker.look()
    assert batch_of(cluster.world).state == "sealed"
    return scan_id


def lost_home(cluster: Cluster) -> tuple[int, ClusterWorker]:
    """Gather a batch in a home whose worker ends; return the scan, and a worker that is left."""
    lost, left = cluster.worker("lost"), cluster.worker("left")
    scan_id = gathered(cluster, lost)
    lost.leave()
    return scan_id, left


def ended(cluster: Cluster, scan_id: int, *rest: ClusterWorker) -> str:
    """Go on until the scan has ended, with those workers that are left."""
    for _ in range(10):
        cluster.world.make_due(scan_id)
        state = cluster.run(scan_id, *rest)
        if state == "done":
            break
    return state


@pytest.mark.usefixtures("soon")
def test_what_was_gathered_in_a_home_that_is_lost_is_asked_by_others(
    slow: BatchedEngine, cluster: Cluster
) -> None:
    scan_id, left = lost_home(cluster)
    assert ended(cluster, scan_id, left) == "done"
    assert set(slow.asked.values()) == {1}
    assert spending.months(cluster.core())["slow"].units == 3


def test_a_home_whose_worker_restarts_keeps_its_batch(
    slow: BatchedEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_LOST_AFTER_S", 0.0)
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 0.0)
    first, other = cluster.worker("first"), cluster.worker("other")
    scan_id = gathered(cluster, first)
    first.leave()
    for _ in range(3):
        cluster.dispatcher.look()
        other.look()
    again = cluster.worker("first")
    again.look()
    cluster.give_out(scan_id, again)
    assert (batch_of(cluster.world).state, len(slow.sent)) == ("submitted", 1)


@pytest.mark.usefixtures("soon")
def test_a_home_that_comes_back_late_finds_its_batch_done_and_drops_its_file(
    slow: BatchedEngine, cluster: Cluster
) -> None:
    scan_id, left = lost_home(cluster)
    spool = cluster.core("lost").home / "spool"
    assert ended(cluster, scan_id, left) == "done"
    assert len(list(spool.glob("*.jsonl"))) == 1
    again = cluster.worker("lost")
    assert cluster.run(cluster.world.start(), again) == "done"
    assert list(spool.glob("*.jsonl")) == []
    assert set(slow.asked.values()) == {1}


@pytest.mark.usefixtures("soon")
def test_the_batch_of_a_worker_that_lives_waits_for_it(
    slow: BatchedEngine, cluster: Cluster
) -> None:
    busy, other = cluster.worker("busy"), cluster.worker("other")
    scan_id = gathered(cluster, busy)
    for _ in range(3):
        cluster.dispatcher.look()
        other.look()
    assert batch_of(cluster.world).home == busy.home
    assert cluster.messages(scan_id, "paid") == []


def submitting(cluster: Cluster, worker: ClusterWorker, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a worker die right after its batch was sent, before it could say so."""
    scan_id = gathered(cluster, worker)

    def die(*_arguments: object) -> float:
        raise RuntimeError("killed")

    cluster.dispatcher.look()
    with monkeypatch.context() as patch:
        patch.setattr(BatchCollector, "_submitted", die)
        cluster.give_out(scan_id, worker)
    assert batch_of(cluster.world).state == "submitting"
    with cluster.world.store.write() as db:
        db.execute(update(schema.scans).values(state="running", error=""))
    worker.leave()
    return scan_id


@pytest.mark.usefixtures("soon")
def test_what_a_lost_home_had_sent_is_found_by_its_token(
    slow: BatchedEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, left = cluster.worker("lost"), cluster.worker("left")
    scan_id = submitting(cluster, lost, monkeypatch)
    assert ended(cluster, scan_id, left) == "done"
    assert (len(slow.sent), set(slow.asked.values())) == (1, {1})


@pytest.mark.usefixtures("soon")
def test_what_a_lost_home_may_have_sent_counts_as_spent(
    slow: BatchedEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, left = cluster.worker("lost"), cluster.worker("left")
    scan_id = submitting(cluster, lost, monkeypatch)
    slow.sent.clear()
    assert ended(cluster, scan_id, left) == "done"
    month = spending.months(cluster.core())["slow"]
    assert (month.units, month.in_doubt, len(slow.sent)) == (6, 3, 1)


def test_a_worker_leases_no_chunk_whose_file_another_home_has(
    slow: BatchedEngine, cluster: Cluster
) -> None:
    has, other = cluster.worker("has"), cluster.worker("other")
    scan_id = gathered(cluster, has)
    chunk_id = batch_of(cluster.world).chunk_id
    cluster.let_worker_die(chunk_id)
    with cluster.world.store.write() as db:
        new = {"scan_id": scan_id, "kind": "items", "queue": "paid"}
        due = db.execute(schema.chunks.insert().values(**new)).inserted_primary_key
        assert due is not None
        for worker, leased in ((other, due[0]), (has, chunk_id)):
            chunk = dispatch.lease_left(
                db, scan_id, due[0], worker.name, home=worker.home, lease_s=5.0
            )
            assert chunk is not None
            assert chunk.id == leased
