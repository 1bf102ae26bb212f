"""The event log: what happened, a line each."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from tigertag.store import schema
from tigertag.store.database import Db, as_type, insert_one

_events = schema.events
LEVELS = schema.EVENT_LEVELS
SOURCES = schema.EVENT_SOURCES


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event. `scan_id`: the scan that it is about, which may be gone by now."""

    id: int
    at: datetime
    level: str
    source: str
    message: str
    scan_id: int | None


def record(db: Db, level: str, source: str, message: str, *, scan_id: int | None = None) -> None:
    """Append an event, in the transaction of what happened."""
    row = {"level": level, "source": source, "message": message, "scan_id": scan_id}
    insert_one(db, _events, row | {"at": datetime.now(UTC)})


def recent(
    db: Db,
    *,
    levels: tuple[str, ...] = (),
    source: str = "",
    before_id: int | None = None,
    limit: int = 100,
) -> list[EventRow]:
    """Return events, the newest first: of these levels, of one source, older than one of them."""
    statement = select(_events).order_by(_events.c.id.desc()).limit(limit)
    if levels:
        statement = statement.where(_events.c.level.in_(levels))
    if source:
        statement = statement.where(_events.c.source == source)
    if before_id is not None:
        statement = statement.where(_events.c.id < before_id)
    return [as_type(EventRow, row) for row in db.execute(statement)]


def after(
    db: Db, last_id: int, *, levels: tuple[str, ...] = (), source: str = "", limit: int = 100
) -> list[EventRow]:
    """Return events younger than one of them, the oldest first: of these levels, of one source."""
    statement = select(_events).where(_events.c.id > last_id).order_by(_events.c.id).limit(limit)
    if levels:
        statement = statement.where(_events.c.level.in_(levels))
    if source:
        statement = statement.where(_events.c.source == source)
    return [as_type(EventRow, row) for row in db.execute(statement)]
