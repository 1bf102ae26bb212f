"""GET items, one of them, its thumbnail."""

from collections.abc import Callable

from flask import Response, request
from pydantic import BaseModel, Field

from tigertag.services import browsing, thumbnails
from tigertag.services.views import Thumbnail
from tigertag.web import state
from tigertag.web.api.inputs import Id, Milliseconds, Nothing, Paging, Text
from tigertag.web.api.item_shapes import ItemDetail, Items
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.shapes import Item

routes = Routes("items", "Photos and videos, their tags, and why they bear them.")

_ITEM = "/items/<int:item_id>"
_FRESH_S = 600
_THUMBNAIL = {
    "200": {"description": "The picture.", "content": {"image/jpeg": {}}},
    "304": {"description": "It is as `If-None-Match` says."},
}


class ItemsQuery(Paging):
    library: Text = Field(default="", description="Only of this library: its id.")
    section: Text = Field(default="", description="Only of this section: its id or title.")
    tag: Text = Field(default="", description="Only those that bear this tag: a whole word.")
    q: Text = Field(default="", description="Only those whose title or key holds this text.")


class ItemPath(BaseModel):
    item_id: Id = Field(description="The item's id.")


class FramePath(ItemPath):
    at_ms: Milliseconds = Field(description="One of an answer's `frames`, in milliseconds.")


@routes.get("/items", Items, 404)
def list_items(query: ItemsQuery) -> Response:
    """List the items that were scanned, with the tags last decided for them."""
    page = browsing.items(
        state.core(),
        library=query.library,
        section=query.section,
        tag=query.tag,
        q=query.q,
        cursor=query.cursor or None,
        limit=query.limit,
    )
    return sent(Items(items=[Item.of(one) for one in page.items], next=page.next))


@routes.get(_ITEM, ItemDetail, 404)
def get_item(path: ItemPath, query: Nothing) -> Response:
    """Return all that is known of an item: its tags and why, answers, standing, ledger."""
    return sent(ItemDetail.of(browsing.item(state.core(), path.item_id)))


@routes.get(f"{_ITEM}/thumbnail", None, 404, 409, 502, described=_THUMBNAIL)
def get_thumbnail(path: ItemPath, query: Nothing) -> Response:
    """Return a small JPEG of an item, its short side 256 px at most."""
    core, item_id = state.core(), path.item_id
    etag = thumbnails.thumbnail_etag(core, item_id)
    return _picture(etag, lambda: thumbnails.thumbnail(core, item_id))


@routes.get(f"{_ITEM}/frames/<int:at_ms>.jpg", None, 404, 409, 502, described=_THUMBNAIL)
def get_frame(path: FramePath, query: Nothing) -> Response:
    """Return a small JPEG of a frame that an engine looked at, its short side 256 px at most."""
    core, item_id, at_ms = state.core(), path.item_id, path.at_ms
    etag = thumbnails.frame_etag(core, item_id, at_ms)
    return _picture(etag, lambda: thumbnails.frame(core, item_id, at_ms))


def _picture(etag: str, make: Callable[[], Thumbnail]) -> Response:
    if request.if_none_match.contains_weak(etag):
        return _cached(Response(status=304), etag)
    thumbnail = make()
    return _cached(Response(thumbnail.jpeg, content_type="image/jpeg"), thumbnail.etag)


def _cached(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.cache_control.private = True
    response.cache_control.max_age = _FRESH_S
    return response
