"""Counts over whole tables, as `/metrics` tells them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select, text

from tigertag.store import schema
from tigertag.store.database import Db, Store, now_s

_items, _sections, _scans = schema.items, schema.sections, schema.scans
_chunks, _edits, _problems = schema.chunks, schema.edits, schema.problems
Place = tuple[str, str]
"""A library and the key of a section."""


@dataclass(frozen=True, slots=True)
class SectionScan:
    """The last scan of a section that has ended."""

    state: str
    started_at: datetime | None
    finished_at: datetime


def items(db: Db) -> dict[tuple[str, str, str], int]:
    """Return the number of items by library, section and outcome."""
    is_done = (_items.c.settled != "").label("is_done")
    of = (_items.c.section_id, _items.c.gone, is_done)
    counted = select(*of, func.count()).group_by(*of)
    failed = select(*of, func.count(_problems.c.item_id.distinct())).select_from(_problems)
    failed = failed.join(_items).where(
        _problems.c.revision == _items.c.revision, _problems.c.ignored.is_(False)
    )
    failing = {tuple(row[:3]): row[3] for row in db.execute(failed.group_by(*of))}
    places = _places(db)
    numbers: dict[tuple[str, str, str], int] = {}
    for section_id, gone, done, number in db.execute(counted):
        place = places[section_id]
        bad = 0 if gone else failing.get((section_id, gone, done), 0)
        outcome = "gone" if gone else "done" if done else "open"
        for name, more in ((outcome, number - bad), ("failed", bad)):
            numbers[*place, name] = numbers.get((*place, name), 0) + more
    return numbers


def _places(db: Db) -> dict[int, Place]:
    columns = (_sections.c.id, _sections.c.library, _sections.c.key)
    return {row.id: (row.library, row.key) for row in db.execute(select(*columns))}


def edits_unsettled(db: Db) -> dict[str, int]:
    """Return the number of edits that nothing has confirmed yet, by state."""
    return _by(db, _edits.c.state, _edits.c.state.in_(("planned", "sent")))


def scans(db: Db) -> dict[str, int]:
    """Return the number of scans by state."""
    return _by(db, _scans.c.state)


def chunks(db: Db) -> dict[tuple[str, str], int]:
    """Return the number of chunks of active scans that are left, by queue and state.

    later: it is not due yet, as while a batch is answered.
    """
    active = select(_scans.c.id).where(_scans.c.state.in_(schema.UNENDED))
    is_later = and_(_chunks.c.state == "queued", _chunks.c.due_at > now_s())
    state = case((is_later, "later"), else_=_chunks.c.state).label("state")
    left = (_chunks.c.scan_id.in_(active), _chunks.c.state != "done")
    each = select(_chunks.c.queue, state).where(*left).subquery().c
    counted = select(each.queue, each.state, func.count()).group_by(each.queue, each.state)
    return {(queue, in_state): number for queue, in_state, number in db.execute(counted)}


def _by(db: Db, column: Any, *where: Any) -> dict[str, int]:
    rows = db.execute(select(column, func.count()).where(*where).group_by(column))
    return {row[0]: row[1] for row in rows}


def last_scans(db: Db) -> dict[Place, SectionScan]:
    """Return the last ended scan of each section; forecasts do not count."""
    ended = (_scans.c.state.in_(schema.FINAL), _scans.c.forecast == "")
    newest = select(func.max(_scans.c.id)).where(*ended).group_by(_scans.c.section_id)
    places = _places(db)
    return {
        places[row.section_id]: SectionScan(row.state, row.started_at, row.finished_at)
        for row in db.execute(select(_scans).where(_scans.c.id.in_(newest)))
        if row.finished_at is not None
    }


def oldest_queued(db: Db) -> datetime | None:
    """Return when the oldest scan was made that has not begun."""
    queued = select(_scans.c.created_at).where(_scans.c.state == "queued")
    return db.scalar(queued.order_by(_scans.c.created_at).limit(1))


def rows_by_table(db: Db) -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        name: db.scalar(select(func.count()).select_from(table)) or 0
        for name, table in sorted(schema.metadata.tables.items())
    }


def size_bytes(store: Store) -> int:
    """Return the size of the database, with what is not checkpointed yet."""
    path = store.sqlite_path
    if path is None:
        with store.read() as db:
            return int(db.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    parts = (path, path.with_name(f"{path.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
