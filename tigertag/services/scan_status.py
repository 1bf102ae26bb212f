"""How far scans have come, what they wait for, and what they decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tigertag.contracts import LeftOut, VerifyingLater
from tigertag.core import Core
from tigertag.scan import forecasts, summary
from tigertag.scan.availability import LONG_WAIT
from tigertag.scan.forecasts import Forecast
from tigertag.services import problems, workers
from tigertag.services.views import Page, cursor_number, cut_page
from tigertag.store import batches, chunks, decisions, engine_state, items, ledger, scans
from tigertag.store.batches import OpenRequests
from tigertag.store.decisions import Counts, Decision
from tigertag.store.engine_state import StopRow
from tigertag.store.items import ItemRow
from tigertag.store.scans import ScanRow
from tigertag.text import count

WORKER = "worker"
"""Among what a scan waits for: somebody who can work on it."""
_SOON = timedelta(seconds=1)
_LATE_STORED = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Saving:
    """Items that an engine was spared, and what asking about them would have cost, about."""

    items: int
    cost_usd: float | None


def waits_of(core: Core, scan: ScanRow, counts: Counts) -> tuple[dict[str, str], datetime | None]:
    """Return a line for each engine that is waited for, or a worker, and when the scan goes on.

    A batch comes when it comes: then there is no such time. A scan that has ended may have left a
    batch behind; a later one of its section tells of it, too.
    """
    with core.store.read() as db:
        behind = batches.of_ended_scans(db, scan.section_id)
        outstanding = batches.outstanding(db, scan.id) if scan.active else []
        due = chunks.due_at(db, scan.id) if scan.active else None
        stopped = engine_state.stops(db) if scan.active else {}
        to_verify = ledger.to_verify(db, scan.id) if _is_verified_later(core, scan) else (0, None)
    lines = {one.engine: _batch_line(core, one) for one in outstanding}
    for engine, scan_id, number in behind:
        if scan_id <= scan.id:
            lines.setdefault(engine, _behind_line(engine, scan_id, number))
    if not scan.active:
        return lines, None
    lines |= _verifying_line(scan, *to_verify)
    for engine, number in counts.postponed.items():
        reason = f"{counts.waiting.get(engine, '')}{_until(core, stopped.get(engine))}"
        lines[engine] = f"{count(number, 'item')} waiting: {reason}"
    if scan.state == "running" and (nobody := workers.why_nobody(core, scan.id)):
        lines[WORKER] = nobody
    if outstanding or not lines or due is None or due >= chunks.FAR:
        return lines, None
    at = datetime.fromtimestamp(due, UTC)
    return lines, at if at > datetime.now(UTC) + _SOON else None


def _is_verified_later(core: Core, scan: ScanRow) -> bool:
    """Whether edits of a scan may be open: of other libraries this is not worth counting."""
    if not scan.active or scan.write != "apply":
        return False
    library = scan.section.library
    return any(
        each.id == library and isinstance(each.library, VerifyingLater) for each in core.libraries
    )


def _verifying_line(scan: ScanRow, number: int, oldest: datetime | None) -> dict[str, str]:
    """Tell of tags that the library has accepted and not stored yet, if that takes long."""
    if oldest is None or datetime.now(UTC) - oldest < _LATE_STORED:
        return {}
    library = scan.section.library
    line = (
        f"storing the tags of {count(number, 'item')}; they count as written once TigerTag has"
        " read them back"
    )
    return {library: line}


def _until(core: Core, stop: StopRow | None) -> str:
    """Until when, where that is so far away that people will not wait for it."""
    if stop is None or stop.until is None or stop.until - datetime.now(UTC) < LONG_WAIT:
        return ""
    until = stop.until.astimezone(core.timezone)
    return f" (until {until:%-d %B %Y, %H:%M})"


def _batch_line(core: Core, one: OpenRequests) -> str:
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
        engine: Saving(number, forecasts.cost_of_items(core, engine, number))
        for engine, number in counts.spared.items()
    }


@dataclass(frozen=True, slots=True)
class Status:
    """How far a scan has come. `changed`: items with adds or removes.

    `eta_s` is None while that cannot be told. `waiting`: engines that could not go on, and why;
    `waits`: what this scan waits for by itself, a line an engine, and `due_at` when it goes on;
    `spared`: how many items an engine was not asked about, since others were sure. `forecast`: what
    a forecast has counted, None for a scan that is none. `left_alone`: how many items were left as
    they are, since they bear a tag of SKIP_TAGS. `problems`: how many items of the section have
    problems now, whichever scan met them. `left_out`: what the listing left out.
    """

    scan: ScanRow
    todo: int
    done: int
    failed: int
    adds: int
    removes: int
    changed: int
    asked: int
    waiting: Mapping[str, str]
    items_per_s: float
    eta_s: float | None
    failures: tuple[tuple[str, str], ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    due_at: datetime | None = None
    spared: Mapping[str, Saving] = field(default_factory=dict)
    forecast: Forecast | None = None
    left_alone: int = 0
    problems: int = 0
    left_out: tuple[LeftOut, ...] = ()

    @property
    def total(self) -> int:
        return self.todo + self.done + self.failed


def status(core: Core, scan_id: int) -> Status:
    """Return how far a scan has come. Raises `NotFound`."""
    with core.store.read() as db:
        scan = scans.get(db, scan_id)
    return _status(core, scan)


def _status(core: Core, scan: ScanRow) -> Status:
    counts, failures = summary.tally(core, scan)
    waits, due_at = waits_of(core, scan, counts)
    pace = _pace(scan, counts.done + counts.failed)
    left_s = counts.todo / pace if pace and scan.state == "running" and not waits else None
    return Status(
        scan,
        counts.todo,
        counts.done,
        counts.failed,
        counts.adds,
        counts.removes,
        counts.changed,
        counts.asked,
        counts.waiting,
        pace,
        0.0 if scan.state == "done" else left_s,
        failures,
        waits,
        due_at,
        savings_of(core, counts),
        forecasts.of_scan(core, scan),
        counts.left_alone,
        problems.of_section(core, scan.section_id),
        summary.unpack_left_out(scan.left_out),
    )


def _pace(scan: ScanRow, ended: int) -> float:
    """Items a second since the scan was last taken up."""
    if scan.resumed_at is None:
        return 0.0
    until = scan.finished_at or datetime.now(UTC)
    elapsed_s = (until - scan.resumed_at).total_seconds()
    return (ended - scan.resumed_from) / elapsed_s if elapsed_s > 0 else 0.0


def listed(core: Core, *, cursor: str | None = None, limit: int = 20) -> Page[Status]:
    """Return scans, the newest first. Raises `RequestError` for a cursor that is none."""
    before = cursor_number(cursor)
    with core.store.read() as db:
        rows = scans.page(db, before=before, limit=limit + 1)
    page = cut_page(rows, limit, after=lambda row: row.id)
    return Page(tuple(_status(core, row) for row in page.items), page.next)


def made_from(core: Core, scan_id: int) -> list[Status]:
    """Return the scans that apply or undo this one, the newest first."""
    with core.store.read() as db:
        rows = scans.made_from(db, scan_id)
    return [_status(core, row) for row in rows]


def stands(core: Core, written: Status) -> bool:
    """Whether a scan has written all that it was to write, and that was not undone since."""
    if written.scan.state != "done" or written.failed:
        return False
    later = (one for one in made_from(core, written.scan.id) if one.scan.kind in ("undo", "redo"))
    return not any(stands(core, one) for one in later)


def active(core: Core) -> list[Status]:
    """Return the scans that have not ended, the oldest first."""
    with core.store.read() as db:
        rows = scans.every_active(db)
    return [_status(core, row) for row in rows]


def first_write(core: Core, library: str, section: str) -> bool:
    """Whether TigerTag has never written to the section (named by its ids)."""
    with core.store.read() as db:
        section_id = scans.find_section(db, library, section)
        return not section_id or not scans.canary_passed(db, section_id)


def decided(core: Core, scan_id: int) -> Iterator[tuple[ItemRow, Decision]]:
    """Yield each item that a scan looked at, with what it decided: none of one that was pruned.

    Raises `NotFound`.
    """
    with core.store.read() as db:
        if scans.get(db, scan_id).pruned:
            return
    after = 0
    while True:
        with core.store.read() as db:
            rows = decisions.of_scan(db, scan_id, after=after)
            found = items.get(db, [decision.item_id for _id, decision in rows])
        if not rows:
            return
        after = rows[-1][0]
        by_id = {row.id: row for row in found}
        yield from ((by_id[decision.item_id], decision) for _id, decision in rows)
