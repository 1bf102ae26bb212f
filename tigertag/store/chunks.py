"""Chunks and their leases.

A lease is taken by a conditional UPDATE and carries a fencing token: whoever commits shows the
token, and is refused when another has taken the chunk over since.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from tigertag.errors import LeaseLost
from tigertag.store import schema
from tigertag.store.database import Db
from tigertag.store.sql import insert_one

_chunks = schema.chunks


@dataclass(frozen=True, slots=True)
class Chunk:
    """A leased chunk."""

    id: int
    scan_id: int
    kind: str
    token: int
    attempts: int


def add(db: Db, scan_id: int) -> int:
    """Make a chunk of items."""
    return insert_one(db, _chunks, {"scan_id": scan_id, "kind": "items"})


def lease(db: Db, scan_id: int, *, owner: str, lease_s: float) -> Chunk | None:
    """Lease the first chunk that is free or whose lease has run out; None when there is none.

    The attempt is counted here, before the work: a chunk that kills its workers is found out.
    """
    now = time.time()
    free = or_(
        _chunks.c.state == "queued", and_(_chunks.c.state == "leased", _chunks.c.lease_until < now)
    )
    first = select(_chunks.c.id).where(_chunks.c.scan_id == scan_id, free)
    statement = (
        update(_chunks)
        .where(_chunks.c.id == first.order_by(_chunks.c.id).limit(1).scalar_subquery(), free)
        .values(
            state="leased",
            owner=owner,
            token=_chunks.c.token + 1,
            attempts=_chunks.c.attempts + 1,
            lease_until=now + lease_s,
        )
        .returning(
            _chunks.c.id, _chunks.c.scan_id, _chunks.c.kind, _chunks.c.token, _chunks.c.attempts
        )
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else Chunk(*row)


def renew(db: Db, held: Sequence[Chunk], *, lease_s: float) -> None:
    """Prolong leases; those that are lost stay lost."""
    for chunk in held:
        until = time.time() + lease_s
        db.execute(update(_chunks).where(_held(chunk)).values(lease_until=until))


def _held(chunk: Chunk) -> ColumnElement[bool]:
    return and_(
        _chunks.c.id == chunk.id, _chunks.c.token == chunk.token, _chunks.c.state == "leased"
    )


def holds(db: Db, chunk: Chunk) -> bool:
    """Whether the chunk is still ours; if so, nobody takes it over in this transaction."""
    mine = db.execute(update(_chunks).where(_held(chunk)).values(token=chunk.token))
    return mine.rowcount == 1


def check(db: Db, chunk: Chunk) -> None:
    """Hold the chunk for this transaction. Raises `LeaseLost`."""
    if not holds(db, chunk):
        raise LeaseLost


def finish(db: Db, chunk: Chunk) -> None:
    """The chunk is done. Raises `LeaseLost`."""
    check(db, chunk)
    db.execute(update(_chunks).where(_chunks.c.id == chunk.id).values(state="done"))


def release(db: Db, chunk: Chunk) -> None:
    """Give the chunk back unfinished; it was no fault of its items."""
    values = {"state": "queued", "lease_until": 0, "attempts": chunk.attempts - 1}
    db.execute(update(_chunks).where(_held(chunk)).values(**values))


def lease_left_s(db: Db, scan_id: int) -> float:
    """How long the scan's last lease still runs; 0 when nobody works on it."""
    return _left_s(db, _chunks.c.scan_id == scan_id)


def section_lease_left_s(db: Db, section_id: int) -> float:
    """How long the last lease of any scan of the section still runs, ended scans too."""
    scans = select(schema.scans.c.id).where(schema.scans.c.section_id == section_id)
    return _left_s(db, _chunks.c.scan_id.in_(scans))


def _left_s(db: Db, of: ColumnElement[bool]) -> float:
    where = (of, _chunks.c.state == "leased")
    until = db.execute(select(func.max(_chunks.c.lease_until)).where(*where)).scalar()
    return max(0.0, (until or 0.0) - time.time())
