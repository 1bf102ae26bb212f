"""The worker processes: what each has said of itself last, by the database's clock."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from sqlalchemy import delete, select, update

from tigertag.sequences import grouped
from tigertag.store import engine_state, events, schema
from tigertag.store.database import Db, any_where, now_s
from tigertag.store.packing import dumps

_workers = schema.workers
_chunks = schema.chunks
LOST_AFTER_S = 15.0
"""A worker that has not been seen for so long is lost: its leases have run out."""
_KEPT_S = 86_400.0
_LOST = "lost-worker/"
"""What is kept of one that is lost begins with this, so that it is an event once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a worker does not work on a scan. `unavailable`: it does not reach the library now."""

    scan_id: int
    library: str
    reason: str
    unavailable: bool = False


@dataclass(frozen=True, slots=True)
class NewWorker:
    """A worker, as it describes itself. `home`: the name of its home, see `scan.spool.home_id`."""

    name: str
    host: str
    pid: int
    version: str
    home: str
    started_at: datetime
    threads: int
    queues: tuple[str, ...]
    libraries: tuple[str, ...]
    engines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChunkAtWork:
    """A chunk that a worker has leased. `since_s`: for how many seconds."""

    scan_id: int
    chunk_id: int
    kind: str
    queue: str
    size: int
    since_s: float


@dataclass(frozen=True, slots=True)
class WorkerRow(NewWorker):
    """A worker. `seen_s`: how many seconds ago it was seen last; `items_s`: items a second."""

    seen_s: float
    draining: bool
    items_done: int
    items_s: float
    refusals: tuple[Refusal, ...]
    chunks: tuple[ChunkAtWork, ...] = field(default=())

    @property
    def is_lost(self) -> bool:
        return self.seen_s > LOST_AFTER_S


_LISTS = ("queues", "libraries", "engines")


def seen(db: Db, name: str) -> tuple[str, int, float] | None:
    """Return the host and process of a worker, and when it was seen last; None: it is lost."""
    live = (_workers.c.name == name, _workers.c.seen_at >= now_s() - LOST_AFTER_S)
    statement = select(_workers.c.host, _workers.c.pid, _workers.c.seen_at).where(*live)
    row = db.execute(statement).one_or_none()
    return None if row is None else (row.host, row.pid, row.seen_at)


def enter(db: Db, worker: NewWorker) -> None:
    """Record a worker that starts; it replaces an earlier one of the same name."""
    is_known = _drop(db, worker.name)
    lists = {name: ",".join(getattr(worker, name)) for name in _LISTS}
    db.execute(_workers.insert().values(**asdict(worker) | lists, seen_at=now_s()))
    line = f"Worker {worker.name} started on {worker.host}."
    if is_known:
        line = f"{line} Before, it was ended by force or by a power cut."
    events.record(db, "warning" if is_known else "info", "system", line)


def beat(
    db: Db, name: str, *, items_done: int, items_s: float, refusals: Sequence[Refusal]
) -> bool | None:
    """Note that a worker lives; return whether it is to drain, None: it is not known (any more)."""
    values = {
        "seen_at": now_s(),
        "items_done": items_done,
        "items_s": items_s,
        "refusals": dumps([asdict(refusal) for refusal in refusals]) if refusals else "",
    }
    changed = update(_workers).where(_workers.c.name == name).values(**values)
    return db.execute(changed.returning(_workers.c.draining)).scalar_one_or_none()


def leave(db: Db, name: str) -> None:
    """Forget a worker that has ended."""
    if _drop(db, name):
        events.record(db, "info", "system", f"Worker {name} stopped.")


def _drop(db: Db, name: str) -> bool:
    engine_state.drop_state(db, "", _LOST + name)
    return db.execute(delete(_workers).where(_workers.c.name == name)).rowcount == 1


def drain(db: Db, name: str, *, draining: bool) -> bool:
    """Let a worker take nothing more, or go on; False where there is no such worker."""
    where = _workers.c.name == name
    return db.execute(update(_workers).where(where).values(draining=draining)).rowcount == 1


def are_any_lost(db: Db) -> bool:
    """Whether workers are lost, or were noted as such."""
    lost = any_where(db, _workers.c.seen_at < now_s() - LOST_AFTER_S)
    return lost or bool(engine_state.states_under(db, "", _LOST))


def note_lost(db: Db) -> None:
    """Record once each which workers are lost, and which are back; forget those of long ago."""
    db.execute(delete(_workers).where(_workers.c.seen_at < now_s() - _KEPT_S))
    rows = {row.name: row for row in every(db)}
    noted = {name.removeprefix(_LOST) for name in engine_state.states_under(db, "", _LOST)}
    for name, row in rows.items():
        if row.is_lost and name not in noted:
            engine_state.put_state(db, "", _LOST + name, row.host)
            line = f"Worker {name} on {row.host} is lost; others go on with what it was at."
            events.record(db, "warning", "system", line)
    for name in noted:
        if name not in rows:
            engine_state.drop_state(db, "", _LOST + name)
        elif not rows[name].is_lost:
            engine_state.drop_state(db, "", _LOST + name)
            events.record(db, "info", "system", f"Worker {name} is back.")


def every(db: Db) -> list[WorkerRow]:
    """Return all workers by name, with what each is at work on."""
    chunks = grouped(_at_work(db))
    seen_s = (now_s() - _workers.c.seen_at).label("seen_s")
    rows = db.execute(select(_workers, seen_s).order_by(_workers.c.name))
    return [_row(row._mapping, tuple(chunks.get(row.name, ()))) for row in rows]


def _row(row: object, chunks: tuple[ChunkAtWork, ...]) -> WorkerRow:
    values = dict(row)  # type: ignore[call-overload]
    for name in _LISTS:
        values[name] = tuple(values[name].split(",")) if values[name] else ()
    refusals = json.loads(values["refusals"]) if values["refusals"] else []
    values["refusals"] = tuple(Refusal(**refusal) for refusal in refusals)
    names = {column.name for column in fields(WorkerRow)} - {"chunks"}
    return WorkerRow(**{name: values[name] for name in names}, chunks=chunks)


def _at_work(db: Db) -> list[tuple[str, ChunkAtWork]]:
    since_s = now_s() - _chunks.c.leased_at
    names = ("scan_id", "id", "kind", "queue", "size")
    columns = [_chunks.c[name] for name in names]
    leased = _chunks.c.state == "leased"
    rows = db.execute(
        select(_chunks.c.owner, *columns, since_s).where(leased).order_by(_chunks.c.id)
    )
    return [(owner, ChunkAtWork(*values)) for owner, *values in rows]
