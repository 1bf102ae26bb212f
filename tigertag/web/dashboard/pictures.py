"""Pictures of items, small and larger, and frames of videos."""

from collections.abc import Callable

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from tigertag.errors import ItemError, LibraryError, PluginError
from tigertag.services import thumbnails
from tigertag.services.views import Thumbnail
from tigertag.web import state

pages = Blueprint("pictures", __name__)
_SHORT_SIDES_PX = {"small": 256, "large": 768}
_FRESH_S = 600
_NONE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="768" height="768" viewBox="0 0 96 96">'
    '<rect width="96" height="96" fill="#8c8177" opacity=".18"/>'
    '<g fill="none" stroke="#8c8177" stroke-width="3" stroke-linecap="round">'
    '<rect x="24" y="30" width="48" height="36" rx="5"/>'
    '<path d="M24 60l14-14 12 12M22 72l52-50"/></g></svg>'
)


@pages.get("/items/<int(max=2147483647):item_id>/picture/<any(small, large):size>")
def picture(item_id: int, size: str) -> ResponseReturnValue:
    """A JPEG of the item; a drawing in its place when the library cannot show it now."""
    core, side_px = state.core(), _SHORT_SIDES_PX[size]
    etag = thumbnails.thumbnail_etag(core, item_id, short_side_px=side_px)
    return _answered(etag, lambda: thumbnails.thumbnail(core, item_id, short_side_px=side_px))


@pages.get("/items/<int(max=2147483647):item_id>/frames/<int(max=2147483647):at_ms>.jpg")
def frame(item_id: int, at_ms: int) -> ResponseReturnValue:
    """A small JPEG of a frame that an engine looked at. Raises `NotFound` for any other."""
    core = state.core()
    etag = thumbnails.frame_etag(core, item_id, at_ms)
    return _answered(etag, lambda: thumbnails.frame(core, item_id, at_ms))


def _answered(etag: str, make: Callable[[], Thumbnail]) -> Response:
    if request.if_none_match.contains(etag):
        return _kept(Response(status=304), etag)
    try:
        thumbnail = make()
    except (ItemError, LibraryError, PluginError):
        return Response(_NONE, mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})
    return _kept(Response(thumbnail.jpeg, mimetype="image/jpeg"), thumbnail.etag)


def _kept(answer: Response, etag: str) -> Response:
    """The answer, which the browser may keep for a while, and alone."""
    answer.set_etag(etag)
    answer.cache_control.private = True
    answer.cache_control.max_age = _FRESH_S
    return answer
