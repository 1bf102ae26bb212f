"""The pages of items: the list, one item with its pictures, and the problems of items."""

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.errors import Conflict, ItemError, LibraryError, NotFound, PluginError, RequestError
from tigertag.model import Field
from tigertag.query import Query, Term, parse
from tigertag.services import browsing, problems, retries, rules, similar, thumbnails, verdicts
from tigertag.services.views import Page, SimilarItem, Thumbnail
from tigertag.web import state
from tigertag.web.dashboard import frames, request
from tigertag.web.dashboard.scans import preview_changed
from tigertag.web.headers import cached_jpeg

pages = Blueprint("items", __name__)
_ITEM = "/items/<int(max=2147483647):item_id>"
_SHORT_SIDES_PX = {"small": 256, "large": 768}
_NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="768" height="768" viewBox="0 0 96 96">'
    '<rect width="96" height="96" fill="#8c8177" opacity=".18"/>'
    '<g fill="none" stroke="#8c8177" stroke-width="3" stroke-linecap="round">'
    '<rect x="24" y="30" width="48" height="36" rx="5"/>'
    '<path d="M24 60l14-14 12 12M22 72l52-50"/></g></svg>'
)


@pages.get("/items")
def list_items() -> ResponseReturnValue:
    """A query that cannot be read is said beside the box: it may not be typed to its end."""
    library, section = request.library_and_section()
    sought = {"in": request.text("in"), "q": request.text("q")}
    try:
        query = _query(sought["q"])
        sought["q"] = str(query)
        core, q, cursor = state.core(), sought["q"], request.cursor()
        page = browsing.items(core, library=library, section=section, q=q, cursor=cursor)
        counts = None
        if cursor is None:
            counts = browsing.counts(core, library=library, section=section, q=q)
    except NotFound:
        raise
    except RequestError as exc:
        shown = request.render_list("items", page=Page(()), sought=sought, wrong=str(exc))
        return shown, 200 if request.by_htmx() else 422
    return request.render_list(
        "items", page=page, sought=sought, counts=counts, query=query, with_tag=_with_tag
    )


def _with_tag(query: Query, name: str) -> Query:
    return query.with_term(Term("tag", name))


def _query(text: str) -> Query:
    """Read the query, with what links of other pages add to it: a tag, or items with problems."""
    query = parse(text)
    if tag := request.text("tag"):
        query = query.with_term(Term("tag", tag))
    return query.with_term(Term("failed")) if request.text("problems") else query


@pages.get(_ITEM)
def show(item_id: int) -> ResponseReturnValue:
    core = state.core()
    detail = browsing.item(core, item_id)
    boxes = [box for box in frames.boxes(core, detail.answers) if box.at_s is None]
    stills = frames.stills(core, detail.answers)
    return render_template(
        "item.html",
        detail=detail,
        problems=problems.of_item(core, item_id),
        boxes=boxes,
        boxes_in_words=frames.summary(boxes),
        stills=stills,
        frame_names={still.at_s: still.at_ms for still in stills},
    )


@pages.get(f"{_ITEM}/similar")
def show_similar(item_id: int) -> ResponseReturnValue:
    """A page of the items that look most like one; htmx gets the first row of them."""
    core = state.core()
    if request.by_htmx():
        return render_template("_similar.html", near=_similar(core, item_id, limit=8))
    card = browsing.item(core, item_id).card
    return render_template("similar.html", card=card, near=_similar(core, item_id, limit=60))


def _similar(core: Core, item_id: int, *, limit: int) -> tuple[SimilarItem, ...] | None:
    """None where it is not known what the item looks like."""
    try:
        return similar.similar(core, item_id, limit=limit)
    except Conflict:
        return None


@pages.post(f"{_ITEM}/lift")
def lift(item_id: int) -> ResponseReturnValue:
    """Allow a tag on an item again, from the next scan on. Raises `NotFound`."""
    core = state.core()
    item = browsing.item(core, item_id).card.item
    rows = rules.tombstones(core, word=request.text("word"))
    numbers = [row.id for row in rows if (row.library, row.key) == (item.library, item.key)]
    rules.lift(core, numbers)
    if request.by_htmx():
        return preview_changed(render_template("_lifted.html"))
    return redirect(url_for("dashboard.items.show", item_id=item_id), 303)


