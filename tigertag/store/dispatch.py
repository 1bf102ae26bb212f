"""Which chunks are sent to a broker, and how many are on their way. See `scan.dispatcher`."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from tigertag.model import Queue
from tigertag.sequences import batched
from tigertag.store import chunks, engine_state, schema
from tigertag.store.chunks import Chunk
from tigertag.store.database import MOST_PARAMETERS, Db, now_s

LEADS = ("dispatch", "dispatch-standby")
"""The leases of the dispatcher: of a service, and of a worker that stands in for it."""
_DECLINED = 1.0
"""When what a worker has declined was sent: it counts as on its way until it is sent again."""
_chunks = schema.chunks
_batches = schema.batches


@dataclass(frozen=True, slots=True)
class SentChunk:
    """A chunk that is being sent. `home`: whose file the chunk is about, "": anybody's."""

    id: int
    queue: Queue
    home: str


# Until the service is known to have it, it is in a file there; then anybody can ask for it.
_IN_A_FILE = ("filling", "sealed", "submitting")
_of_home = select(_batches.c.home).where(
    _batches.c.chunk_id == _chunks.c.id, _batches.c.state.in_(_IN_A_FILE)
)
_home = case(
    (_chunks.c.kind == "batch", func.coalesce(_of_home.correlate(_chunks).scalar_subquery(), "")),
    else_="",
)
_SENT = (_chunks.c.id, _chunks.c.queue, _home)


def _mine(scan_id: int, queue: Queue) -> ColumnElement[bool]:
    return and_(_chunks.c.scan_id == scan_id, _chunks.c.queue == queue)


def _is_free() -> ColumnElement[bool]:
    return or_(chunks.is_due(), chunks.has_run_out())


def take_unsent(db: Db, scan_id: int, queue: Queue, *, limit: int) -> list[SentChunk]:
    """Mark chunks that are due, or whose worker has died, as sent; return them."""
    ready = and_(_mine(scan_id, queue), _chunks.c.sent_at == 0, _is_free())
    unsent = select(_chunks.c.id).where(ready).order_by(_chunks.c.id).limit(limit)
    ids = list(db.scalars(unsent.with_for_update(skip_locked=True)))
    sent: list[SentChunk] = []
    for some in batched(ids, MOST_PARAMETERS):
        where = _chunks.c.id.in_(some)
        db.execute(update(_chunks).where(where).values(sent_at=now_s()))
        rows = db.execute(select(*_SENT).where(where).order_by(_chunks.c.id))
        sent += [SentChunk(*row) for row in rows]
    return sent


def unsend(db: Db, chunk_ids: Collection[int]) -> None:
    """Let chunks be sent again, at once."""
    for ids in batched(chunk_ids, MOST_PARAMETERS):
        db.execute(update(_chunks).where(chunks.locked(_chunks.c.id.in_(ids))).values(sent_at=0.0))


def leave_homes(db: Db, chunk_ids: Collection[int]) -> None:
    """Let anybody have these chunks of batches: no worker lives where their files are."""
    unsend(db, chunk_ids)
    for ids in batched(chunk_ids, MOST_PARAMETERS):
        where = (_batches.c.chunk_id.in_(ids), _batches.c.state.in_(_IN_A_FILE))
        db.execute(update(_batches).where(*where).values(home=""))


def decline(db: Db, chunk_id: int) -> None:
    """A worker does not take this chunk: whoever sends it sees so, and sends it again later."""
    sent = (_chunks.c.id == chunk_id, _chunks.c.sent_at > 0)
    db.execute(update(_chunks).where(*sent).values(sent_at=_DECLINED))


def declined(db: Db, scan_id: int, *, limit: int) -> list[SentChunk]:
    """Return chunks that workers have declined since they were sent."""
    where = (_chunks.c.scan_id == scan_id, _chunks.c.sent_at == _DECLINED)
    return _sent(db, *where, limit=limit)


def sent_before(db: Db, scan_id: int, *, after_s: float, limit: int) -> list[SentChunk]:
    """Return chunks that were sent longer ago than that, and that nobody has had yet."""
    old = (_chunks.c.sent_at > _DECLINED, _chunks.c.sent_at < now_s() - after_s)
    return _sent(db, _chunks.c.scan_id == scan_id, *old, limit=limit)


