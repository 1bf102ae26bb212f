"""Scans: started, paused, resumed, cancelled, applied and undone, and what is asked before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tigertag.core import Core, EngineEntry
from tigertag.errors import Conflict, NotFound, RequestError
from tigertag.model import Media, Section
from tigertag.scan.context import may_see
from tigertag.scan.runner import Runner
from tigertag.services import scan_status
from tigertag.store import Db, batches, chunks, decisions, engine_state, items, scans, schema
from tigertag.store.scans import NewScan, ScanRow

_RESUME = "resume it"
MODES = ("changed", "new", "force", "decide", "sample", "forecast")
RETRY = "retry"
"""Of what failed and a user wants tried again (`problems.retry`)."""
FORECAST_OF = ("changed", "new", "force")
WRITES = ("preview", "apply")
_FORECAST_HOLDS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """A scan that somebody wants. No section: the only one; no engines: all.

    Mode `new` looks at what was added since the last scan, and lists no more than that where the
    library can tell. A `sample` looks at a hundred photos and asks no paid engine. A `forecast`
    only counts what a scan with the mode `forecast_of` would ask, and what that costs.
    `accept_missing`: known items that are not listed are gone, however many. `reason`: the
    schedule or hook that starts it; what failed is then retried with growing gaps.
    """

    library: str
    section: str | None = None
    mode: str = "changed"
    write: str = "preview"
    engines: tuple[str, ...] = ()
    forecast_of: str = "changed"
    accept_missing: bool = False
    reason: str = ""

    @property
    def engine_ids(self) -> tuple[str, ...]:
        """The engines that it names, as a scan's row has them."""
        return tuple(sorted({name.casefold() for name in self.engines}))


def _section(core: Core, request: Request) -> Section:
    """Return the section that is meant. Raises `NotFound`, `PluginError`, `LibraryError`."""
    return core.section(core.library(request.library), request.section)


def _nothing(_db: Db) -> None:
    pass


def start(core: Core, request: Request, *, first: Callable[[Db], None] = _nothing) -> int:
    """Make a scan; `run` works on it. Raises `Conflict` while another of the section is active.

    `first` is called in the transaction that makes it; what it raises leaves all as it was.
    """
    if request.mode not in (*MODES, RETRY) or request.write not in WRITES:
        modes, writes = ", ".join(MODES), ", ".join(WRITES)
        raise RequestError(f"A scan's mode is one of {modes}, its write one of {writes}.")
    if request.forecast_of not in FORECAST_OF:
        raise RequestError(f"A forecast is made of one of {', '.join(FORECAST_OF)}.")
    if request.mode == "sample" and request.accept_missing:
        raise RequestError("A sample lists nothing, so it cannot find that items are gone.")
    section = _section(core, request)
    engines = core.usable_engines(request.engines)
    if request.mode == "sample":
        engines = _free(request, engines)
    if not engines and request.mode != "decide":
        raise Conflict(_why_none(core))
    blind = [entry.id for entry in engines if not may_see(entry, section)]
    if blind and (request.engines or len(blind) == len(engines)):
        raise Conflict(f"Engine {blind[0]} is not allowed for section {section.id} (its SECTIONS).")
    with core.store.write() as db:
        first(db)
        section_id = scans.ensure_section(db, section)
        _refuse_if_active(db, section_id)
        if request.mode == "sample" and not items.has_any(db, section_id, Media.PHOTO):
            raise Conflict(
                f"No photo of {section.called} is known yet, so there is no sample of it: start a"
                " preview, which lists them. Nothing is written by either."
            )
        is_named = request.engines or request.mode == "sample"
        named = tuple(sorted(entry.id for entry in engines)) if is_named else ()
        if request.mode == "forecast":
            new = NewScan(section_id, mode=request.forecast_of, engines=named, forecast=True)
        else:
            new = NewScan(section_id, "scan", request.mode, request.write, named)
        accepts = request.accept_missing
        return scans.create(db, replace(new, accept_missing=accepts, reason=request.reason))


def _free(request: Request, engines: list[EngineEntry]) -> list[EngineEntry]:
    """Return the engines that a sample asks. Raises `RequestError` where it would cost or write."""
    if request.write != "preview":
        raise RequestError("A sample is a preview; apply it once you have seen it.")
    paid = [entry.id for entry in engines if entry.paid]
    if paid and request.engines:
        raise RequestError(f"Engine {paid[0]} costs money or quota; a sample asks free ones only.")
    return [entry for entry in engines if not entry.paid]


