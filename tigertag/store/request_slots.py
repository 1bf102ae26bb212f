"""The queue in which requests to one engine's service wait for their turn, over all machines.

A request enters at the end, or behind those that are urgent as well, and may be sent when fewer
than the limit are ahead of it: those under way, and those that come before. A place whose process
has died counts no more once its lease ran out by the database's clock.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update

from tigertag.store import schema
from tigertag.store.database import Db, insert_one, now_s

_slots = schema.request_slots

# Two that enter at once would each miss the other, whose id comes first and whose commit does not.
# If the server crashes, the queue of its last moment may be lost: nobody waits for the disk.
_LOCK = text(
    "SELECT set_config('synchronous_commit', 'off', true),"
    " pg_advisory_xact_lock(hashtextextended(:queue, 0))"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an engine's queue."""

    id: int
    engine: str
    urgent: bool


def enter(
    db: Db, engine: str, *, owner: str, lease_s: float, limit: int, urgent: bool = False
) -> tuple[Place, int]:
    """Take a place, and begin where fewer than `limit` are ahead; return how many are as well."""
    _lock(db, engine)
    row = {
        "engine": engine,
        "owner": owner,
        "lease_until": now_s() + lease_s,
        "urgent": urgent,
    }
    place = Place(insert_one(db, _slots, row), engine, urgent)
    return place, _begin(db, place, limit) or 0


def begin(db: Db, place: Place, limit: int) -> int | None:
    """As `ahead`; the request is under way from now on where fewer than `limit` are."""
    _lock(db, place.engine)
    return _begin(db, place, limit)


def ahead(db: Db, place: Place) -> int | None:
    """Return how many are ahead of a place; None: it was lost, its lease has run out."""
    came_before = _slots.c.id < place.id
    if place.urgent:
        comes_before = and_(came_before, _slots.c.urgent)
    else:
        comes_before = or_(came_before, _slots.c.urgent)
    # One that came later may be under way already, where those before it have not looked yet.
    first = or_(_slots.c.under_way, comes_before)
    mine = _slots.c.id == place.id
    counts = select(func.count().filter(first, ~mine), func.count().filter(mine))
    number, is_there = db.execute(counts.where(_slots.c.engine == place.engine, _is_live())).one()
    return number if is_there else None


def _begin(db: Db, place: Place, limit: int) -> int | None:
    number = ahead(db, place)
    if number is not None and number < limit:
        db.execute(update(_slots).where(_slots.c.id == place.id).values(under_way=True))
    return number


def _lock(db: Db, engine: str) -> None:
    """Let nobody else enter an engine's queue, or begin, before this transaction ends."""
    if db.dialect.name == "postgresql":
        db.execute(_LOCK, {"queue": f"request_slots/{engine}"})


def renew(db: Db, places: Collection[Place], *, lease_s: float) -> None:
    """Prolong leases, but for those that are lost, which go."""
    mine = (_slots.c.id.in_([place.id for place in places]), _is_live())
    db.execute(update(_slots).where(*mine).values(lease_until=now_s() + lease_s))
    db.execute(delete(_slots).where(~_is_live()))


def leave(db: Db, place: Place) -> None:
    """The request has ended, or is not sent."""
    db.execute(delete(_slots).where(_slots.c.id == place.id))


def _is_live() -> ColumnElement[bool]:
    return _slots.c.lease_until >= now_s()
