"""The queue in which requests to one engine's service wait for their turn, over all machines.

A request enters at the end, and may be sent when fewer than the limit are ahead of it: those under
way, and those that came before. A place whose process has died counts no more once its lease ran
out by the database's clock.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, func, select, text, update

from tigertag.store import schema
from tigertag.store.database import Db, insert_one, now_s

_slots = schema.request_slots

# Two that enter at once would each miss the other, whose id comes first and whose commit does not.
# If the server crashes, the queue of its last moment may be lost: nobody waits for the disk.
_LOCK = text(
    "SELECT set_config('synchronous_commit', 'off', true),"
    " pg_advisory_xact_lock(hashtextextended(:queue, 0))"
)


def enter(db: Db, engine: str, *, owner: str, lease_s: float) -> int:
    """Take the last place in an engine's queue; no other enters before this transaction ends."""
    if db.dialect.name == "postgresql":
        db.execute(_LOCK, {"queue": f"request_slots/{engine}"})
    row = {"engine": engine, "owner": owner, "lease_until": now_s() + lease_s}
    return insert_one(db, _slots, row)


def ahead(db: Db, engine: str, place: int) -> int | None:
    """Return how many are ahead of a place; None: it was lost, its lease has run out."""
    mine = func.count().filter(_slots.c.id == place)
    live = (_slots.c.engine == engine, _slots.c.id <= place, _is_live())
    number, is_there = db.execute(select(func.count(), mine).where(*live)).one()
    return number - 1 if is_there else None


def renew(db: Db, places: Collection[int], *, lease_s: float) -> None:
    """Prolong leases, but for those that are lost, which go."""
    mine = (_slots.c.id.in_(places), _is_live())
    db.execute(update(_slots).where(*mine).values(lease_until=now_s() + lease_s))
    db.execute(delete(_slots).where(~_is_live()))


def leave(db: Db, place: int) -> None:
    """The request has ended, or is not sent."""
    db.execute(delete(_slots).where(_slots.c.id == place))


def _is_live() -> ColumnElement[bool]:
    return _slots.c.lease_until >= now_s()
