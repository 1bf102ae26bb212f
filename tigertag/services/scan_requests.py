"""Scans that start by themselves: asked for by schedules, hooks and watched folders."""

import logging
from datetime import UTC, datetime, timedelta

from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, TigerTagError
from tigertag.services import scans
from tigertag.services.scans import Request
from tigertag.store import Db, events, scan_requests
from tigertag.store.scan_requests import ScanRequestRow, Wanted
from tigertag.text import one_line

__all__ = ["ScanRequestRow", "Wanted", "start_due", "waiting"]

logger = logging.getLogger(__name__)

_AGAIN_S = 30.0
"""When a library or an engine that cannot be used now is looked at again."""
_FORGOTTEN_AFTER = timedelta(days=1)
"""When what no process knows any more is dropped."""


def waiting(core: Core) -> list[ScanRequestRow]:
    """Return the scans that are wanted and have not started, the oldest first."""
    with core.store.read() as db:
        return scan_requests.waiting(db)


def start_due(core: Core) -> None:
    """Start what is due and whose section is free; what cannot start yet says why, and waits."""
    with core.store.read() as db:
        due = scan_requests.waiting(db, due=True)
    for row in due:
        try:
            _know(core, row.wanted)
        except NotFound as exc:
            _leave(core, row, exc)
            continue
        try:
            # It is looked at each second: while a section is busy, its library is not asked for it.
            scans.refuse_if_busy(core, row.wanted.library, row.wanted.section)
        except Conflict as exc:
            _put_off(core, row, exc, again_in_s=0.0)
            continue
        try:
            _start(core, row)
        except NotFound as exc:
            _drop(core, row, exc)
        except TigerTagError as exc:
            _put_off(core, row, exc, again_in_s=_AGAIN_S)


def _know(core: Core, wanted: Wanted) -> None:
    """Raises `NotFound` for a library or an engine that the settings of this process lack."""
    core.library_entry(wanted.library)
    for engine in wanted.engines:
        core.engine(engine)


def _leave(core: Core, row: ScanRequestRow, exc: NotFound) -> None:
    """Leave a request to processes with other settings, and drop it where none has looked at it.

    What those say of it stands: two that both wrote would do so at each look.
    """
    problem = one_line(str(exc))
    if not row.problem:
        _put_off(core, row, exc, again_in_s=0.0)
    elif row.problem == problem and datetime.now(UTC) - row.created_at > _FORGOTTEN_AFTER:
        _drop(core, row, exc)


def _start(core: Core, row: ScanRequestRow) -> None:
    wanted = row.wanted
    if not wanted.section:
        _split(core, row)
        return
    request = Request(
        wanted.library, wanted.section, wanted.mode, wanted.write, wanted.engines, reason=row.reason
    )

    def take(db: Db) -> None:
        if not scan_requests.take(db, row.id):
            raise Conflict("Another process has started it.")

    scan_id = scans.start(core, request, first=take)
    logger.info("scan %s: started by %s", scan_id, row.reason)


def _split(core: Core, row: ScanRequestRow) -> None:
    """Ask for each section of a library in the place of all: one that is busy holds up no other."""
    wanted = row.wanted
    sections = core.library(wanted.library).sections()
    with core.store.write() as db:
        if scan_requests.take(db, row.id):
            for section in sections:
                each = Wanted(wanted.library, section.id, wanted.mode, wanted.write, wanted.engines)
                scan_requests.want(db, each, reason=row.reason)


def _put_off(core: Core, row: ScanRequestRow, exc: TigerTagError, *, again_in_s: float) -> None:
    problem = one_line(str(exc))
    if problem != row.problem:
        logger.info("the scan of %s waits: %s", row.reason, problem)
    if problem != row.problem or again_in_s:
        with core.store.write() as db:
            scan_requests.put_off(db, row.id, problem, again_in_s=again_in_s)


def _drop(core: Core, row: ScanRequestRow, exc: TigerTagError) -> None:
    """What is not there any more never comes by waiting."""
    message = f"The scan of {row.reason} was dropped: {one_line(str(exc))}"
    with core.store.write() as db:
        if scan_requests.take(db, row.id):
            events.record(db, "error", "scan", message)
