"""Scans are started here. The first write to a section asks once more, with numbers."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from tigertag.services import scans
from tigertag.services.core import Core
from tigertag.services.scans import Request, Status
from tigertag.services.views import SectionView
from tigertag.web import state
from tigertag.web.dashboard import asked, places

pages = Blueprint("starting", __name__)


@pages.post("/scans")
def start() -> ResponseReturnValue:
    core = state.core()
    wanted = _wanted()
    if wanted.write == "apply" and _must_ask(core, wanted.library, wanted.section or ""):
        return redirect(_address("confirm", wanted), 303)
    return under_way(scans.start(core, wanted))


def _wanted() -> Request:
    return Request(
        asked.text("library"),
        asked.text("section"),
        asked.text("mode") or "changed",
        asked.text("write") or "preview",
    )


def _must_ask(core: Core, library: str, section: str) -> bool:
    return asked.text("confirmed") != "yes" and scans.first_write(core, library, section)


def _address(page: str, wanted: Request) -> str:
    return url_for(
        f"dashboard.starting.{page}",
        library=wanted.library,
        section=wanted.section,
        mode=wanted.mode,
    )


def under_way(scan_id: int) -> Response:
    """Wake who works on scans, and show the scan."""
    state.get().workshop.wake()
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)


@pages.get("/scans/confirm")
def confirm() -> ResponseReturnValue:
    """What a first Scan & tag of the section may do, before it is done."""
    core = state.core()
    wanted = _wanted()
    view = places.found(core, wanted.library, wanted.section or "")
    preview = _newest_preview(core, view)
    return render_template("confirm.html", view=view, mode=wanted.mode, preview=preview)


def _newest_preview(core: Core, view: SectionView) -> Status | None:
    if view.newest_scan is None:
        return None
    status = scans.status(core, view.newest_scan)
    previewed = (status.scan.kind, status.scan.write, status.scan.state)
    return status if previewed == ("scan", "preview", "done") else None


@pages.post("/scans/<int(max=2147483647):scan_id>/apply")
def apply(scan_id: int) -> ResponseReturnValue:
    """Write what a scan decided."""
    core = state.core()
    section = scans.status(core, scan_id).scan.section
    if _must_ask(core, section.library, section.id):
        return redirect(url_for("dashboard.starting.confirm_apply", scan_id=scan_id), 303)
    return under_way(scans.apply(core, scan_id))


@pages.get("/scans/<int(max=2147483647):scan_id>/apply")
def confirm_apply(scan_id: int) -> ResponseReturnValue:
    return render_template("confirm_apply.html", status=scans.status(state.core(), scan_id))


@pages.post("/scans/<int(max=2147483647):scan_id>/undo")
def undo(scan_id: int) -> ResponseReturnValue:
    """Take back what still stands of a scan; of an undo: put it back."""
    return under_way(scans.undo(state.core(), scan_id))
