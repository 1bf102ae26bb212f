"""The part of Setup about notices: channels, what was sent to them last, and a test of each."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import channels
from tigertag.services.channels import ChannelTest
from tigertag.web import state
from tigertag.web.dashboard import request

pages = Blueprint("notices", __name__)


@pages.post("/setup/notices/test")
def test() -> ResponseReturnValue:
    """Send a test to a channel, or to all. Raises `NotFound`, `Conflict`."""
    results = channels.try_out(state.core(), request.text("channel"))
    if request.by_htmx():
        return render_template("_notices.html", **context(results))
    return redirect(url_for("dashboard.setup.setup", _anchor="notices"), 303)


def context(tested: Sequence[ChannelTest] = ()) -> dict[str, object]:
    """Return what `_notices.html` shows; `tested`: how a test just went."""
    return {
        "notices": channels.overview(state.core()),
        "tested": {result.channel: result for result in tested},
    }
