"""Trailers, fetched for as long as they are looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tigertag.errors import Unreadable, os_reason
from tigertag.genres.trailers import links
from tigertag.genres.trailers.asking import brought
from tigertag.genres.trailers.child import NO_EXTRA
from tigertag.genres.trailers.limits import Limits


@contextmanager
def fetched(
    link: str, *, cancelled: Callable[[], bool] = lambda: False, limits: Limits | None = None
) -> Iterator[Path]:
    """Yield the file of a trailer on YouTube or Vimeo; it is gone when the block ends.

    What a link may be, is said in `links.canonical`. Raises `Unreadable`; `retryable` where another
    try may help.
    """
    address = links.canonical(link)
    if not _is_installed():
        raise Unreadable(NO_EXTRA)
    with _folder() as folder:
        yield brought(address, folder, limits or Limits(), cancelled=cancelled)


def _is_installed() -> bool:
    try:
        return find_spec("yt_dlp") is not None
    except (ImportError, ValueError):  # Whoever finds modules may say so in these ways, too.
        return False


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        made = TemporaryDirectory(prefix="tigertag-trailer-", ignore_cleanup_errors=True)
    except OSError as exc:
        reason = os_reason(exc)
        raise Unreadable(f"There is no temporary folder for a trailer: {reason}.") from exc
    with made as folder:
        yield Path(folder)
