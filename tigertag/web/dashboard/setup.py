"""Setup: engines and libraries, ready or not, and why not."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tigertag.services import sources
from tigertag.web import state

pages = Blueprint("setup", __name__)


@pages.get("/setup")
def show() -> ResponseReturnValue:
    core = state.core()
    return render_template(
        "setup.html", engines=sources.engines(core), libraries=sources.libraries(core)
    )
