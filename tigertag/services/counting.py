"""The counts of scans: made once for a scan that has ended, now and then for one at work."""

import json
from dataclasses import asdict
from typing import Any

from tigertag.services.core import Core
from tigertag.store import Db, chunks, decisions, scans
from tigertag.store.decisions import Counts
from tigertag.store.scans import ScanRow

Failures = tuple[tuple[str, str], ...]
_KEEP_S = 0.5


def tally(core: Core, scan: ScanRow) -> tuple[Counts, Failures]:
    """Return a scan's counts, and some of its items that failed, with the reasons."""
    if scan.summary:
        return _unpacked(scan.summary)
    if scan.active:
        return core.memory.recall(("tally", scan.id), lambda: _now(core, scan.id), keep_s=_KEEP_S)
    return _finally(core, scan.id)


def _now(core: Core, scan_id: int) -> tuple[Counts, Failures]:
    with core.store.read() as db:
        return _counted(db, scan_id)


def _finally(core: Core, scan_id: int) -> tuple[Counts, Failures]:
    """Count a scan that has ended, and keep that once nobody works on what was left of it."""
    with core.store.read() as db:
        counts, failures = _counted(db, scan_id)
        over = chunks.lease_left_s(db, scan_id) == 0
    if over:
        with core.store.write() as db:
            summary = json.dumps(asdict(counts) | {"failures": failures})
            scans.summarise(db, scan_id, summary)
    return counts, failures


def forget(db: Db, scan_id: int) -> None:
    """Count a scan anew when it is looked at next: its decisions were changed."""
    scans.summarise(db, scan_id, "")


def _counted(db: Db, scan_id: int) -> tuple[Counts, Failures]:
    counts = decisions.counts(db, scan_id)
    return counts, tuple(decisions.failures(db, scan_id)) if counts.failed else ()


def _unpacked(summary: str) -> tuple[Counts, Failures]:
    values: dict[str, Any] = json.loads(summary)
    failures = tuple((key, reason) for key, reason in values.pop("failures"))
    return Counts(**values), failures
