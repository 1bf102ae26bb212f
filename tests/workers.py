"""Workers that only the database knows: what their pages, notices and figures are tried with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tests.world import World
from tigertag.core import Core
from tigertag.model import QUEUES, Queue
from tigertag.store import chunks, dispatch, engine_state, schema, tasks, workers
from tigertag.store import scans as scans_store
from tigertag.store.database import now_s
from tigertag.store.workers import NewWorker, Refusal

BROKER = "redis://127.0.0.1:9/0"
"""Nothing is sent to it here."""


def clustered(world: World) -> Core:
    """The world's core with a broker, while somebody sends work to it."""
    with world.store.write() as db:
        engine_state.lease(db, "", dispatch.LEADS[0], owner="test", lease_s=3600.0)
    return replace(world.core, broker_url=BROKER)


def enter(
    world: World,
    name: str = "otter",
    *,
    queues: Sequence[Queue] = QUEUES,
    home: str = "h",
    refuses: dict[int, str] | None = None,
    lost: bool = False,
) -> None:
    """Let a worker be known, as if it had said so of itself."""
    lists = (tuple(queues), ("photos",), ("colour",))
    started = datetime(2026, 11, 3, 10, tzinfo=UTC)
    new = NewWorker(name, f"{name}.lan", 7, "1.0", home, started, 4, *lists)
    refusals = [Refusal(scan, "photos", reason) for scan, reason in (refuses or {}).items()]
    with world.store.write() as db:
        workers.enter(db, new)
        workers.beat(db, name, items_done=40, items_s=2.5, refusals=refusals)
    if lost:
        see(world, name, ago_s=60.0)


def see(world: World, name: str, *, ago_s: float = 0.0) -> None:
    """Let a worker have been heard of so long ago."""
    mine = schema.workers.update().where(schema.workers.c.name == name)
    with world.store.write() as db:
        db.execute(mine.values(seen_at=now_s() - ago_s))


def running(world: World, *, queue: Queue = "default") -> int:
    """Return a scan that runs, of which one chunk of three items is due."""
    scan_id = world.start()
    with world.store.write() as db:
        chunks.drop_listing(db, scan_id)
        chunks.add(db, scan_id, queue=queue, size=3)
        scans_store.put(db, scan_id, state="running")
    return scan_id


def take(world: World, scan_id: int, name: str = "otter") -> None:
    """Let a worker be at the scan's chunk."""
    with world.store.write() as db:
        assert chunks.lease(db, scan_id, owner=name, lease_s=30.0) is not None


def break_broker(world: World, problem: str) -> None:
    with world.store.write() as db:
        tasks.note(db, "dispatch", problem)
