"""The pages of scans: the list, one scan, and the forms that start, move, apply and undo it.

The first write to a section needs a confirmation, and a paid engine needs a forecast that was
shown. Nothing here works on a scan: pages start scans and show what the database says of them.
"""

import json
from collections.abc import Callable

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from tigertag.core import Core
from tigertag.services import libraries, previews, scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.services.views import SectionView
from tigertag.web import state
from tigertag.web.dashboard import request

pages = Blueprint("scans", __name__)
_SCAN = "/scans/<int(max=2147483647):scan_id>"
_GRID = 48
_ACTIONS: dict[str, Callable[[Core, int], None]] = {
    "pause": scans.pause,
    "resume": scans.resume,
    "cancel": scans.cancel,
}


@pages.get("/scans")
def list_scans() -> ResponseReturnValue:
    page = scan_status.listed(state.core(), cursor=request.cursor())
    return request.render_list("scans", page=page)


@pages.get(_SCAN)
def show(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    status = scan_status.status(core, scan_id)
    return render_template(
        "scan.html",
        page=previews.changes(core, scan_id, limit=_GRID),
        may_block=previews.may_block(core, scan_id),
        **_progress(core, status),
    )


def _progress(core: Core, status: Status) -> dict[str, object]:
    """Return what `_progress.html` shows.

    `source`: the scan that this one comes from; `made`: those made from it; `applied`: the one that
    applied it; `stands`: nothing of it is left to be applied. For a forecast: `wanted_write` is
    what the scan that follows shall do, `holds` whether the forecast is still valid.
    """
    source = status.scan.source_id
    made = scan_status.made_from(core, status.scan.id)
    applied = next((other for other in made if other.scan.kind == "apply"), None)
    return {
        "status": status,
        "source": None if source is None else scan_status.status(core, source),
        "made": made,
        "applied": applied,
        "stands": applied is not None and scan_status.stands(core, applied),
        "wanted_write": request.text("write"),
        "holds": scans.forecast_holds(status.scan),
    }


@pages.get(f"{_SCAN}/progress")
def progress(scan_id: int) -> ResponseReturnValue:
    """Render the progress of a scan; the page polls this while it is active."""
    core = state.core()
    status = scan_status.status(core, scan_id)
    response = make_response(render_template("_progress.html", **_progress(core, status)))
    if not status.scan.active:
        # The grid below loads itself again then.
        response.headers["HX-Trigger-After-Swap"] = "scan-ended"
    return response


@pages.get(f"{_SCAN}/changes")
def changes(scan_id: int) -> ResponseReturnValue:
    """Render the grid of changes, or with a cursor its next part."""
    core = state.core()
    return render_template(
        "_changes.html" if request.cursor() else "_grid.html",
        page=previews.changes(core, scan_id, cursor=request.cursor(), limit=_GRID),
        status=scan_status.status(core, scan_id),
        may_block=previews.may_block(core, scan_id),
    )


@pages.get(f"{_SCAN}/failures")
def failures(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    page = previews.changes(core, scan_id, cursor=request.cursor(), limit=_GRID, failed=True)
    return request.render_list("failures", page=page, status=scan_status.status(core, scan_id))


@pages.post("/scans")
def start() -> ResponseReturnValue:
    core = state.core()
    wanted = _wanted()
    if not _saw_forecast(core, wanted) and scans.paid_engines(core, wanted):
        scan_id = scans.forecast_under_way(core, wanted) or scans.forecast(core, wanted)
        return _started(scan_id, write=wanted.write)
    if wanted.write == "apply" and _must_confirm(core, wanted.library, wanted.section or ""):
        return redirect(_confirm_address(wanted), 303)
    return _started(scans.start(core, wanted))


def _wanted() -> Request:
    return Request(
        request.text("library"),
        request.text("section"),
        request.text("mode") or "changed",
        request.text("write") or "preview",
        tuple(name for name in request.text("engines").split(",") if name),
        accept_missing=request.text("accept_missing") == "yes",
    )


def _saw_forecast(core: Core, wanted: Request) -> bool:
    """Whether a forecast of this scan was shown within the hour."""
    forecast = request.text("forecast")
    return bool(forecast) and scans.is_forecast_shown(core, wanted, request.number("forecast"))


def _must_confirm(core: Core, library: str, section: str) -> bool:
    """Whether this is the first write to the section, and was not confirmed."""
    return request.text("confirmed") != "yes" and scan_status.first_write(core, library, section)


def _confirm_address(wanted: Request) -> str:
    return url_for(
        "dashboard.scans.confirm",
        library=wanted.library,
        section=wanted.section,
        mode=wanted.mode,
        engines=",".join(wanted.engines) or None,
        forecast=request.text("forecast") or None,
        accept_missing="yes" if wanted.accept_missing else None,
    )


def _started(scan_id: int, *, write: str | None = None) -> Response:
    """Wake the worker, and show the scan."""
    state.get().worker.wake()
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id, write=write), 303)


