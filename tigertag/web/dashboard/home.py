"""Home: libraries and their sections, what is under way, and what the user should know."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.services import engines, health, libraries, scans
from tigertag.services.scans import Status
from tigertag.web import state
from tigertag.web.dashboard import asked, places

pages = Blueprint("home", __name__)


@pages.get("/")
def show() -> ResponseReturnValue:
    core = state.core()
    return render_template(
        "home.html",
        libraries=libraries.listed(core),
        engines=engines.listed(core),
        notices=health.notices(core),
        **_scans(core),
    )


@pages.get("/section")
def section() -> ResponseReturnValue:
    """The card of one section, which asks for itself anew while a scan of it is active."""
    core = state.core()
    view = places.found(core, asked.text("library"), asked.text("section"))
    return render_template("_section.html", view=view, **_scans(core))


def _scans(core: Core) -> dict[str, dict[int, Status]]:
    """The scans that are active, and each section's newest."""
    newest = {view.newest_scan for view in places.every(core)} - {None}
    return {
        "active": {status.scan.id: status for status in scans.active(core)},
        "newest": {scan_id: scans.status(core, scan_id) for scan_id in newest if scan_id},
    }
