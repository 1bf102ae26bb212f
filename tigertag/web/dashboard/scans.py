"""Scans: the list of them, and one of them while it runs and after."""

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.services import consent, previews, scans
from tigertag.services.scans import Status
from tigertag.web import state
from tigertag.web.dashboard import asked

pages = Blueprint("scans", __name__)
_GRID = 48


@pages.get("/scans")
def every() -> ResponseReturnValue:
    page = scans.listed(state.core(), cursor=asked.cursor())
    part = asked.by_htmx() and asked.cursor()
    return render_template("_scans.html" if part else "scans.html", page=page)


@pages.get("/scans/<int(max=2147483647):scan_id>")
def show(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    status = scans.status(core, scan_id)
    return render_template(
        "scan.html",
        status=status,
        page=previews.changes(core, scan_id, limit=_GRID),
        may_strike=previews.may_strike(core, scan_id),
        **kin(core, status),
        **leading_on(status),
    )


def leading_on(status: Status) -> dict[str, object]:
    """What the scan is to do of which this is the forecast, and whether it is still to be told."""
    return {"wanted_write": asked.text("write"), "holds": consent.holds(status.scan)}


def kin(core: Core, status: Status) -> dict[str, object]:
    """The scan that this one comes from, those that were made from it, and whether it is written.

    `applied`: the scan that has applied this one, None: none has, `stands`: nothing of it is left
    to be applied.
    """
    source = status.scan.source_id
    made = scans.made_from(core, status.scan.id)
    applied = next((one for one in made if one.scan.kind == "apply"), None)
    return {
        "source": None if source is None else scans.status(core, source),
        "made": made,
        "applied": applied,
        "stands": applied is not None and scans.stands(core, applied),
    }


@pages.get("/scans/<int(max=2147483647):scan_id>/progress")
def progress(scan_id: int) -> ResponseReturnValue:
    """How far the scan is; asked for again and again while it is active."""
    core = state.core()
    return progress_of(core, scans.status(core, scan_id))


def progress_of(core: Core, status: Status) -> ResponseReturnValue:
    """The part of the page that tells it; the grid is asked for again when the scan has ended."""
    page = render_template(
        "_progress.html", status=status, **kin(core, status), **leading_on(status)
    )
    answer = make_response(page)
    if not status.scan.active:
        answer.headers["HX-Trigger-After-Swap"] = "scan-ended"
    return answer


@pages.get("/scans/<int(max=2147483647):scan_id>/changes")
def changes(scan_id: int) -> ResponseReturnValue:
    """The grid, or with a cursor what comes after its part."""
    core = state.core()
    page = previews.changes(core, scan_id, cursor=asked.cursor(), limit=_GRID)
    template = "_changes.html" if asked.cursor() else "_grid.html"
    return render_template(
        template,
        page=page,
        status=scans.status(core, scan_id),
        may_strike=previews.may_strike(core, scan_id),
    )


@pages.get("/scans/<int(max=2147483647):scan_id>/failures")
def failures(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    page = previews.changes(core, scan_id, cursor=asked.cursor(), limit=_GRID, failed=True)
    part = asked.by_htmx() and asked.cursor()
    template = "_failures.html" if part else "failures.html"
    return render_template(template, page=page, status=scans.status(core, scan_id))
