"""POST and GET scans, and what can be done with one."""

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict, Field

from tigertag.services import previews, scans
from tigertag.web import state
from tigertag.web.api.inputs import Body, Flag, Id, NoFields, Nothing, Paging, Text
from tigertag.web.api.routes import Routes, made, sent
from tigertag.web.api.scan_shapes import Change, Changes, ForecastOf, Mode, Scan, Scans, Write

routes = Routes("scans", "Runs over a section: previews, writes, and what takes them back.")

_SCAN = "/scans/<int:scan_id>"
_REFUSED = (400, 404, 409, 413, 415)


class NewScan(Body):
    """A scan that somebody wants. Nothing is written unless `write` says so."""

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
        description="changed: ask engines only what they have not answered; new: look only at what"
        " was added since the section was listed last; force: ask them all again; decide: ask none,"
        " decide anew from stored answers; forecast: only count what a scan would ask, and what"
        " that costs.",
    )
    forecast_of: ForecastOf = Field(
        default="changed", description="The mode that a forecast counts for; else without meaning."
    )
    write: Write = Field(
        default="preview",
        description="preview: only say what would change; apply: write it. A forecast writes"
        " nothing.",
    )
    accept_missing: bool = Field(
        default=False,
        description="true: known items that the library does not list any more are gone, however"
        " many. Else a scan that finds none of them, or under a third of more than 20, fails, with"
        " `missing` above 0, and changes nothing.",
    )


class FinishWithout(Body):
    """The engine that a scan is to wait for no more."""

    engine: Text = Field(description="Its id.")


class ScanPath(BaseModel):
    scan_id: Id = Field(description="The scan's id.")


class ChangesQuery(Paging):
    failed: Flag = Field(default=False, description="true: the items that failed instead.")


@routes.post("/scans", {202: made(Scan, "The scan, queued.")}, 404, 409, 413, 415, 400, 502)
def start_scan(body: NewScan, query: Nothing) -> Response:
    """Start a scan: a preview, if nothing else is said."""
    wanted = scans.Request(
        body.library,
        body.section,
        body.mode,
        body.write,
        tuple(body.engines or ()),
        body.forecast_of,
        body.accept_missing,
    )
    return _queued(scans.start(state.core(), wanted))


@routes.get("/scans", Scans)
def list_scans(query: Paging) -> Response:
    """List the scans, the newest first."""
    page = scans.listed(state.core(), cursor=query.cursor or None, limit=query.limit)
    return sent(Scans(items=[Scan.of(one) for one in page.items], next=page.next))


@routes.get(_SCAN, Scan, 404)
def get_scan(path: ScanPath, query: Nothing) -> Response:
    """Say how far a scan has come. Its final states are done, failed and cancelled."""
    return _scan(path.scan_id)


@routes.get(f"{_SCAN}/changes", Changes, 404)
def list_changes(path: ScanPath, query: ChangesQuery) -> Response:
    """List the items that a preview would change, or that a scan has changed."""
    page = previews.changes(
        state.core(),
        path.scan_id,
        cursor=query.cursor or None,
        limit=query.limit,
        failed=query.failed,
    )
    return sent(Changes(items=[Change.of(one) for one in page.items], next=page.next))


@routes.post(f"{_SCAN}/cancel", {200: Scan}, *_REFUSED)
def cancel_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """End a scan. What it has done so far is kept."""
    scans.cancel(state.core(), path.scan_id)
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/pause", {200: Scan}, *_REFUSED)
def pause_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Let a scan rest, until it is resumed or cancelled."""
    scans.pause(state.core(), path.scan_id)
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/resume", {200: Scan}, *_REFUSED)
def resume_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Let a paused scan go on."""
    scans.resume(state.core(), path.scan_id)
    state.get().workshop.wake()
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/finish-without", {200: Scan}, *_REFUSED)
def finish_scan_without(path: ScanPath, body: FinishWithout, query: Nothing) -> Response:
    """Let a scan wait no more for an engine. The next scan asks it what this one did not."""
    scans.finish_without(state.core(), path.scan_id, body.engine)
    state.get().workshop.wake()
    return _scan(path.scan_id)


@routes.post(f"{_SCAN}/apply", {202: made(Scan, "The scan that writes, queued.")}, *_REFUSED)
def apply_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Write what a finished scan decided, by a new scan. No engine is asked."""
    return _queued(scans.apply(state.core(), path.scan_id))


@routes.post(f"{_SCAN}/undo", {202: made(Scan, "The scan that takes back, queued.")}, *_REFUSED)
def undo_scan(path: ScanPath, body: NoFields, query: Nothing) -> Response:
    """Take back what still stands of a scan, by a new scan. Undoing an undo is redo."""
    return _queued(scans.undo(state.core(), path.scan_id))


def _scan(scan_id: int) -> Response:
    return sent(Scan.of(scans.status(state.core(), scan_id)))


def _queued(scan_id: int) -> Response:
    """Answer that a scan was made; it is worked on beside."""
    state.get().workshop.wake()
    status = scans.status(state.core(), scan_id)
    return sent(Scan.of(status), 202, location=url_for(".get_scan", scan_id=scan_id))
