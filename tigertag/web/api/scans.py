"""REST for scans: start, follow, pause, apply and undo them, and list what they change."""

from dataclasses import fields
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tigertag import contracts
from tigertag.services import previews, scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.web import state
from tigertag.web.api.routes import Routes, made, sent
from tigertag.web.api.schemas import (
    Body,
    Flag,
    Id,
    ItemShape,
    NoFields,
    Nothing,
    Paging,
    ScoredTag,
    Shape,
    ShapeList,
    TagName,
    Text,
    from_path,
)

routes = Routes("scans", "Scans of a section: previews, writes, and undo.")

_SCAN = "/scans/<int:scan_id>"
_REFUSED = (400, 404, 409, 413, 415)

Mode = Literal["changed", "new", "force", "decide", "sample", "forecast"]
ForecastOf = Literal["changed", "new", "force"]
Write = Literal["preview", "apply"]


class CountsShape(Shape):
    """Numbers of items, except for adds, removes (tags) and asked (answers of engines)."""

    listed: int = from_path("scan", "listed", description="Listed by the library so far.")
    unchanged: int = from_path("scan", "unchanged", description="Of these, with nothing to do.")
    todo: int
    done: int
    failed: int
    problems: int = Field(
        description="Items of the section that have problems now, from this scan or another."
    )
    adds: int = Field(description="Tags to be added, or added.")
    removes: int = Field(description="Tags to be removed, or removed.")
    changed: int = Field(description="Items with tags to be added or removed.")
    asked: int = Field(description="Answers from engines.")
    left_alone: int = Field(description="Of those done, items skipped for a tag of SKIP_TAGS.")


class Spared(Shape):
    """Items for which an engine was skipped, because another engine was confident."""

    items: int
    cost_usd: float | None = Field(description="Approximate cost saved; null: unknown.")


class LeftOutShape(Shape):
    """Files or folders that a listing skipped for one reason."""

    reason: contracts.LeftOutReason
    count: int
    examples: list[str] = Field(description="Some of them, as paths in the library's folder.")


class EngineForecastShape(Shape):
    """The calls that a scan would make to an engine."""

    engine: str
    items: int = Field(description="Items that it would analyse.")
    calls: int = Field(description="Calls that this takes of its quota.")
    cost_usd: float | None = Field(description="Approximate cost; null: unknown.")
    paid: bool = Field(description="Whether it costs money, or takes from a quota.")
    at_most: bool = Field(description="Whether it may be skipped for some (`WHEN=uncertain`).")
    units_left: int | None = Field(description="Calls left this month; null: no limit.")
    usd_left: float | None = Field(description="Money left this month; null: no limit.")
    enough: bool = Field(description="Whether this month's remaining budget is enough.")


class ForecastShape(Shape):
    """The calls that a scan would make, by engine in the order in which they run."""

    engines: list[EngineForecastShape]
    cost_usd: float = Field(description="The sum of the known costs.")
    paid: bool = Field(description="Whether a paid engine would run.")
    unknown: list[str] = Field(description="Engines whose cost is unknown.")


class ScanShape(Shape):
    """A run over a section. done, failed and cancelled are final."""

    id: int = from_path("scan", "id")
    state: Literal["queued", "running", "paused", "waiting", "done", "failed", "cancelled"] = (
        from_path("scan", "state")
    )
    kind: Literal["scan", "apply", "undo", "redo"] = from_path("scan", "kind")
    mode: Mode | Literal["retry"]
    forecast_of: ForecastOf | None = Field(description="The mode that a forecast counts for.")
    write: Write = from_path("scan", "write")
    library: str = from_path("scan", "section", "library")
    section: str = from_path("scan", "section", "id", description="The section's id.")
    section_title: str = from_path("scan", "section", "title")
    engines: list[str] = from_path("scan", "engines", description="Empty: all.")
    source: int | None = from_path(
        "scan", "source_id", description="The scan that this one applies or undoes."
    )
    started_by: str = from_path(
        "scan", "reason", description="The schedule or hook that started it; empty: a request."
    )
    pruned: bool = from_path(
        "scan",
        "pruned",
        description="Whether its details are too old to be kept (`KEEP_DAYS`): it lists no changes,"
        " and can be neither applied nor undone.",
    )
    counts: CountsShape
    items_per_s: float
    eta_s: float | None = Field(description="Seconds left; null while unknown.")
    error: str = from_path("scan", "error", description="Why it failed; empty if it did not.")
    missing: int = from_path(
        "scan",
        "missing",
        description="Known items that were not listed, if it failed because they are so many;"
        " a scan with `accept_missing` marks them as gone.",
    )
    left_out: list[LeftOutShape] = Field(description="Files that its listing skipped, and why.")
    waiting: dict[str, str] = Field(description="Engines that cannot answer now, and why.")
    waits: dict[str, str] = Field(
        description="What it waits for before it continues, by engine or library; `worker`: why"
        " no worker can go on with it."
    )
    due_at: datetime | None = Field(description="When it continues; null: now, or it has ended.")
    spared: dict[str, Spared] = Field(
        description="Items for which an engine was skipped, by engine."
    )
    forecast: ForecastShape | None = Field(description="The result of a forecast that is done.")
    created_at: datetime = from_path("scan", "created_at")
    started_at: datetime | None = from_path("scan", "started_at")
    finished_at: datetime | None = from_path("scan", "finished_at")

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, status: Status) -> Any:
        """Take the fields of a status, and those that it holds in other terms."""
        scan, eta_s = status.scan, status.eta_s
        derived = {
            "counts": status,
            "mode": "forecast" if scan.is_forecast else scan.mode,
            "forecast_of": scan.mode if scan.is_forecast else None,
            "items_per_s": round(status.items_per_s, 2),
            "eta_s": None if eta_s is None else round(eta_s, 1),
        }
        own = {field.name: getattr(status, field.name) for field in fields(status)}
        return SimpleNamespace(**own | derived)


