"""Words are struck from a preview."""

import json

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import previews, scans
from tigertag.web import state
from tigertag.web.dashboard import asked
from tigertag.web.dashboard.scans import kin

pages = Blueprint("previewed", __name__)


def changed(page: str) -> ResponseReturnValue:
    """Answer htmx with a part of a page, and let a preview that is shown load itself again."""
    answer = make_response(page)
    answer.headers["HX-Trigger"] = "preview-changed"
    return answer


@pages.post("/scans/<int(max=2147483647):scan_id>/strike")
def strike(scan_id: int) -> ResponseReturnValue:
    """Block a word for an item, in the section, or everywhere; the preview loses it."""
    core = state.core()
    item_id, word, where = asked.number("item_id"), asked.text("word"), asked.text("where")
    struck = previews.strike(core, scan_id, item_id, word, where=where)
    if not asked.by_htmx():
        return redirect(url_for("dashboard.scans.show", scan_id=scan_id), 303)
    status = scans.status(core, scan_id)
    page = render_template(
        "_struck.html",
        **kin(core, status),
        status=status,
        item_id=item_id,
        word=word,
        where=where,
        lost=struck.items,
        rule_id=struck.rule_id,
    )
    answer = make_response(page)
    told = {"struck": {"word": word.casefold(), "where": where, "item": item_id}}
    answer.headers["HX-Trigger"] = json.dumps(told)
    return answer
