"""Departures: every picture that left this machine, and where it went."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tigertag.services import engines, spending
from tigertag.web import state
from tigertag.web.dashboard import asked

pages = Blueprint("departures", __name__)


@pages.get("/departures")
def every() -> ResponseReturnValue:
    core = state.core()
    engine = asked.text("engine")
    page = spending.departures(core, engine=engine, cursor=asked.cursor())
    if asked.by_htmx() and asked.cursor():
        return render_template("_departures.html", page=page, engine=engine)
    names = [one.id for one in engines.listed(core) if not one.local or one.id == engine]
    return render_template("departures.html", page=page, engine=engine, engines=names)
