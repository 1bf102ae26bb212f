"""Small pictures for the faces. A library that hangs holds up its pictures, and nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from io import BytesIO
from threading import BoundedSemaphore, Lock

import numpy as np
from PIL import Image

from tigertag.contracts import Library, Need, Source
from tigertag.core import Core
from tigertag.errors import ItemGone, LibraryError, LibraryUnavailable, NotFound
from tigertag.media.picture import decode
from tigertag.media.video import still
from tigertag.model import Frame, Item, Media
from tigertag.services.views import Thumbnail
from tigertag.store import browse
from tigertag.store.items import ItemRow

_JPEG_QUALITY = 82
_FETCHED_AT_ONCE = 4
# A browser asks for six pictures at once. Requests have 16 threads (web/server.py): a library that
# hangs must leave most of them to others.
_MOST_WAITING = 6
_PLACE_S = 1.0
_PATIENCE_S = 5.0
_LEFT_ALONE_S = 15.0
_TOO_MANY = "Too many pictures are asked for at once; try again."


class ThumbnailFetcher:
    """Fetches pictures, of each library on threads of its own. Thread-safe."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._lock = Lock()

    def picture(
        self, library: Library, item: Item, short_side_px: int, *, at_s: float | None = None
    ) -> bytes:
        """Return a JPEG within some seconds, of a video the frame at a time, or what stands for it.

        Raises `ItemError`, `LibraryError`.
        """
        with self._lock:
            window = self._windows.setdefault(library.id, _Window())
        return window.picture(library, item, short_side_px, at_s)


class _Window:
    """Fetches pictures of one library, and leaves it alone when it has just failed.

    When its time is up again, one picture is asked for, and the others once that has come.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="tigertag-picture")
        self._places = BoundedSemaphore(_MOST_WAITING)
        self._lock = Lock()
        self._failed_until = 0.0
        self._reason = ""

    def picture(
        self, library: Library, item: Item, short_side_px: int, at_s: float | None
    ) -> bytes:
        self._check()
        if not self._places.acquire(timeout=_PLACE_S):
            raise LibraryUnavailable(_TOO_MANY)
        try:
            fetched = self._pool.submit(_jpeg, library, item, short_side_px, at_s)
            jpeg = fetched.result(_PATIENCE_S)
        except TimeoutError as exc:
            reason = f"Library {library.id} does not deliver its pictures in time; try again later."
            if fetched.cancel():
                reason = _TOO_MANY
            else:
                self._leave_alone(reason)
            raise LibraryUnavailable(reason) from exc
        except LibraryError as exc:
            self._leave_alone(str(exc))
            raise
        finally:
            self._places.release()
        self._reason = ""
        return jpeg

    def _check(self) -> None:
        """Raises `LibraryUnavailable` while the library is left alone, or one asks it again."""
        with self._lock:
            now = time.monotonic()
            if now < self._failed_until:
                raise LibraryUnavailable(self._reason)
            if self._reason:
                self._failed_until = now + _PATIENCE_S

    def _leave_alone(self, reason: str) -> None:
        with self._lock:
            self._failed_until, self._reason = time.monotonic() + _LEFT_ALONE_S, reason


def _jpeg(library: Library, item: Item, short_side_px: int, at_s: float | None) -> bytes:
    library.open()
    poster = item.media is not Media.PHOTO and at_s is None
    with library.fetch(item, Need(short_side_px, poster=poster)) as source:
        pixels = _frame(item, source, short_side_px, at_s).pixels
    out = BytesIO()
    Image.fromarray(np.asarray(pixels)).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def _frame(item: Item, source: Source, short_side_px: int, at_s: float | None) -> Frame:
    if item.media is Media.VIDEO and not isinstance(source, bytes):
        return still(source, short_side_px=short_side_px, at_s=at_s)
    return decode(source, short_side_px)


def thumbnail(core: Core, item_id: int, *, short_side_px: int = 256) -> Thumbnail:
    """Return a small picture of an item, from its library.

    Raises `NotFound`, `PluginError`, `ItemError`, `LibraryError`.
    """
    with core.store.read() as db:
        row = browse.item(db, item_id)
    return _fetched(core, row, short_side_px, None)


def thumbnail_etag(core: Core, item_id: int, *, short_side_px: int = 256) -> str:
    """Return what changes with an item's picture, without fetching it. Raises `NotFound`."""
    with core.store.read() as db:
        return etag(browse.item(db, item_id).item.revision, short_side_px)


def frame(core: Core, item_id: int, at_ms: int, *, short_side_px: int = 256) -> Thumbnail:
    """Return a frame of a video that an engine looked at, small.

    Raises `NotFound`, also where none did, `PluginError`, `ItemError`, `LibraryError`.
    """
    row, at_s = _looked_at(core, item_id, at_ms)
    return _fetched(core, row, short_side_px, at_s)


def frame_etag(core: Core, item_id: int, at_ms: int, *, short_side_px: int = 256) -> str:
    """Return what changes with the frame, without fetching it. Raises `NotFound`."""
    row, at_s = _looked_at(core, item_id, at_ms)
    return etag(row.item.revision, short_side_px, at_s)


def etag(revision: str, short_side_px: int, at_s: float | None = None) -> str:
    told = f"{revision} {short_side_px}" if at_s is None else f"{revision} {short_side_px} {at_s}"
    return blake2b(told.encode(), digest_size=12).hexdigest()


def milliseconds(at_s: float) -> int:
    """The name that a frame has in addresses."""
    return round(at_s * 1000)


def _looked_at(core: Core, item_id: int, at_ms: int) -> tuple[ItemRow, float]:
    """Return the item and the exact time of a frame: decoding any other is not for the asking."""
    with core.store.read() as db:
        row = browse.item(db, item_id)
        times = browse.frames_of(db, item_id, row.item.revision)
    for at_s in times:
        if milliseconds(at_s) == at_ms:
            return row, at_s
    raise NotFound(f"No engine looked at a frame of {row.item.called} at {at_ms} ms.")


def _fetched(core: Core, row: ItemRow, short_side_px: int, at_s: float | None) -> Thumbnail:
    if row.gone:
        raise ItemGone(f"{row.item.called} is no longer in its library.")
    lookout = core.cache.get(("lookout",), ThumbnailFetcher, keep_s=float("inf"))
    library = core.unopened_library(row.item.library)
    try:
        jpeg = lookout.picture(library, row.item, short_side_px, at_s=at_s)
    except LibraryError:
        core.cache.forget("seen")
        raise
    return Thumbnail(jpeg, etag(row.item.revision, short_side_px, at_s))