def _why_none(core: Core) -> str:
    problems = [f"{entry.id}: {entry.problem}" for entry in core.engines]
    return " ".join(["No engine can be used.", *problems])


def refuse_if_busy(core: Core, library: str, section: str) -> None:
    """Raise `Conflict` while a section (its id or title) is scanned; asks no library."""
    with core.store.read() as db:
        for section_id in scans.sections_called(db, library, section):
            active = scans.active(db, section_id)
            if active is None or not scans.is_late(db, active):
                _refuse(db, section_id, active)


def _refuse_if_active(db: Db, section_id: int) -> None:
    scans.rest(db, section_id)
    _refuse(db, section_id, scans.active(db, section_id))


def _refuse(db: Db, section_id: int, active: ScanRow | None) -> None:
    if active is not None:
        raise Conflict(
            f"Scan {active.id} of {active.section.called} is {active.state}:"
            f" {_RESUME if active.state == 'paused' else 'wait for it'}, or cancel it."
        )
    left_s = chunks.section_lease_left_s(db, section_id)
    if left_s > 0:
        raise Conflict(
            "The last scan of this section is still ending; try again in"
            f" {max(1, round(left_s))} s."
        )


def unfinished(core: Core, request: Request) -> int | None:
    """Return the scan that was started by the same request and can go on now, if there is one.

    One that waits for a later time is left alone: there may be new items.
    """
    section = _section(core, request)
    with core.store.read() as db:
        section_id = scans.find_section(db, section.library, section.id)
        rows = _able_to_go_on(db, section_id) if section_id else []
    engines, accepts = request.engine_ids, request.accept_missing
    wanted = ("scan", False, request.mode, request.write, engines, accepts)
    for row in rows:
        has = (row.kind, row.is_forecast, row.mode, row.write, row.engines, row.accept_missing)
        if has == wanted:
            return row.id
    return None


def _able_to_go_on(db: Db, section_id: int) -> list[ScanRow]:
    """The section's active scan; without one, those that wait and of which something is due."""
    active = scans.active(db, section_id)
    if active is not None and not scans.is_late(db, active):
        return [active]
    return [row for row in scans.waiting(db, section_id) if not scans.is_late(db, row)]


def lease_left_s(core: Core, scan_id: int) -> float:
    """How long the last lease of whoever works on the scan still runs; 0: nobody does."""
    with core.store.read() as db:
        return chunks.lease_left_s(db, scan_id)


def is_due(core: Core, scan_id: int) -> bool:
    """Whether something of a scan can be done now."""
    with core.store.read() as db:
        return not scans.is_late(db, scans.get(db, scan_id))


def run(core: Core, scan_id: int) -> Runner:
    """Return who works on the scan; call its `run`."""
    return Runner(core, scan_id)


def pause(core: Core, scan_id: int) -> None:
    _move(core, scan_id, to="paused", among=("queued", "running", "waiting"))


def resume(core: Core, scan_id: int) -> None:
    """Make a paused scan go on, and look now whether what it waits for has come.

    One that waits does so as soon as its section is free.
    """
    with core.store.read() as db:
        waits = scans.get(db, scan_id).state == "waiting"
    if not waits:
        _move(core, scan_id, to="running", among=("queued", "running", "paused"))
    with core.store.write() as db:
        awaited = {one.engine for one in batches.outstanding(db, scan_id)}
        for engine in awaited | decisions.counts(db, scan_id).postponed.keys():
            engine_state.lift_stop(db, engine)
        chunks.make_due(db, scan_id)


def cancel(core: Core, scan_id: int) -> None:
    """End a scan; what it committed is kept. Its batches are ended next (`batch_cleanup`)."""
    _move(core, scan_id, to="cancelled", among=schema.UNENDED)
    with core.store.write() as db:
        chunks.make_due(db, scan_id)


def finish_without(core: Core, scan_id: int, engine: str) -> None:
    """Let a scan wait no more for an engine: it ends with what the others say.

    What the engine was not asked stays to be asked by the next scan. Raises `NotFound`, `Conflict`.
    """
    core.engine(engine)
    with core.store.write() as db:
        scan = scans.hold(db, scan_id)
        if not scan.active:
            raise Conflict(f"Scan {scan_id} is {scan.state}; it is not waiting.")
        if any(one.engine == engine for one in batches.outstanding(db, scan_id)):
            raise Conflict(
                f"Scan {scan_id} has sent a batch to {engine}, which is paid for. Wait for it, or"
                " cancel the scan: answers so far are kept."
            )
        scans.leave_out(db, scan, engine)
        chunks.make_due(db, scan_id)


