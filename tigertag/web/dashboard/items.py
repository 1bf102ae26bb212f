"""Items: the browser of them, and all that is known of one."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import browsing, problems, rules
from tigertag.web import state
from tigertag.web.dashboard import asked, boxes, places, strip
from tigertag.web.dashboard.previewed import changed

pages = Blueprint("items", __name__)


@pages.get("/items")
def every() -> ResponseReturnValue:
    core = state.core()
    library, section = asked.place()
    sought = {name: asked.text(name) for name in ("in", "tag", "q", "problems")}
    page = browsing.items(
        core,
        library=library,
        section=section,
        tag=sought["tag"],
        q=sought["q"],
        problems=problems.unsolved(core) if sought["problems"] else None,
        cursor=asked.cursor(),
    )
    if asked.by_htmx() and asked.cursor():
        return render_template("_items.html", page=page, sought=sought)
    return render_template("items.html", page=page, sought=sought, sections=places.every(core))


@pages.get("/items/<int(max=2147483647):item_id>")
def show(item_id: int) -> ResponseReturnValue:
    core = state.core()
    detail = browsing.item(core, item_id)
    found = [one for one in boxes.of_answers(core, detail.answers) if one.at_s is None]
    stills = strip.of_answers(core, detail.answers)
    return render_template(
        "item.html",
        detail=detail,
        problems=problems.of_item(core, item_id),
        boxes=found,
        boxes_in_words=boxes.summary(found),
        stills=stills,
        shown={one.at_s: one.at_ms for one in stills},
    )


@pages.post("/items/<int(max=2147483647):item_id>/lift")
def lift(item_id: int) -> ResponseReturnValue:
    """Allow a word on an item again, from the next scan on. Raises `NotFound`."""
    core = state.core()
    item = browsing.item(core, item_id).card.item
    rows = rules.tombstones(core, word=asked.text("word"))
    numbers = [row.id for row in rows if (row.library, row.key) == (item.library, item.key)]
    rules.lift(core, numbers)
    if asked.by_htmx():
        return changed(render_template("_lifted.html"))
    return redirect(url_for("dashboard.items.show", item_id=item_id), 303)
