"""Scans are started here. The first write to a section asks once more, with numbers.

What is paid for is not asked before a forecast was shown.
"""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from tigertag.core import Core
from tigertag.services import consent, scans
from tigertag.services.scans import Request, Status
from tigertag.services.views import SectionView
from tigertag.web import state
from tigertag.web.dashboard import asked, places

pages = Blueprint("starting", __name__)


@pages.post("/scans")
def start() -> ResponseReturnValue:
    core = state.core()
    wanted = _wanted()
    if _must_forecast(core, wanted):
        return _forecast(core, wanted)
    if wanted.write == "apply" and _must_ask(core, wanted.library, wanted.section or ""):
        return redirect(_address("confirm", wanted), 303)
    return under_way(scans.start(core, wanted))


def _wanted() -> Request:
    return Request(
        asked.text("library"),
        asked.text("section"),
        asked.text("mode") or "changed",
        asked.text("write") or "preview",
        tuple(name for name in asked.text("engines").split(",") if name),
        accept_missing=asked.text("accept_missing") == "yes",
    )


def _must_forecast(core: Core, wanted: Request) -> bool:
    """Whether it asks what is paid for, and no forecast of it was shown within the hour."""
    shown = asked.text("forecast") and consent.is_shown(core, wanted, asked.number("forecast"))
    return not shown and bool(consent.paid_engines(core, wanted))


def _forecast(core: Core, wanted: Request) -> Response:
    """Count what the scan would ask; the page of that leads on."""
    scan_id = consent.under_way(core, wanted) or consent.forecast(core, wanted)
    return under_way(scan_id, write=wanted.write)


def _must_ask(core: Core, library: str, section: str) -> bool:
    return asked.text("confirmed") != "yes" and scans.first_write(core, library, section)


def _address(page: str, wanted: Request) -> str:
    return url_for(
        f"dashboard.starting.{page}",
        library=wanted.library,
        section=wanted.section,
        mode=wanted.mode,
        engines=",".join(wanted.engines) or None,
        forecast=asked.text("forecast") or None,
        accept_missing="yes" if wanted.accept_missing else None,
    )


def under_way(scan_id: int, *, write: str | None = None) -> Response:
    """Wake who works on scans, and show the scan."""
    state.get().workshop.wake()
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id, write=write), 303)


@pages.get("/scans/confirm")
def confirm() -> ResponseReturnValue:
    """What a first Scan & tag of the section may do, before it is done."""
    core = state.core()
    wanted = _wanted()
    view = places.found(core, wanted.library, wanted.section or "")
    preview = _newest_preview(core, view)
    return render_template("confirm.html", view=view, wanted=wanted, preview=preview)


def _newest_preview(core: Core, view: SectionView) -> Status | None:
    """Return the newest scan of a section if it is a preview that has ended."""
    for status in scans.listed(core).items:
        if status.scan.section.path == view.section.path and not status.scan.is_forecast:
            done = status.scan.is_preview and status.scan.state == "done"
            return status if done else None
    return None


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
