"""What a scan reports: its counts, its failures, and what its listing left out.

Counts are made once for a scan that has ended, now and then for one at work. What they were made
from, and nobody reads after that, is dropped.
"""

import json
from dataclasses import asdict, replace
from typing import Any

from tigertag.contracts import LeftOut, LeftOutReason, Notes
from tigertag.core import Core
from tigertag.store import Db, chunks, decisions, scans
from tigertag.store.decisions import Counts
from tigertag.store.packing import dumps
from tigertag.store.scans import RecentScan, ScanRow
from tigertag.text import count

Failures = tuple[tuple[str, str], ...]
_KEEP_S = 0.5
_DROPPED_AT_ONCE = 2000
_LEFT_OUT_WORDS = {
    LeftOutReason.EXCLUDED_FOLDER: ("folder", "excluded"),
    LeftOutReason.EXCLUDED_FILE: ("file", "excluded"),
    LeftOutReason.NOMEDIA: ("folder", "excluded by a .nomedia file in it"),
    LeftOutReason.TOO_SMALL: ("file", "smaller than MIN_BYTES"),
    LeftOutReason.RAW: ("file", "in a camera's raw format, which TigerTag does not read"),
    LeftOutReason.JPEG_XL: ("file", "in JPEG XL, which TigerTag does not read"),
    LeftOutReason.OTHER_FORMAT: ("file", "in another format that TigerTag does not read"),
    LeftOutReason.UNREADABLE_FOLDER: ("folder", "unreadable; items known in it are kept"),
    LeftOutReason.UNREADABLE_FILE: ("file", "unreadable"),
    LeftOutReason.LINK: ("link", "to a folder, to nothing or out of the library"),
    LeftOutReason.LONG_PATH: ("item", "with a path of more than 2048 characters"),
    LeftOutReason.NO_FILE: ("item", "without a file on the server"),
}


def tally(core: Core, scan: ScanRow) -> tuple[Counts, Failures]:
    """Return a scan's counts, and some of its items that failed, with the reasons."""
    if scan.summary:
        return _unpacked(scan.summary)
    if scan.active:
        return core.cache.get(("tally", scan.id), lambda: _now(core, scan.id), keep_s=_KEEP_S)
    return _finally(core, scan.id)


def counts_of(core: Core, recent: RecentScan) -> Counts:
    """Return a scan's counts, of which only a part is at hand."""
    if recent.summary:
        return _unpacked(recent.summary)[0]
    with core.store.read() as db:
        scan = scans.get(db, recent.id)
    return tally(core, scan)[0]


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
            scans.summarise(db, scan_id, _packed(counts, failures))
    return counts, failures


def recount(db: Db, scan_id: int) -> None:
    """Count the decisions of a scan that has ended anew: they were changed.

    What it asked has not changed, and cannot be counted any more.
    """
    scan = scans.hold(db, scan_id)
    if scan.summary:
        before, _failures = _unpacked(scan.summary)
        counts, failures = _counted(db, scan_id)
        asked = {
            name: getattr(before, name) for name in ("asked", "waiting", "postponed", "spared")
        }
        scans.summarise(db, scan_id, _packed(replace(counts, **asked), failures))


def drop_work(core: Core, section_id: int) -> None:
    """Let go what nobody reads any more of scans of a section that ended lately."""
    with core.store.read() as db:
        ended = scans.to_let_go(db, section_id)
    for scan in ended:
        tally(core, scan)
        while _drop_some(core, scan.id):
            pass


def _drop_some(core: Core, scan_id: int) -> bool:
    """Drop a part; False when none is left. The listing goes last: without it all is gone."""
    with core.store.write() as db:
        if not scans.hold(db, scan_id).summary:
            return False
        if decisions.drop_answered(db, scan_id, limit=_DROPPED_AT_ONCE):
            return True
        chunks.drop_listing(db, scan_id)
    return False


def _counted(db: Db, scan_id: int) -> tuple[Counts, Failures]:
    counts = decisions.counts(db, scan_id)
    return counts, tuple(decisions.failures(db, scan_id)) if counts.failed else ()


def _packed(counts: Counts, failures: Failures) -> str:
    return json.dumps(asdict(counts) | {"failures": failures})


def _unpacked(summary: str) -> tuple[Counts, Failures]:
    values: dict[str, Any] = json.loads(summary)
    failures = tuple((key, reason) for key, reason in values.pop("failures"))
    return Counts(**values), failures


def pack_left_out(notes: Notes) -> str:
    """Return what was left out as JSON; "" for nothing."""
    return dumps([asdict(left_out) for left_out in notes.left_out]) if notes.left_out else ""


def unpack_left_out(kept: str) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(LeftOutReason(left_out["reason"]), left_out["count"], tuple(left_out["examples"]))
        for left_out in (json.loads(kept) if kept else ())
    )


def left_out_line(left_out: LeftOut) -> str:
    """Say it in a line: "3 folders excluded: a, b, c"."""
    noun, why = _LEFT_OUT_WORDS[left_out.reason]
    more = " …" if left_out.count > len(left_out.examples) else ""
    return f"{count(left_out.count, noun)} {why}: {', '.join(left_out.examples)}{more}"