@pages.get("/scans/confirm")
def confirm() -> ResponseReturnValue:
    """Show what a first Scan & tag of the section may do, before it starts."""
    core = state.core()
    wanted = _wanted()
    view = request.find_section(wanted.library, wanted.section or "")
    preview = _newest_preview(core, view)
    note = libraries.writing_note(core, wanted.library)
    return render_template("confirm.html", view=view, wanted=wanted, preview=preview, note=note)


def _newest_preview(core: Core, view: SectionView) -> Status | None:
    """Return the newest scan of a section if it is a preview that has ended."""
    for status in scan_status.listed(core).items:
        scan = status.scan
        # A sample or a retry shows too little for a decision on all.
        if (
            scan.section.path == view.section.path
            and not scan.is_forecast
            and scan.mode not in ("sample", scans.RETRY)
        ):
            done = status.scan.is_preview and status.scan.state == "done"
            return status if done else None
    return None


@pages.post(f"{_SCAN}/apply")
def apply(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    section = scan_status.status(core, scan_id).scan.section
    if _must_confirm(core, section.library, section.id):
        return redirect(url_for("dashboard.scans.confirm_apply", scan_id=scan_id), 303)
    return _started(scans.apply(core, scan_id))


@pages.get(f"{_SCAN}/apply")
def confirm_apply(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    status = scan_status.status(core, scan_id)
    note = libraries.writing_note(core, status.scan.section.library)
    return render_template("confirm_apply.html", status=status, note=note)


@pages.post(f"{_SCAN}/undo")
def undo(scan_id: int) -> ResponseReturnValue:
    return _started(scans.undo(state.core(), scan_id))


@pages.post(f"{_SCAN}/<any(pause, resume, cancel):action>")
def move(scan_id: int, action: str) -> ResponseReturnValue:
    _ACTIONS[action](state.core(), scan_id)
    if action == "resume":
        state.get().worker.wake()
    return _moved(scan_id)


@pages.post(f"{_SCAN}/finish-without")
def finish_without(scan_id: int) -> ResponseReturnValue:
    scans.finish_without(state.core(), scan_id, request.text("engine"))
    state.get().worker.wake()
    return _moved(scan_id)


def _moved(scan_id: int) -> ResponseReturnValue:
    if request.by_htmx():
        return progress(scan_id)
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)


@pages.post(f"{_SCAN}/strike")
def strike(scan_id: int) -> ResponseReturnValue:
    """Block a tag for an item, in the section, or everywhere; the preview loses it."""
    core = state.core()
    item_id, word = request.number("item_id"), request.text("word")
    where = request.text("where")
    struck = previews.block(core, scan_id, item_id, word, where=where)
    if not request.by_htmx():
        return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)
    page = render_template(
        "_struck.html",
        **_progress(core, scan_status.status(core, scan_id)),
        item_id=item_id,
        word=word,
        where=where,
        lost=struck.items,
        rule_id=struck.rule_id,
    )
    response = make_response(page)
    event = {"struck": {"word": word.casefold(), "where": where, "item": item_id}}
    response.headers["HX-Trigger"] = json.dumps(event)
    return response


def preview_changed(page: str) -> ResponseReturnValue:
    """Answer htmx with a part of a page, and let a preview that is shown load itself again."""
    response = make_response(page)
    response.headers["HX-Trigger"] = "preview-changed"
    return response
