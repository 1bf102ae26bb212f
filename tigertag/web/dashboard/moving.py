"""Scans are paused, resumed, cancelled, and finished without an engine."""

from collections.abc import Callable

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.services import scans
from tigertag.web import state
from tigertag.web.dashboard import asked
from tigertag.web.dashboard.scans import progress_of as progress

pages = Blueprint("moving", __name__)
_MOVES: dict[str, Callable[[Core, int], None]] = {
    "pause": scans.pause,
    "resume": scans.resume,
    "cancel": scans.cancel,
}


@pages.post("/scans/<int(max=2147483647):scan_id>/<any(pause, resume, cancel):to>")
def move(scan_id: int, to: str) -> ResponseReturnValue:
    core = state.core()
    _MOVES[to](core, scan_id)
    if to == "resume":
        state.get().workshop.wake()
    if asked.by_htmx():
        return progress(core, scans.status(core, scan_id))
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)


@pages.post("/scans/<int(max=2147483647):scan_id>/finish-without")
def finish_without(scan_id: int) -> ResponseReturnValue:
    core = state.core()
    scans.finish_without(core, scan_id, asked.text("engine"))
    state.get().workshop.wake()
    if asked.by_htmx():
        return progress(core, scans.status(core, scan_id))
    return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)
