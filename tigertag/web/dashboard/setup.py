"""Setup: engines and libraries, ready or not, and why not; engines tried, faces enrolled."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import engines, libraries
from tigertag.services.views import Checked
from tigertag.web import state
from tigertag.web.dashboard import asked

pages = Blueprint("setup", __name__)


@pages.get("/setup")
def show() -> ResponseReturnValue:
    return _page()


@pages.post("/setup/check")
def check() -> ResponseReturnValue:
    """Try one engine, or all that are switched on, and say what was found. Raises `NotFound`."""
    engine = asked.text("engine")
    return _page(engines.check(state.core(), [engine] if engine else ()))


def _page(found: Sequence[Checked] = ()) -> ResponseReturnValue:
    core, enrolments = state.core(), state.get().enrolments
    listed = engines.listed(core)
    return render_template(
        "setup.html",
        engines=listed,
        libraries=libraries.listed(core),
        checked={one.engine: one for one in found},
        enrolments={one.id: enrolments.of(one.id) for one in listed if one.knows_faces},
    )


@pages.post("/setup/engines/<engine>/enrol")
def enrol(engine: str) -> ResponseReturnValue:
    """Bring a service that knows faces up to date, beside. Raises `NotFound`, `PluginError`."""
    begun = state.get().enrolments.start(engine)
    if asked.by_htmx():
        return render_template("_enrolment.html", enrolment=begun)
    return redirect(url_for("dashboard.setup.show", _anchor=f"engine-{begun.engine}"), 303)


@pages.get("/setup/engines/<engine>/enrolment")
def enrolment(engine: str) -> ResponseReturnValue:
    """How far it is; asked for again and again while it is under way."""
    return render_template("_enrolment.html", enrolment=state.get().enrolments.of(engine))