def _sent(db: Db, *where: ColumnElement[bool], limit: int) -> list[SentChunk]:
    # So that the index of what was sent is used.
    sent = (*where, _chunks.c.sent_at > 0)
    rows = db.execute(select(*_SENT).where(*sent).order_by(_chunks.c.id).limit(limit))
    return [SentChunk(*row) for row in rows]


def on_their_way(db: Db, scan_id: int) -> dict[str, int]:
    """Return how many chunks of a scan were sent and not taken yet, by queue."""
    sent = (_chunks.c.scan_id == scan_id, _chunks.c.sent_at > 0)
    count = select(_chunks.c.queue, func.count()).where(*sent).group_by(_chunks.c.queue)
    return {row[0]: row[1] for row in db.execute(count)}


def under_way(db: Db, queue: Queue) -> int:
    """Return how many chunks of a queue were sent or are being worked on, of all scans.

    What was sent of a scan that was paused or has ended since is taken by nobody; nor does what
    waits for the one home that has its file keep others from working.
    """
    running = select(schema.scans.c.id).where(schema.scans.c.state == "running")
    on_its_way = (_chunks.c.sent_at > 0, _chunks.c.scan_id.in_(running), _home == "")
    sent = select(func.count()).where(_chunks.c.queue == queue, *on_its_way)
    leased = (_chunks.c.state == "leased", _chunks.c.sent_at == 0, ~chunks.has_run_out())
    at_work = select(func.count()).where(_chunks.c.queue == queue, *leased)
    return (db.scalar(sent) or 0) + (db.scalar(at_work) or 0)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many chunks of a scan wait for a worker in a queue. `home`: whose, "": anybody's."""

    scan_id: int
    queue: str
    home: str
    chunks: int


def depths(db: Db, scan_ids: Collection[int]) -> list[Depth]:
    """Return what of these scans is due and waits for a worker, by scan, queue and home."""
    where = (_chunks.c.scan_id.in_(scan_ids), _is_free())
    waiting = select(_chunks.c.scan_id, _chunks.c.queue, _home.label("home")).where(*where)
    chunk = waiting.subquery().c
    of = (chunk.scan_id, chunk.queue, chunk.home)
    rows = db.execute(select(*of, func.count()).group_by(*of).order_by(*of))
    return [Depth(*row) for row in rows]


def is_led(db: Db) -> bool:
    """Whether somebody sends chunks."""
    return any(engine_state.is_leased(db, "", lead) for lead in LEADS)


def is_led_by_service(db: Db) -> bool:
    """Whether the service sends chunks: only it takes up scans that are new."""
    return engine_state.is_leased(db, "", LEADS[0])


def give_up(db: Db, owner: str, *, hung: Collection[int] = ()) -> int:
    """Give back all that a worker holds, which ends now: what it still commits is refused.

    `hung`: chunks that it ends over; their attempt counts, so that the item is found out.
    """
    held = (_chunks.c.owner == owner, _chunks.c.state == "leased")
    values = {
        "state": "queued",
        "lease_until": 0.0,
        "attempts": _chunks.c.attempts - case((_chunks.c.id.in_(hung), 0), else_=1),
    }
    return db.execute(update(_chunks).where(chunks.locked(*held)).values(**values)).rowcount


def lease_left(
    db: Db, scan_id: int, chunk_id: int, owner: str, *, home: str, lease_s: float
) -> Chunk | None:
    """Lease a chunk of the queue of this one that a dead worker has left, else this one.

    What waits for another home than `home` is left to that one's workers. This one is sent again
    where another has come before it. None: it is done, or somebody's.
    """
    queue = select(_chunks.c.queue).where(_chunks.c.id == chunk_id).scalar_subquery()
    mine = and_(_chunks.c.scan_id == scan_id, _chunks.c.queue == queue, _home.in_(("", home)))
    left = and_(chunks.has_run_out(), mine)
    first = select(_chunks.c.id).where(left).order_by(_chunks.c.id).limit(1)
    expired = db.scalar(first.with_for_update(skip_locked=True))
    chosen = chunk_id if expired is None else expired
    if chosen != chunk_id:
        unsend(db, [chunk_id])
    return chunks.lease(db, scan_id, owner=owner, lease_s=lease_s, chunk_id=chosen)
