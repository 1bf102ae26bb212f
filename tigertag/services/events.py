"""The event log, as the interfaces read it and services write it."""

import logging

from tigertag.core import Core
from tigertag.errors import RequestError, StoreError
from tigertag.services.views import Page, cursor_number, cut_page
from tigertag.store import events
from tigertag.store.events import LEVELS, SOURCES, EventRow

__all__ = [
    "LEVELS",
    "SOURCES",
    "EventRow",
    "after",
    "listed",
    "newest_id",
    "recent",
    "record",
]

logger = logging.getLogger(__name__)


def record(
    core: Core, level: str, source: str, message: str, *, scan_id: int | None = None
) -> None:
    """Append an event; a database that cannot be written holds up nobody. Never raises."""
    try:
        with core.store.write() as db:
            events.record(db, level, source, message, scan_id=scan_id)
    except StoreError as exc:
        logger.error("an event was not recorded (%s): %s", exc, message)


def recent(
    core: Core,
    *,
    levels: tuple[str, ...] = (),
    source: str = "",
    before_id: int | None = None,
    limit: int = 100,
) -> list[EventRow]:
    """Return events, the newest first: of these levels, of one source, older than one of them."""
    with core.store.read() as db:
        return events.recent(db, levels=levels, source=source, before_id=before_id, limit=limit)


def listed(
    core: Core, *, level: str = "", source: str = "", cursor: str | None = None, limit: int = 50
) -> Page[EventRow]:
    """Return a part of the event log, the newest first: of this level or worse, of one source.

    Raises `RequestError`.
    """
    before = cursor_number(cursor)
    if level not in ("", *LEVELS) or source not in ("", *SOURCES):
        known = f"level is one of {', '.join(LEVELS)}, its source one of {', '.join(SOURCES)}"
        raise RequestError(f"An event's {known}.")
    levels = _levels_from(level)
    rows = recent(core, levels=levels, source=source, before_id=before, limit=limit + 1)
    return cut_page(rows, limit, after=lambda row: row.id)


def _levels_from(level: str) -> tuple[str, ...]:
    return LEVELS[LEVELS.index(level) :] if level else ()


def after(core: Core, last_id: int, *, level: str = "", source: str = "") -> list[EventRow]:
    """Return up to 100 events younger than one of them, the oldest first."""
    with core.store.read() as db:
        return events.after(db, last_id, levels=_levels_from(level), source=source)


def newest_id(core: Core) -> int:
    """Return the id of the newest event, 0 if there is none."""
    return next((row.id for row in recent(core, limit=1)), 0)
