"""What is known of engines: their small state and leases, last settings, and why they stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, select, update

from tigertag.model import Thresholds
from tigertag.store import events, schema
from tigertag.store.database import Db, any_where, insert_if_absent, insert_or_replace, now_s
from tigertag.store.packing import (
    pack_models,
    pack_pairs,
    pack_words,
    unpack_models,
    unpack_pairs,
    unpack_words,
)

_kept = schema.kept
_stops = schema.stops
_engines = schema.engines
LEASE = "lease/"
"""What the name of a lease begins with."""
BACKUP = "backup-"
"""… and of what is kept of the backups of this database."""


def state(db: Db, engine: str, name: str) -> str | None:
    return db.scalar(select(_kept.c.value).where(_of(engine, name)))


def _of(engine: str, name: str) -> ColumnElement[bool]:
    return (_kept.c.engine == engine) & (_kept.c.name == name)


def put_state(db: Db, engine: str, name: str, value: str) -> None:
    row = {"engine": engine, "name": name, "value": value}
    insert_or_replace(db, _kept, [row], key=("engine", "name"))


def drop_state(db: Db, engine: str, name: str) -> bool:
    """Forget a state; False: there was none."""
    return db.execute(delete(_kept).where(_of(engine, name))).rowcount == 1


def states_under(db: Db, engine: str, prefix: str) -> dict[str, str]:
    where = (_kept.c.engine == engine, _kept.c.name.startswith(prefix, autoescape=True))
    rows = db.execute(select(_kept).where(*where).order_by(_kept.c.name))
    # LIKE takes no notice of case on SQLite.
    return {row.name: row.value for row in rows if row.name.startswith(prefix)}


def state_of_all(db: Db, name: str) -> dict[str, str]:
    """Return what every engine keeps under a name."""
    return {row.engine: row.value for row in db.execute(select(_kept).where(_kept.c.name == name))}


def lease(db: Db, engine: str, name: str, *, owner: str, lease_s: float) -> bool:
    """Take a lease that is free or has run out, or prolong our own; False: another has it."""
    row = {"engine": engine, "name": LEASE + name, "value": "", "until": 0.0}
    insert_if_absent(db, _kept, [row])
    free = (_kept.c.until < now_s()) | (_kept.c.value == owner)
    values = {"value": owner, "until": now_s() + lease_s}
    taken = update(_kept).where(_of(engine, LEASE + name), free).values(**values)
    return db.execute(taken).rowcount == 1


def is_leased(db: Db, engine: str, name: str) -> bool:
    """Whether anybody holds a lease."""
    return any_where(db, _of(engine, LEASE + name), _kept.c.until >= now_s())


def release(db: Db, engine: str, name: str, *, owner: str) -> None:
    mine = (_of(engine, LEASE + name), _kept.c.value == owner)
    db.execute(update(_kept).where(*mine).values(until=0.0))


def database_id(db: Db) -> str:
    """Return what tells this database from others; it is made once."""
    row = {"engine": "", "name": "database", "value": uuid4().hex[:12]}
    insert_if_absent(db, _kept, [row])
    return state(db, "", "database") or ""


@dataclass(frozen=True, slots=True)
class StopRow:
    """Why an engine cannot go on. `until`: when it is tried again by itself, if it is.

    `lasting`: no process tries it before that.
    """

    engine: str
    reason: str
    until: datetime | None
    at: datetime
    lasting: bool = False


def stop(
    db: Db, engine: str, reason: str, until: datetime | None, *, lasting: bool = False
) -> None:
    """Keep why an engine cannot go on; the first time is an event."""
    at = datetime.now(UTC)
    row = {"engine": engine, "reason": reason, "until": until, "at": at, "lasting": lasting}
    if insert_if_absent(db, _stops, [row]):
        events.record(db, "warning", "engine", f"Engine {engine} stopped: {reason}")
    else:
        insert_or_replace(db, _stops, [row], key=("engine",))


def lift_stop(db: Db, engine: str) -> None:
    """Let an engine be asked again; an event if it was stopped."""
    if db.execute(delete(_stops).where(_stops.c.engine == engine)).rowcount:
        events.record(db, "info", "engine", f"Engine {engine} can be asked again.")


def stops(db: Db) -> dict[str, StopRow]:
    return {row.engine: StopRow(*row) for row in db.execute(select(_stops))}


def remember(db: Db, known: Mapping[str, tuple[str, Thresholds]]) -> None:
    """Keep each engine's fingerprint and thresholds for the time when it is gone."""
    rows = [
        {
            "id": engine,
            "fingerprint": fingerprint,
            "min_confidence": limits.min_confidence,
            "max_tags": limits.max_tags,
            "prefix": limits.prefix,
            "each": pack_pairs(limits.each),
            "withheld": pack_words(limits.withheld),
            "models": pack_models(limits.models),
        }
        for engine, (fingerprint, limits) in known.items()
    ]
    insert_or_replace(db, _engines, rows, key=["id"])


def remembered_fingerprints(db: Db) -> dict[str, str]:
    return {row.id: row.fingerprint for row in db.execute(select(_engines))}


def remembered_thresholds(db: Db) -> dict[str, Thresholds]:
    return {
        row.id: Thresholds(
            row.min_confidence,
            row.max_tags,
            row.prefix,
            unpack_pairs(row.each),
            unpack_words(row.withheld),
            unpack_models(row.models),
        )
        for row in db.execute(select(_engines))
    }
