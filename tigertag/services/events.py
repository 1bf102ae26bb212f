"""The event log, as the interfaces read it and services write it."""

import logging

from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.store import events
from tigertag.store.events import LEVELS, SOURCES, EventRow

__all__ = ["LEVELS", "SOURCES", "EventRow", "recent", "record"]

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
