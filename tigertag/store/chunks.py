"""Chunks and their leases.

A lease is taken by a conditional UPDATE and carries a fencing token: whoever commits shows the
token, and is refused when another has taken the chunk over since. The database's clock decides when
a lease has run out and when a chunk is due; callers speak of times by their own host's.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import (
    ColumnElement,
    Float,
    ScalarSelect,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from tigertag.errors import LeaseLost
from tigertag.model import Queue
from tigertag.sequences import batched
from tigertag.store import database, schema
from tigertag.store.database import MOST_PARAMETERS, Db, any_where, insert_one, now_s

_chunks, _scans = schema.chunks, schema.scans
FAR = 1e12
"""Due when it is woken."""
_WOKEN = 1.0
_CALLED = -1.0
"""Woken while it is held."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A leased chunk. `lease_s`: for how long each commit for it prolongs its lease.

    `taken_over_at`: when it was last taken over from a worker whose lease had run out (by the
    database's clock), 0.0: never.
    """

    id: int
    scan_id: int
    kind: str
    token: int
    attempts: int
    size: int = 0
    taken_over_at: float = 0.0
    lease_s: float = 0.0


_KEPT = tuple(column.name for column in fields(Chunk) if column.name in _chunks.c)


def add(
    db: Db,
    scan_id: int,
    *,
    kind: str = "items",
    held: bool = False,
    queue: Queue = "default",
    size: int = 0,
) -> int:
    """Make a chunk of items, or of groups of them. `held`: not to be worked on before `let_go`.

    `queue`: what kind of worker it needs; `size`: how many items it has.
    """
    due_at = FAR if held else 0.0
    values = {"scan_id": scan_id, "kind": kind, "due_at": due_at, "queue": queue, "size": size}
    return insert_one(db, _chunks, values)


def let_go(db: Db, scan_id: int) -> None:
    """Let those be worked on that were held."""
    mine = (_chunks.c.scan_id == scan_id, _chunks.c.kind.in_(("items", "groups")))
    held = (*mine, _chunks.c.state == "queued", _chunks.c.due_at == FAR)
    db.execute(update(_chunks).where(locked(*held)).values(due_at=0.0))


def locked(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Lock chunks in the order of their ids, so that two transactions cannot deadlock."""
    ids = select(_chunks.c.id).where(*where).order_by(_chunks.c.id)
    return _chunks.c.id.in_(ids.with_for_update())


def lease(
    db: Db,
    scan_id: int,
    *,
    owner: str,
    lease_s: float,
    kind: str | None = None,
    chunk_id: int | None = None,
) -> Chunk | None:
    """Lease a chunk whose lease has run out, else the first that is due; None: there is none.

    Of a scan that has ended only batches are left to be worked on. That is looked at here: between
    two statements another transaction may end the scan and give its chunk back.

    A row that another transaction has locked is passed over: PostgreSQL would wait for it, see that
    it is taken, and find nothing, though other chunks are free. `chunk_id`: no other than this one.

    The attempt is counted here, before the work: a chunk that kills its workers is found out.
    """
    mine = [_chunks.c.scan_id == scan_id]
    mine.append(~_has_ended(scan_id) if kind is None else _chunks.c.kind == kind)
    if chunk_id is not None:
        mine.append(_chunks.c.id == chunk_id)
    first = func.coalesce(_first(*mine, has_run_out()), _first(*mine, is_due()))
    taken_over_at = case((_chunks.c.state == "leased", now_s()), else_=_chunks.c.taken_over_at)
    statement = (
        update(_chunks)
        .where(_chunks.c.id == first, or_(is_due(), has_run_out()))
        .values(
            state="leased",
            owner=owner,
            token=_chunks.c.token + 1,
            attempts=_chunks.c.attempts + 1,
            lease_until=now_s() + lease_s,
            leased_at=now_s(),
            taken_over_at=taken_over_at,
            sent_at=0.0,
            due_at=_heard(_chunks.c.due_at),
        )
        .returning(*(_chunks.c[name] for name in _KEPT))
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else database.as_type(Chunk, row, lease_s=lease_s)


def _has_ended(scan_id: int) -> ColumnElement[bool]:
    return exists().where(_scans.c.id == scan_id, _scans.c.state.in_(schema.FINAL))


def _first(*where: ColumnElement[bool]) -> ScalarSelect[int]:
    """The first of the chunks that nobody has locked."""
    first = select(_chunks.c.id).where(*where).order_by(_chunks.c.id).limit(1)
    return first.with_for_update(skip_locked=True).scalar_subquery()


def is_due() -> ColumnElement[bool]:
    return and_(_chunks.c.state == "queued", _chunks.c.due_at <= now_s())


def has_run_out() -> ColumnElement[bool]:
    return and_(_chunks.c.state == "leased", _chunks.c.lease_until < now_s())


def renew(db: Db, held: Sequence[Chunk], *, lease_s: float) -> None:
    """Prolong leases; those that are lost stay lost.

    One that a transaction commits for at this moment is left to that (`holds`): to wait for it
    would let the others run out.
    """
    if not held:
        return
    tokens = tuple_(_chunks.c.id, _chunks.c.token).in_([(one.id, one.token) for one in held])
    mine = select(_chunks.c.id).where(tokens, _chunks.c.state == "leased").order_by(_chunks.c.id)
    free = mine.with_for_update(skip_locked=True)
    renewed = update(_chunks).where(_chunks.c.id.in_(free))
    db.execute(renewed.values(lease_until=now_s() + lease_s))


def _held(chunk: Chunk) -> ColumnElement[bool]:
    return and_(
        _chunks.c.id == chunk.id, _chunks.c.token == chunk.token, _chunks.c.state == "leased"
    )


# With each commit for a chunk: to make the statement takes longer than to execute it.
_until = now_s() + bindparam("lease_s", type_=Float)
_HOLDING = (
    update(_chunks)
    .where(
        _chunks.c.id == bindparam("held_id"),
        _chunks.c.token == bindparam("held_token"),
        _chunks.c.state == "leased",
    )
    .values(lease_until=case((_chunks.c.lease_until < _until, _until), else_=_chunks.c.lease_until))
)


def holds(db: Db, chunk: Chunk) -> bool:
    """Whether the chunk is still ours; if so, its lease begins anew.

    Nobody takes it over in this transaction.
    """
    mine = {"held_id": chunk.id, "held_token": chunk.token, "lease_s": chunk.lease_s}
    return db.execute(_HOLDING, mine).rowcount == 1


def check(db: Db, chunk: Chunk) -> None:
    """Hold the chunk for this transaction. Raises `LeaseLost`."""
    if not holds(db, chunk):
        raise LeaseLost


def finish(db: Db, chunk: Chunk) -> None:
    """The chunk is done, unless it was woken while it was held. Raises `LeaseLost`."""
    where = (_held(chunk), _chunks.c.due_at != _CALLED)
    values = {"state": "done", "sent_at": 0.0}
    if db.execute(update(_chunks).where(*where).values(**values)).rowcount == 1:
        return
    check(db, chunk)
    release(db, chunk)


def release(db: Db, chunk: Chunk, *, forgiven: bool = True) -> None:
    """Give the chunk back unfinished. `forgiven`: it was no fault of its items."""
    attempts = chunk.attempts - 1 if forgiven else chunk.attempts
    values = {"state": "queued", "lease_until": 0, "attempts": attempts}
    db.execute(update(_chunks).where(_held(chunk)).values(**values))


def postpone(db: Db, chunk: Chunk, due_at: float) -> None:
    """Give the chunk back until a time (seconds since the epoch). Raises `LeaseLost`."""
    check(db, chunk)
    if _WOKEN < due_at < FAR:
        due_at += database.ahead_s(db)
    mine = _chunks.c.id == chunk.id
    db.execute(update(_chunks).where(mine).values(due_at=_heard(literal(due_at))))
    release(db, chunk)


def wake(db: Db, which: ColumnElement[bool]) -> None:
    """Make chunks due now; one that is held, as soon as it is given back."""
    undone = (which, _chunks.c.state != "done")
    due_at = case((_chunks.c.state == "queued", _WOKEN), else_=_CALLED)
    db.execute(update(_chunks).where(locked(*undone)).values(due_at=due_at))


def wake_all(db: Db, chunk_ids: Collection[int]) -> None:
    for ids in batched(chunk_ids, MOST_PARAMETERS):
        wake(db, _chunks.c.id.in_(ids))


def make_due(db: Db, scan_id: int) -> None:
    """Let what waits for a time be looked at now; what waits to be woken goes on waiting."""
    waits = (_chunks.c.due_at > 0, _chunks.c.due_at < FAR)
    where = (_chunks.c.scan_id == scan_id, _chunks.c.state == "queued")
    db.execute(update(_chunks).where(locked(*where, *waits)).values(due_at=_WOKEN))


def _heard(due_at: ColumnElement[float]) -> ColumnElement[float]:
    """A time to wait for, unless the chunk was woken meanwhile."""
    return case((_chunks.c.due_at == _CALLED, _WOKEN), else_=due_at)


def due_at(db: Db, scan_id: int) -> float | None:
    """Return from when on there is work of a scan that nobody holds; None: there is none."""
    mine = _chunks.c.scan_id == scan_id
    queued = select(func.min(_chunks.c.due_at)).where(mine, _chunks.c.state == "queued")
    if any_where(db, mine, has_run_out()):
        return 0.0
    return _here(db, db.scalar(queued))


def due_in_s(db: Db, scan_id: int) -> float | None:
    """Return in how many seconds there is work of a scan; 0 while some is under way.

    None: none is left. Held chunks count as far away.
    """
    if lease_left_s(db, scan_id) > 0:
        return 0.0
    due = due_at(db, scan_id)
    return None if due is None else max(0.0, due - time.time())


def _here(db: Db, due_at: float | None) -> float | None:
    """A time of the database's clock by that of this host."""
    if due_at is None or not _WOKEN < due_at < FAR:
        return due_at
    # The clocks are read one after the other: what is closer than that is the same time.
    return round(due_at - database.ahead_s(db), 1)


def items_due_at(db: Db, scan_id: int) -> float | None:
    """Return when the chunks of a scan but those of groups are due; None: they are all done.

    0.0 stands for now, and for those that somebody holds.
    """
    left = (_chunks.c.scan_id == scan_id, _chunks.c.state != "done", _chunks.c.kind != "groups")
    due = case((_chunks.c.state == "leased", 0.0), else_=_chunks.c.due_at)
    return _here(db, db.scalar(select(func.min(due)).where(*left)))


def drop_listing(db: Db, scan_id: int) -> None:
    """Drop the chunk that listed the items of an ended scan."""
    where = (_chunks.c.scan_id == scan_id, _chunks.c.kind == "list")
    db.execute(delete(_chunks).where(*where))


def forgive(db: Db, chunk: Chunk) -> None:
    """The chunk has made progress: it is not what its workers died of."""
    db.execute(update(_chunks).where(_held(chunk)).values(attempts=1))


def lease_left_s(db: Db, scan_id: int) -> float:
    """How long the scan's last lease still runs; 0 when nobody works on it."""
    return _left_s(db, _chunks.c.scan_id == scan_id)


def section_lease_left_s(db: Db, section_id: int) -> float:
    """How long the last lease of any scan of the section still runs, ended scans too."""
    scans = select(schema.scans.c.id).where(schema.scans.c.section_id == section_id)
    return _left_s(db, _chunks.c.scan_id.in_(scans))


def _left_s(db: Db, of: ColumnElement[bool]) -> float:
    where = (of, _chunks.c.state == "leased")
    left = func.max(_chunks.c.lease_until) - now_s()
    return max(0.0, db.scalar(select(left).where(*where)) or 0.0)
