"""Problems of items: the list of them, and one that is ignored or shown again."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import problems
from tigertag.web import state
from tigertag.web.dashboard import asked, places

pages = Blueprint("problems", __name__)


@pages.get("/problems")
def every() -> ResponseReturnValue:
    core = state.core()
    library, section = asked.place()
    sought = {"in": asked.text("in"), "ignored": asked.text("ignored")}
    page = problems.listed(
        core,
        library=library,
        section=section,
        ignored=bool(sought["ignored"]),
        cursor=asked.cursor(),
    )
    if asked.by_htmx() and asked.cursor():
        return render_template("_problems.html", page=page, sought=sought)
    return render_template("problems.html", page=page, sought=sought, sections=places.every(core))


@pages.post("/problems/<int(max=2147483647):problem_id>/<any(ignore, show):to>")
def ignore(problem_id: int, to: str) -> ResponseReturnValue:
    """Leave a problem out until its item changes, or show it again. Raises `NotFound`."""
    problem = problems.ignore(state.core(), problem_id, ignored=to == "ignore")
    if asked.by_htmx():
        return render_template("_problem.html", problem=problem)
    return redirect(url_for("dashboard.items.show", item_id=problem.card.id), 303)
