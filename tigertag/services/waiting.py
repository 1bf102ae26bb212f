"""What a scan waits for by itself, and what a cascade has saved, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tigertag.core import Core
from tigertag.scan import forecasts
from tigertag.scan.availability import LONG_WAIT
from tigertag.store import batches, chunks, engine_state
from tigertag.store.batches import Outstanding
from tigertag.store.decisions import Counts
from tigertag.store.engine_state import StopRow
from tigertag.store.scans import ScanRow
from tigertag.text import count

_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Saving:
    """Items that an engine was spared, and what asking about them would have cost, about."""

    items: int
    cost_usd: float | None


def lines_of(core: Core, scan: ScanRow, counts: Counts) -> tuple[dict[str, str], datetime | None]:
    """Return a line for each engine that is waited for, and when the scan goes on.

    A batch comes when it comes: then there is no such time. A scan that has ended may have left a
    batch behind; a later one of its section tells of it, too.
    """
    with core.store.read() as db:
        behind = batches.of_ended_scans(db, scan.section_id)
        outstanding = batches.outstanding(db, scan.id) if scan.active else []
        due = chunks.due_at(db, scan.id) if scan.active else None
        stopped = engine_state.stops(db) if scan.active else {}
    lines = {one.engine: _batch_line(core, one) for one in outstanding}
    for engine, scan_id, items in behind:
        if scan_id <= scan.id:
            lines.setdefault(engine, _behind_line(engine, scan_id, items))
    if not scan.active:
        return lines, None
    for engine, items in counts.postponed.items():
        said = f"{count(items, 'item')} waiting: {counts.waiting.get(engine, '')}"
        lines[engine] = f"{said}{_until(core, stopped.get(engine))}"
    if outstanding or not lines or due is None or due >= chunks.FAR:
        return lines, None
    at = datetime.fromtimestamp(due, UTC)
    return lines, at if at > datetime.now(UTC) + _SOON else None


def _until(core: Core, stop: StopRow | None) -> str:
    """Until when, where that is so far away that people will not wait for it."""
    if stop is None or stop.until is None or stop.until - datetime.now(UTC) < LONG_WAIT:
        return ""
    until = stop.until.astimezone(core.timezone)
    return f" (until {until:%-d %B %Y, %H:%M})"


def _batch_line(core: Core, one: Outstanding) -> str:
    answered = f"{one.answered:,} of {one.lines:,} answered".replace(",", " ")
    if one.submitted_at is None:
        state = "they are being gathered and sent"
    else:
        since = one.submitted_at.astimezone(core.timezone)
        state = f"sent {since:%-d %B %H:%M}; it may take up to 24 hours"
    trouble = f" {one.reason}" if one.reason else ""
    return f"waiting for {one.engine}, {answered}: {state}.{trouble}"


def _behind_line(engine: str, scan_id: int, items: int) -> str:
    return (
        f"{count(items, 'item')} of scan {scan_id}, which has ended, may still be answered by"
        f" {engine}'s batch; the service collects that, or `tigertag cancel {scan_id}` does."
    )


def savings_of(core: Core, counts: Counts) -> Mapping[str, Saving]:
    return {
        engine: Saving(items, forecasts.cost_of_items(core, engine, items))
        for engine, items in counts.spared.items()
    }