@pages.post(f"{_ITEM}/verdicts")
def say(item_id: int) -> ResponseReturnValue:
    """Keep that a tag belongs to an item, or does not. Raises `NotFound`, `RequestError`."""
    yes = request.text("verdict") == "yes"
    named = request.text("field")
    field = next((one for one in Field if one == named), None)
    verdicts.say(state.core(), item_id, request.text("name"), yes=yes, field=field)
    return redirect(url_for("dashboard.items.show", item_id=item_id, _anchor="verdicts"), 303)


@pages.post(f"{_ITEM}/verdicts/<int(max=2147483647):verdict_id>/withdraw")
def withdraw(item_id: int, verdict_id: int) -> ResponseReturnValue:
    """Forget what the user said. Raises `NotFound`."""
    verdicts.withdraw(state.core(), item_id, verdict_id)
    return redirect(url_for("dashboard.items.show", item_id=item_id, _anchor="verdicts"), 303)


@pages.get(f"{_ITEM}/picture/<any(small, large):size>")
def picture(item_id: int, size: str) -> ResponseReturnValue:
    core, side_px = state.core(), _SHORT_SIDES_PX[size]
    etag = thumbnails.thumbnail_etag(core, item_id, short_side_px=side_px)
    return _jpeg(etag, lambda: thumbnails.thumbnail(core, item_id, short_side_px=side_px))


@pages.get(f"{_ITEM}/frames/<int(max=2147483647):at_ms>.jpg")
def frame(item_id: int, at_ms: int) -> ResponseReturnValue:
    """A small JPEG of a frame that an engine analysed. Raises `NotFound` for any other."""
    core = state.core()
    etag = thumbnails.frame_etag(core, item_id, at_ms)
    return _jpeg(etag, lambda: thumbnails.frame(core, item_id, at_ms))


def _jpeg(etag: str, make: Callable[[], Thumbnail]) -> Response:
    """Answer with the picture, or with a drawing if it cannot be read now."""
    try:
        return cached_jpeg(etag, make)
    except (ItemError, LibraryError, PluginError):
        headers = {"Cache-Control": "no-store"}
        return Response(_NO_PICTURE, mimetype="image/svg+xml", headers=headers)


@pages.get("/problems")
def list_problems() -> ResponseReturnValue:
    core = state.core()
    library, section = request.library_and_section()
    sought = {name: request.text(name) for name in ("in", "ignored", "like")}
    page = problems.listed(
        core,
        library=library,
        section=section,
        ignored=bool(sought["ignored"]),
        like=request.number("like") if sought["like"] else None,
        cursor=request.cursor(),
    )
    groups = problems.by_reason(core, library=library, section=section)
    return request.render_list("problems", page=page, sought=sought, groups=groups)


@pages.post("/problems/retry")
def retry_problems() -> ResponseReturnValue:
    """Retry all problems with one reason now. Raises `NotFound`."""
    library, section = request.library_and_section()
    engine, reason = request.text("engine"), request.text("reason")
    retried = retries.retry_all(
        state.core(), engine=engine, reason=reason, library=library, section=section
    )
    state.get().worker.wake()
    if len(retried.scans) == 1:
        return redirect(url_for("dashboard.scans.show", scan_id=retried.scans[0]), 303)
    return redirect(url_for("dashboard.scans.list_scans"), 303)


@pages.post("/problems/<int(max=2147483647):problem_id>/<any(ignore, show, retry):action>")
def ignore_problem(problem_id: int, action: str) -> ResponseReturnValue:
    """Hide a problem until its item changes, show it again, or retry it. Raises `NotFound`."""
    core = state.core()
    if action == "retry":
        retries.retry(core, [problem_id])
        state.get().worker.wake()
        problem = problems.get(core, problem_id)
    else:
        problem = problems.ignore(core, problem_id, ignored=action == "ignore")
    if request.by_htmx():
        return render_template("_problem.html", problem=problem)
    return redirect(url_for("dashboard.items.show", item_id=problem.card.id), 303)
