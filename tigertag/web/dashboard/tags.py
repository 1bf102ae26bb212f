"""Tags: the words that were decided, with counts."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tigertag.services import browsing
from tigertag.web import state
from tigertag.web.dashboard import asked, places

pages = Blueprint("tags", __name__)


@pages.get("/tags")
def every() -> ResponseReturnValue:
    core = state.core()
    library, section = asked.place()
    sought = {"in": asked.text("in"), "q": asked.text("q")}
    page = browsing.tags(
        core, library=library, section=section, q=sought["q"], cursor=asked.cursor()
    )
    if asked.by_htmx() and asked.cursor():
        return render_template("_tags.html", page=page, sought=sought)
    return render_template("tags.html", page=page, sought=sought, sections=places.every(core))