class ChangeShape(Shape):
    """The changes of a scan to an item. `reason` says why it failed."""

    item: ItemShape = from_path("card")
    state: Literal["todo", "done", "failed"]
    adds: list[ScoredTag]
    removes: list[TagName]
    reason: str
    again: bool = Field(description="Whether it failed and the next scan tries it again.")


class StartScan(Body):
    """A scan to start. It writes nothing unless `write` says so."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"library": "photos", "write": "preview"}}
    )

    library: Text = Field(description="The library's id.")
    section: Text | None = Field(
        default=None, description="Its id or title; may be left out where there is only one."
    )
    engines: list[Text] | None = Field(
        default=None, min_length=1, max_length=50, description="Their ids; left out: all."
    )
    mode: Mode = Field(
        default="changed",
        description="changed: run engines where they have not answered yet; new: only items added"
        " since the last listing of the section; force: re-run all engines; decide: re-apply rules"
        " to stored answers, without running an engine; sample: 100 known photos, spread over the"
        " section, and no paid engine; forecast: only count the calls of a scan,"
        " and their cost.",
    )
    forecast_of: ForecastOf = Field(
        default="changed", description="The mode that a forecast counts for; else ignored."
    )
    write: Write = Field(
        default="preview",
        description="preview: only show what would change; apply: write it. A forecast writes"
        " nothing, and a sample has to be a preview.",
    )
    accept_missing: bool = Field(
        default=False,
        description="true: mark known items that the library no longer lists as gone, however"
        " many. Else a scan that finds none of them, or under a third of more than 20, fails, with"
        " `missing` above 0, and changes nothing.",
    )


class FinishWithout(Body):
    """The engine that a scan shall no longer wait for."""

    engine: Text = Field(description="Its id.")


class ScanPath(BaseModel):
    scan_id: Id = Field(description="The scan's id.")


class ChangesQuery(Paging):
    failed: Flag = Field(default=False, description="true: the items that failed instead.")


@routes.post("/scans", {202: made(ScanShape, "The scan, queued.")}, 404, 409, 413, 415, 400, 502)
def start_scan(body: StartScan, query: Nothing) -> Response:
    """Start a scan: a preview by default."""
    request = scans.Request(**{**body.model_dump(), "engines": tuple(body.engines or ())})
    return _queued(scans.start(state.core(), request))


@routes.get("/scans", ShapeList[ScanShape])
def list_scans(query: Paging) -> Response:
    """List the scans, newest first."""
    return sent(ShapeList[ScanShape], scan_status.listed(state.core(), **query.arguments()))


@routes.get(_SCAN, ScanShape, 404)
def get_scan(path: ScanPath, query: Nothing) -> Response:
    """Return a scan and its progress. Its final states are done, failed and cancelled."""
    return _scan(path.scan_id)


@routes.get(f"{_SCAN}/changes", ShapeList[ChangeShape], 404)
def list_changes(path: ScanPath, query: ChangesQuery) -> Response:
    """List the items that a preview would change, or that a scan has changed."""
    return sent(
        ShapeList[ChangeShape], previews.changes(state.core(), path.scan_id, **query.arguments())
    )


@routes.post(f"{_SCAN}/cancel", {200: ScanShape}, *_REFUSED)
def cancel_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """End a scan. Its results so far are kept."""
    scans.cancel(state.core(), path.scan_id)
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/pause", {200: ScanShape}, *_REFUSED)
def pause_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Pause a scan until it is resumed or cancelled."""
    scans.pause(state.core(), path.scan_id)
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/resume", {200: ScanShape}, *_REFUSED)
def resume_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Resume a paused scan."""
    scans.resume(state.core(), path.scan_id)
    state.get().worker.wake()
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/finish-without", {200: ScanShape}, *_REFUSED)
def finish_scan_without(path: ScanPath, body: FinishWithout, query: Nothing) -> Response:
    """Finish a scan without waiting for an engine. The next scan runs it where it is missing."""
    scans.finish_without(state.core(), path.scan_id, body.engine)
    state.get().worker.wake()
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/apply", {202: made(ScanShape, "The scan that writes, queued.")}, *_REFUSED)
def apply_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Write the tags that a finished scan decided, in a new scan. No engine runs."""
    return _queued(scans.apply(state.core(), path.scan_id))


@routes.post(f"{_SCAN}/undo", {202: made(ScanShape, "The scan that undoes, queued.")}, *_REFUSED)
def undo_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Undo what still stands of a scan, in a new scan. Undoing an undo is redo."""
    return _queued(scans.undo(state.core(), path.scan_id))


def _scan(scan_id: int) -> Response:
    return sent(ScanShape, scan_status.status(state.core(), scan_id))


def _queued(scan_id: int) -> Response:
    """Wake the worker and answer with the new scan."""
    state.get().worker.wake()
    status = scan_status.status(state.core(), scan_id)
    return sent(ScanShape, status, 202, location=url_for(".get_scan", scan_id=scan_id))
