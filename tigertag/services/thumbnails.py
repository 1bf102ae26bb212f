"""Small pictures for the faces. A library that hangs holds up its pictures, and nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from io import BytesIO
from threading import BoundedSemaphore

from PIL import Image

from tigertag.contracts import Library, Need
from tigertag.errors import ItemGone, LibraryError, LibraryUnavailable
from tigertag.media.picture import decode
from tigertag.model import Item
from tigertag.services.core import Core
from tigertag.services.views import Thumbnail
from tigertag.store import browse

_JPEG_QUALITY = 82
_FETCHED_AT_ONCE = 4
_MOST_WAITING = 8
_PLACE_S = 2.0
_PATIENCE_S = 5.0
_LEFT_ALONE_S = 15.0


class Lookout:
    """Fetches pictures on threads of its own, and leaves a library alone that has just failed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="tigertag-picture")
        self._places = BoundedSemaphore(_MOST_WAITING)
        self._failing: dict[str, tuple[float, str]] = {}

    def picture(self, library: Library, item: Item, short_side_px: int) -> bytes:
        """Return a JPEG within some seconds. Raises `ItemError`, `LibraryError`."""
        until, reason = self._failing.get(library.id, (0.0, ""))
        if time.monotonic() < until:
            raise LibraryUnavailable(reason)
        if not self._places.acquire(timeout=_PLACE_S):
            raise LibraryUnavailable("Too many pictures are asked for at once; try again.")
        try:
            fetched = self._pool.submit(_jpeg, library, item, short_side_px)
            return fetched.result(_PATIENCE_S)
        except TimeoutError as exc:
            fetched.cancel()
            reason = f"Library {library.id} does not send its pictures in time; try again later."
            self._leave_alone(library, reason)
            raise LibraryUnavailable(reason) from exc
        except LibraryError as exc:
            self._leave_alone(library, str(exc))
            raise
        finally:
            self._places.release()

    def _leave_alone(self, library: Library, reason: str) -> None:
        self._failing[library.id] = (time.monotonic() + _LEFT_ALONE_S, reason)


def _jpeg(library: Library, item: Item, short_side_px: int) -> bytes:
    library.open()
    with library.fetch(item, Need(short_side_px)) as source:
        pixels = decode(source, short_side_px).pixels
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def thumbnail(core: Core, item_id: int, *, short_side_px: int = 256) -> Thumbnail:
    """Return a small picture of an item, from its library.

    Raises `NotFound`, `PluginError`, `ItemError`, `LibraryError`.
    """
    with core.store.read() as db:
        row = browse.item(db, item_id)
    if row.gone:
        raise ItemGone(f"{row.item.called} is no longer in its library.")
    lookout = core.memory.recall(("lookout",), Lookout, keep_s=float("inf"))
    library = core.entry(row.item.library)
    try:
        jpeg = lookout.picture(library, row.item, short_side_px)
    except LibraryError:
        core.memory.forget("seen")
        raise
    return Thumbnail(jpeg, etag(row.item.revision, short_side_px))


def thumbnail_etag(core: Core, item_id: int, *, short_side_px: int = 256) -> str:
    """Return what changes with an item's picture, without fetching it. Raises `NotFound`."""
    with core.store.read() as db:
        return etag(browse.item(db, item_id).item.revision, short_side_px)


def etag(revision: str, short_side_px: int) -> str:
    return blake2b(f"{revision} {short_side_px}".encode(), digest_size=12).hexdigest()
