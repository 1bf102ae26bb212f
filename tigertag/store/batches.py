"""Batches of requests: filled, sealed, submitted under a token, collected.

    filling ─► sealed ─► submitting ─► submitted ─► collected ─► done
                 ▲           (the token is written before anything is sent)
                 └────────────────────────┘ it failed as a whole, and is sent again

A batch has a chunk of its own, by whose lease one worker at a time takes its next step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, func, select, update

from tigertag.errors import LeaseLost
from tigertag.store import chunks, schema
from tigertag.store.database import Db, any_where, insert_one, rows_in

_batches = schema.batches
_work = schema.work


@dataclass(frozen=True, slots=True)
class Batch:
    id: int
    scan_id: int
    chunk_id: int
    engine: str
    home: str
    state: str
    token: str
    remote: str
    lines: int
    size_bytes: int
    answered: int
    reason: str
    created_at: datetime
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AwaitedWork:
    """Work that waits for a batch: what was asked about this revision, and how.

    `sampler` is "" in work that is older than samplers.
    """

    item_id: int
    revision: str
    fingerprint: str
    sampler: str


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """How many items of a scan wait for an engine's batches, and how many it has answered."""

    engine: str
    lines: int
    answered: int
    submitted_at: datetime | None
    reason: str


def begin(db: Db, scan_id: int, engine: str, home: str) -> Batch:
    """Make an empty batch, and its chunk, which is due when the batch is sealed."""
    chunk = {"scan_id": scan_id, "kind": "batch", "due_at": chunks.FAR, "queue": "paid"}
    row = {
        "scan_id": scan_id,
        "chunk_id": insert_one(db, schema.chunks, chunk),
        "engine": engine,
        "home": home,
        "created_at": datetime.now(UTC),
    }
    return get(db, insert_one(db, _batches, row))


def get(db: Db, batch_id: int) -> Batch:
    return _batch(db.execute(select(_batches).where(_batches.c.id == batch_id)).one())


def of_chunk(db: Db, chunk_id: int) -> Batch:
    return _batch(db.execute(select(_batches).where(_batches.c.chunk_id == chunk_id)).one())


def _batch(row: Row[Any]) -> Batch:
    return Batch(**row._mapping)


def filling(db: Db, scan_id: int) -> list[Batch]:
    where = (_batches.c.scan_id == scan_id, _batches.c.state == "filling")
    return [_batch(row) for row in db.execute(select(_batches).where(*where))]


def grow(db: Db, batch: Batch, item_ids: Sequence[int], size_bytes: int) -> None:
    """Count requests that are in the spool now; their work waits for the batch.

    Raises `LeaseLost` where another process has sealed it.
    """
    values = {"lines": batch.lines + len(item_ids), "size_bytes": size_bytes}
    if not move(db, batch.id, "filling", among=("filling",), **values):
        raise LeaseLost
    where = (
        _work.c.scan_id == batch.scan_id,
        _work.c.engine == batch.engine,
        _work.c.item_id.in_(item_ids),
    )
    db.execute(update(_work).where(*where).values(state="deferred", batch_id=batch.id))


def move(db: Db, batch_id: int, to: str, *, among: Sequence[str], **values: Any) -> bool:
    """Change a batch's state if it is one of `among`; False when it was not."""
    where = (_batches.c.id == batch_id, _batches.c.state.in_(among))
    return db.execute(update(_batches).where(*where).values(state=to, **values)).rowcount == 1


def note(db: Db, batch_id: int, *, answered: int, reason: str) -> None:
    """Take down how far the service is with a batch."""
    values = {"answered": answered, "reason": reason}
    db.execute(update(_batches).where(_batches.c.id == batch_id).values(**values))


def seal(db: Db, batch: Batch) -> bool:
    """No more is put into the batch: it is due now. False when it was sealed already."""
    if not move(db, batch.id, "sealed", among=("filling",)):
        return False
    chunks.wake(db, schema.chunks.c.id == batch.chunk_id)
    return True


def make_due(db: Db, scan_id: int) -> None:
    """Make the batches of an ended scan due that would have been filled further."""
    of_scan = select(_batches.c.chunk_id).where(
        _batches.c.scan_id == scan_id, _batches.c.state == "filling"
    )
    never = schema.chunks.c.due_at >= chunks.FAR
    chunks.wake(db, and_(schema.chunks.c.id.in_(of_scan), never))


