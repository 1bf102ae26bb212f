"""Whether a scan may begin or go on, and letting it: on one machine and on many."""

import time
from collections.abc import Sequence

from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.store import Db, chunks, scans
from tigertag.store.scans import ScanRow

_TAKEN_UP = ("queued", "running", "paused", "waiting")
_MOMENT_S = 0.5


def may_be_taken_up(db: Db, scan: ScanRow) -> bool:
    """Whether a scan may begin or go on: nobody works on it, and its section is free."""
    free = scan.state != "paused" and chunks.lease_left_s(db, scan.id) == 0
    free = free and (scan.state != "waiting" or _has_room(db, scan))
    due_at = chunks.due_at(db, scan.id) or 0.0
    return free and due_at <= time.time()


def _has_room(db: Db, scan: ScanRow) -> bool:
    """Whether a scan that waits may have its section, which another may have by now."""
    other = scans.active(db, scan.section_id)
    if other is None:
        return chunks.section_lease_left_s(db, scan.section_id) == 0
    # One that waits as well, and whose process died before it could say so, gives way.
    due_at = chunks.due_at(db, other.id) or 0.0
    return other.state == "running" and due_at > time.time() + _MOMENT_S


def is_able(core: Core, scan: ScanRow) -> bool:
    """Whether this process knows the scan's library and engines; else it is another's."""
    libraries = {entry.id for entry in core.libraries}
    engines = {entry.id for entry in core.engines}
    return scan.section.library in libraries and set(scan.engines) <= engines


def take_up(core: Core, scan_id: int, *, among: Sequence[str] = _TAKEN_UP) -> int:
    """Make a scan in one of these states run, if its section is free; return the section.

    Raises `Conflict`.
    """
    with core.store.write() as db:
        scan = scans.get(db, scan_id)
        if scan.state == "waiting":
            scans.rest(db, scan.section_id)
            if chunks.section_lease_left_s(db, scan.section_id) > 0:
                raise Conflict(
                    f"The last scan of this section is still ending; scan {scan.id} continues"
                    " after that. Nothing is lost."
                )
        scans.move(db, scan.id, to="running", among=among)
    return scan.section_id
