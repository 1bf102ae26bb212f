"""The events of a scan that ends: how it ended, with its counts, and what it wrote."""

from typing import Any

from sqlalchemy import func, select

from tigertag.store import decisions, events, schema
from tigertag.store.database import Db
from tigertag.store.decisions import Counts
from tigertag.text import count

_scans = schema.scans
_sections = schema.sections
_edits = schema.edits


_OF_SCANS = {"preview": "preview", "apply": "scan & tag"}


def record_end(db: Db, scan_id: int) -> None:
    """Record that a scan has ended, in the transaction in which it did."""
    columns = [_scans.c[name] for name in ("id", "kind", "write", "state", "error", "forecast")]
    of_section = (_scans.c.reason, _sections.c.library, _sections.c.key, _sections.c.title)
    statement = select(*columns, *of_section).join(_sections).where(_scans.c.id == scan_id)
    scan: Any = db.execute(statement).one()
    if scan.forecast and scan.state != "failed":
        return
    counts = decisions.counts(db, scan_id)
    events.record(db, _level(scan, counts), "scan", _line(scan, counts), scan_id=scan_id)
    if scan.write == "apply":
        _record_writes(db, scan, counts)


def _level(scan: Any, counts: Counts) -> str:
    if scan.state == "failed":
        return "error"
    return "warning" if counts.failed else "info"


def _line(scan: Any, counts: Counts) -> str:
    """ "Scan 3 (preview of photos · Holiday) is done: 12 items, 1 failed, 4 tags to add"."""
    kind = scan.kind
    if kind == "scan":
        kind = "forecast" if scan.forecast else _OF_SCANS[scan.write]
    by_itself = f", started by {scan.reason}" if scan.reason else ""
    name = f"Scan {scan.id} ({kind} of {_place(scan)}{by_itself})"
    if scan.state == "failed":
        return f"{name} failed: {scan.error}"
    parts = [count(counts.done + counts.failed, "item")]
    parts += [f"{counts.failed} failed"] if counts.failed else []
    if scan.write == "preview":
        parts += [f"{count(counts.adds, 'tag')} to add"] if counts.adds else []
        parts += [f"{count(counts.removes, 'tag')} to remove"] if counts.removes else []
    ended = "is done" if scan.state == "done" else "was cancelled"
    return f"{name} {ended}: {', '.join(parts)}."


def _place(scan: Any) -> str:
    return f"{scan.library} · {scan.title or scan.key}"


def _record_writes(db: Db, scan: Any, counts: Counts) -> None:
    """Record how many edits of a scan were verified, and how many not."""
    statement = select(_edits.c.state, func.count().label("number")).where(
        _edits.c.scan_id == scan.id
    )
    rows = db.execute(statement.group_by(_edits.c.state))
    edits = {row.state: row.number for row in rows}
    if not edits:
        return
    failed, open_ = edits.get("failed", 0), edits.get("planned", 0) + edits.get("sent", 0)
    parts = [f"{count(edits.get('verified', 0), 'edit')} verified"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{open_} not verified yet"] if open_ else []
    tags = f"{count(counts.adds, 'tag')} added, {counts.removes} removed"
    message = f"Scan {scan.id} wrote to {_place(scan)}: {', '.join(parts)}; {tags}."
    level = "warning" if failed or open_ else "info"
    events.record(db, level, "write", message, scan_id=scan.id)