def wake_items(db: Db, batch_id: int) -> None:
    """Make the chunks due now whose items waited for the batch."""
    of_batch = select(_work.c.chunk_id).where(_work.c.batch_id == batch_id)
    chunks.wake(db, schema.chunks.c.id.in_(of_batch))


def awaited(db: Db, batch_id: int, item_ids: Sequence[int]) -> dict[int, AwaitedWork]:
    """Return those of the items whose work still waits for the batch."""
    where = (_work.c.batch_id == batch_id, _work.c.state == "deferred")
    columns = (_work.c.item_id, _work.c.revision, _work.c.fingerprint, _work.c.sampler)
    rows = db.execute(select(*columns).where(*where, _work.c.item_id.in_(item_ids)))
    return {row.item_id: AwaitedWork(*row) for row in rows}


def release_items(db: Db, batch_id: int, state: str, reason: str) -> None:
    """End, or begin anew, what still waits for the batch."""
    where = (_work.c.batch_id == batch_id, _work.c.state == "deferred")
    db.execute(update(_work).where(*where).values(state=state, reason=reason))


def outstanding(db: Db, scan_id: int) -> list[OpenRequests]:
    """Return the scan's batches that are not collected yet, by engine."""
    columns = (
        _batches.c.engine,
        func.sum(_batches.c.lines),
        func.sum(_batches.c.answered),
        func.min(_batches.c.submitted_at),
        func.max(_batches.c.reason),
    )
    where = (_batches.c.scan_id == scan_id, _batches.c.state.notin_(("collected", "done")))
    rows = db.execute(select(*columns).where(*where).group_by(_batches.c.engine))
    return [OpenRequests(row[0], int(row[1]), int(row[2]), row[3], row[4]) for row in rows]


def states(db: Db, batch_ids: Sequence[int]) -> dict[int, str]:
    rows = db.execute(select(_batches.c.id, _batches.c.state).where(_batches.c.id.in_(batch_ids)))
    return {row.id: row.state for row in rows}


def are_out(db: Db, scan_id: int) -> bool:
    """Whether a service may have a batch of the scan."""
    out = _batches.c.state.in_(("submitting", "submitted"))
    return any_where(db, _batches.c.scan_id == scan_id, out)


def left_behind(db: Db) -> list[int]:
    """Return the ended scans that have batches which are not done."""
    scans = schema.scans
    where = (scans.c.state.in_(schema.FINAL), _batches.c.state != "done")
    statement = select(_batches.c.scan_id).join(scans, scans.c.id == _batches.c.scan_id)
    return list(db.scalars(statement.where(*where).distinct()))


def of_ended_scans(db: Db, section_id: int) -> list[tuple[str, int, int]]:
    """Return (engine, scan, requests) of what ended scans of a section have at a service."""
    scans = schema.scans
    columns = (_batches.c.engine, _batches.c.scan_id, func.sum(_batches.c.lines))
    out = (_batches.c.state.in_(("submitting", "submitted")), scans.c.section_id == section_id)
    statement = select(*columns).join(scans, scans.c.id == _batches.c.scan_id)
    ended = statement.where(scans.c.state.in_(schema.FINAL), *out)
    grouped = ended.group_by(_batches.c.engine, _batches.c.scan_id)
    return [(row[0], row[1], int(row[2])) for row in db.execute(grouped)]


def asked_elsewhere(
    db: Db, scan_id: int, item_ids: Sequence[int], *, ended: bool = True
) -> set[tuple[int, str]]:
    """Return the (item, engine) that wait for a batch of another scan.

    `ended`: also of one that has ended, whose batches are being cancelled.
    """
    scans = schema.scans
    states = (*schema.UNENDED, *schema.FINAL) if ended else schema.UNENDED
    statement = (
        select(_work.c.item_id, _work.c.engine)
        .join(_batches, _batches.c.id == _work.c.batch_id)
        .join(scans, scans.c.id == _batches.c.scan_id)
        .where(_work.c.state == "deferred", _batches.c.state != "done")
        .where(scans.c.state.in_(states), scans.c.id != scan_id)
    )
    rows = rows_in(db, statement, _work.c.item_id, item_ids)
    return {(row.item_id, row.engine) for row in rows}
