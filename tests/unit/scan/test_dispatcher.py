"""What is sent to the broker, what is sent again, and how scans end."""

import pytest
from sqlalchemy import select, update

from tests.cluster import Cluster
from tests.private_brokers import Server
from tests.world import World
from tigertag.scan import dispatcher
from tigertag.scan.dispatcher import TASK, Dispatcher
from tigertag.store import dispatch, schema, tasks

_chunks = schema.chunks


@pytest.fixture
def soon_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_LOST_AFTER_S", 0.0)
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 0.0)


def unsent(world: World) -> int:
    with world.store.read() as db:
        where = (_chunks.c.state == "queued", _chunks.c.sent_at == 0)
        return len(db.execute(select(_chunks.c.id).where(*where)).all())


def test_a_scan_is_taken_up_and_its_listing_sent_once(cluster: Cluster) -> None:
    cluster.photos(1)
    scan_id = cluster.world.start()
    for _ in range(3):
        cluster.dispatcher.look()
    assert len(cluster.messages(scan_id)) == 1
    assert cluster.world.state(scan_id) == "running"


def test_workers_share_one_scan_which_ends_by_itself(cluster: Cluster) -> None:
    cluster.photos(70)
    both = cluster.worker("one"), cluster.worker("two")
    scan_id = cluster.world.start("apply")
    assert cluster.run(scan_id, *both) == "done"
    assert cluster.world.tags("69.png") == {"red"}
    with cluster.world.store.read() as db:
        owners = set(db.scalars(select(_chunks.c.owner).where(_chunks.c.kind == "items")))
    assert owners == {"one", "two"}


@pytest.mark.usefixtures("soon_lost")
def test_a_message_that_the_broker_has_lost_is_sent_again(cluster: Cluster) -> None:
    scan_id = cluster.world.start()
    cluster.dispatcher.look()
    cluster.dispatcher.look()
    assert cluster.messages(scan_id) != []
    for _ in range(3):
        cluster.dispatcher.look()
    assert len(cluster.messages(scan_id)) == 1


@pytest.mark.usefixtures("soon_lost")
def test_what_waits_at_the_broker_is_not_sent_again(cluster: Cluster) -> None:
    scan_id = cluster.world.start()
    for _ in range(5):
        cluster.dispatcher.look()
    assert len(cluster.messages(scan_id)) == 1


def test_the_chunk_of_a_dead_worker_is_sent_again(cluster: Cluster) -> None:
    scan_id = cluster.world.start()
    cluster.dispatcher.look()
    cluster.dispatcher.look()
    ((_scan, chunk_id),) = cluster.messages(scan_id)
    cluster.let_worker_die(chunk_id)
    cluster.dispatcher.look()
    assert cluster.messages(scan_id) == [(scan_id, chunk_id)]


def large(cluster: Cluster, chunks: int) -> int:
    """A scan of which so many chunks are to be sent."""
    cluster.photos(1)
    scan_id = cluster.world.start()
    cluster.list_items(scan_id)
    with cluster.world.store.write() as db:
        db.execute(_chunks.insert(), [{"scan_id": scan_id, "kind": "items"}] * chunks)
    return scan_id


def test_few_messages_of_a_large_scan_wait_at_the_broker(cluster: Cluster) -> None:
    scan_id = large(cluster, 50)
    cluster.dispatcher.look()
    assert len(cluster.messages(scan_id)) <= 2 * 2 + 4 + 4


def test_what_a_worker_declines_is_sent_again_after_a_moment(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 600.0)
    cluster.photos(1)
    scan_id = cluster.world.start()
    cluster.dispatcher.look()
    cluster.dispatcher.look()
    (message,) = cluster.messages(scan_id)
    cluster.worker("without a session").work_on(*message)
    cluster.dispatcher.look()
    assert cluster.messages(scan_id) == []
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 0.0)
    cluster.dispatcher.look()
    assert cluster.messages(scan_id) == [message]


def test_no_more_is_sent_because_workers_decline(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_TAKE_BACK_S", 0.0)
    scan_id, sent = large(cluster, 200), list[int]()
    idle = cluster.worker("without a session")
    for _ in range(4):
        cluster.dispatcher.look()
        sent.append(cluster.give_out(scan_id, idle))
    assert max(sent) == sent[0] > 0


def test_no_more_chunks_are_at_paid_services_than_allowed(cluster: Cluster) -> None:
    cluster.world.engine.units = 1
    cluster.photos(100)
    scan_id = cluster.world.start()
    cluster.list_items(scan_id)
    for _ in range(3):
        cluster.dispatcher.look()
    assert len(cluster.messages(scan_id, "paid")) == cluster.core().paid_at_once


def test_what_was_sent_of_a_scan_that_ended_keeps_no_paid_work_from_others(
    cluster: Cluster,
) -> None:
    scan_id = cluster.world.start()
    with cluster.world.store.write() as db:
        sent = {"scan_id": scan_id, "kind": "items", "queue": "paid", "sent_at": 1.0}
        db.execute(_chunks.insert(), [sent] * 4)
        db.execute(update(schema.scans).values(state="running"))
        assert dispatch.under_way(db, "paid") == 4
        db.execute(update(schema.scans).values(state="cancelled"))
        assert dispatch.under_way(db, "paid") == 0


def test_without_a_broker_nothing_counts_as_sent_and_the_reason_is_kept(
    world: World, own_redis: Server
) -> None:
    cluster = Cluster(world, own_redis.url())
    world.start()
    own_redis.kill()
    for _ in range(2):
        cluster.dispatcher.look()
    assert unsent(world) == 1
    with world.store.read() as db:
        assert "TIGERTAG_BROKER_URL" in tasks.every(db)[TASK].problem
    own_redis.start()
    cluster.dispatcher.look()
    assert unsent(world) == 0
    with world.store.read() as db:
        assert tasks.every(db)[TASK].problem == ""
    cluster.close()


def test_a_workers_dispatcher_stands_by_while_the_services_leads(cluster: Cluster) -> None:
    standby = Dispatcher(cluster.core(), takes_up=False)
    cluster.photos(1)
    scan_id = cluster.world.start()
    standby.look()
    assert cluster.world.state(scan_id) == "queued"
    cluster.dispatcher.look()
    standby.look()
    assert unsent(cluster.world) == 1
    cluster.dispatcher.stop()
    standby.look()
    assert unsent(cluster.world) == 0
    standby.stop()


def test_a_scan_whose_library_no_worker_reaches_fails_with_the_reason(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_UNREACHED_S", 0.0)
    cluster.photos(1)
    scan_id = cluster.world.start()
    worker = cluster.worker("one")
    cluster.world.photos.rename(cluster.world.home / "elsewhere")
    assert cluster.run(scan_id, worker) == "failed"
    with cluster.world.store.read() as db:
        error = db.scalar(select(schema.scans.c.error).where(schema.scans.c.id == scan_id))
    assert str(cluster.world.photos) in str(error)
