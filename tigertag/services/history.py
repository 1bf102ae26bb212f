"""History is kept for so many days: what is older goes, a little at a time."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tigertag.core import Core
from tigertag.errors import Conflict, RequestError
from tigertag.scan import summary
from tigertag.sequences import batched
from tigertag.services import scan_status
from tigertag.store import history, scans, space
from tigertag.store.history import Old, OldRows
from tigertag.store.scans import ScanRow
from tigertag.store.space import Space

__all__ = ["OldRows", "Pruned", "Space", "prune", "prune_by_itself", "rewrite", "to_prune", "used"]

logger = logging.getLogger(__name__)

_SCANS_AT_ONCE = 50
_ROWS_AT_ONCE = 500
_ITEMS_AT_ONCE = 50
_PAUSE_S = 0.02
"""Between two transactions: who waits for the lock gets it."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much went: details of scans, old edits, calls of the egress log, events, bytes."""

    scans: int
    edits: int
    calls: int
    events: int
    bytes_given_back: int

    def __bool__(self) -> bool:
        return any((self.scans, self.edits, self.calls, self.events, self.bytes_given_back))


def prune_by_itself(core: Core) -> None:
    """Prune what is older than KEEP_DAYS, unless that is 0."""
    if core.keep_days:
        pruned = prune(core, days=core.keep_days)
        if pruned:
            logger.info("pruned: %s", pruned)


def to_prune(core: Core, *, days: int, now: datetime | None = None) -> OldRows:
    """Count what `prune` would take. Raises `RequestError`."""
    with core.store.read() as db:
        return history.count(db, _old(days, now))


def prune(core: Core, *, days: int, now: datetime | None = None) -> Pruned:
    """Drop what is older than so many days. Short transactions: scans and pages go on meanwhile.

    It may be stopped at any time, and run by several at once. Raises `RequestError`.
    """
    old = _old(days, now)
    ended = _prune_scans(core, old)
    rows = {kind: _drop(core, kind, old) for kind in history.ROWS}
    edits = _fold_edits(core)
    _drop_bare_scans(core)
    given_back = 0
    while some := space.give_back(core.store):
        given_back += some
        time.sleep(_PAUSE_S)
    core.cache.forget("tally")
    return Pruned(ended, edits, rows["calls"], rows["events"], given_back)


def _old(days: int, now: datetime | None) -> Old:
    if days < 1:
        raise RequestError("History is kept for a day at least; with KEEP_DAYS=0, for ever.")
    today = now or datetime.now(UTC)
    return Old(today - timedelta(days=days), today)


def _prune_scans(core: Core, old: Old) -> int:
    """Sources go after what was made from them; so it looks until it finds none."""
    pruned = 0
    while True:
        with core.store.read() as db:
            ids = history.old_scans(db, old, limit=_SCANS_AT_ONCE)
            rows = [scans.get(db, scan_id) for scan_id in ids]
        for row in rows:
            # Its counts are kept; they cannot be made once its details are gone.
            summary.tally(core, row)
        with core.store.write() as db:
            some = history.prune_scans(db, old, ids)
        if not some:
            return pruned
        pruned += some
        time.sleep(_PAUSE_S)


def _drop(core: Core, kind: str, old: Old) -> int:
    dropped, after = 0, 0
    while True:
        with core.store.read() as db:
            ids = history.old_rows(db, kind, old, after=after, limit=_ROWS_AT_ONCE)
        if not ids:
            return dropped
        with core.store.write() as db:
            dropped += history.drop_rows(db, kind, old, ids)
        after = ids[-1]
        time.sleep(_PAUSE_S)


def _fold_edits(core: Core) -> int:
    folded, after = 0, 0
    while True:
        with core.store.read() as db:
            ids = history.items_with_old_edits(db, after=after, limit=_ITEMS_AT_ONCE)
        if not ids:
            return folded
        with core.store.write() as db:
            folded += history.fold_edits(db, ids)
        after = ids[-1]
        time.sleep(_PAUSE_S)


def _drop_bare_scans(core: Core) -> None:
    """Drop the rows of scans that wrote nothing; of one that did, it says when and how much."""
    with core.store.read() as db:
        bare = [scans.get(db, scan_id) for scan_id in history.bare_scans(db)]
    for some in batched([scan.id for scan in bare if not _wrote(core, scan)], _ROWS_AT_ONCE):
        with core.store.write() as db:
            history.drop_scans(db, some)
        time.sleep(_PAUSE_S)


def _wrote(core: Core, scan: ScanRow) -> bool:
    counts, _failures = summary.tally(core, scan)
    return scan.write == "apply" and bool(counts.changed)


def used(core: Core) -> Space | None:
    """Return the size of an SQLite file, and what of it is free; None for a server's database."""
    return space.of(core.store)


def rewrite(core: Core) -> tuple[int, int] | None:
    """Rewrite an SQLite file; return its size before and after, None for a server's database.

    Nobody can write meanwhile. Raises `Conflict` while a scan runs, `StoreError`.
    """
    running = [one.scan.id for one in scan_status.active(core) if one.scan.state == "running"]
    if running:
        raise Conflict(
            f"Scan {running[0]} is running, and could not write meanwhile; wait for its end, or"
            " pause it. Nothing was changed."
        )
    return space.rewrite(core.store)