def _move(core: Core, scan_id: int, *, to: str, among: tuple[str, ...]) -> None:
    with core.store.write() as db:
        scan = scans.get(db, scan_id)
        if not scans.move(db, scan_id, to=to, among=among):
            raise Conflict(f"Scan {scan_id} is {scan.state}; it cannot become {to}.")


def apply(core: Core, scan_id: int) -> int:
    """Make a scan that writes what another decided. Raises `NotFound`, `Conflict`."""
    with core.store.write() as db:
        source = scans.hold(db, scan_id)
        if source.kind == "apply" and source.source_id is not None:
            # What it applied is applied again: no more than that was ever shown.
            source = scans.hold(db, source.source_id)
        _refuse_if_pruned(source)
        if source.is_forecast:
            raise Conflict(f"Scan {scan_id} is a forecast: it decided nothing. Start a scan.")
        if source.kind not in ("scan", "apply") or source.state not in ("done", "waiting"):
            raise Conflict(
                f"Scan {scan_id} ({source.kind}, {source.state}) cannot be applied;"
                " only a finished scan can, or one that waits."
            )
        _refuse_if_active(db, source.section_id)
        return scans.create(
            db, NewScan(source.section_id, "apply", write="apply", source_id=source.id)
        )


def undo(core: Core, scan_id: int) -> int:
    """Make a scan that takes back what still stands of another; undoing an undo is redo."""
    with core.store.write() as db:
        source = scans.hold(db, scan_id)
        _refuse_if_pruned(source)
        if source.active:
            raise Conflict(f"Scan {scan_id} is {source.state}; cancel it before you undo it.")
        if source.write != "apply":
            raise Conflict(f"Scan {scan_id} is a preview: it wrote nothing, nothing can be undone.")
        _refuse_if_active(db, source.section_id)
        kind = "redo" if source.kind == "undo" else "undo"
        return scans.create(db, NewScan(source.section_id, kind, write="apply", source_id=scan_id))


def _refuse_if_pruned(source: ScanRow) -> None:
    if source.pruned:
        raise Conflict(
            f"The details of scan {source.id} were pruned: it ended longer ago than KEEP_DAYS, so"
            " it can be neither applied nor undone. The tags that it wrote stand as they are."
        )


def paid_engines(core: Core, request: Request) -> list[EngineEntry]:
    """Return the engines that it would ask and that cost money, or take from a quota.

    Raises `NotFound`, `PluginError`, `LibraryError`, `RequestError`.
    """
    if request.mode not in FORECAST_OF:
        return []
    paid = [entry for entry in core.usable_engines(request.engines) if entry.paid]
    if not paid:
        return []
    section = _section(core, request)
    return [entry for entry in paid if may_see(entry, section)]


def forecast(core: Core, request: Request) -> int:
    """Make a scan that only counts what the request would ask. Raises `Conflict`."""
    wanted = replace(request, mode="forecast", write="preview", forecast_of=request.mode)
    return start(core, wanted)


def forecast_under_way(core: Core, request: Request) -> int | None:
    """Return the forecast of the request that is queued or running, if there is one."""
    rows = [status.scan for status in scan_status.active(core)]
    return next((row.id for row in rows if _is_of(core, row, request)), None)


def is_forecast_shown(core: Core, request: Request, forecast_id: int) -> bool:
    """Whether there is this forecast, it is of the request, has ended, and is young enough.

    It holds for an hour: then there may be more items, and less of the budget.
    """
    try:
        row = scan_status.status(core, forecast_id).scan
    except NotFound:
        return False
    return row.state == "done" and forecast_holds(row) and _is_of(core, row, request)


def forecast_holds(forecast: ScanRow) -> bool:
    """Whether a forecast that has ended is young enough."""
    ended = forecast.finished_at
    return ended is not None and datetime.now(UTC) - ended < _FORECAST_HOLDS


def _is_of(core: Core, row: ScanRow, request: Request) -> bool:
    section = _section(core, request)
    wanted = (section.path, request.mode, request.engine_ids)
    return row.is_forecast and (row.section.path, row.mode, row.engines) == wanted
