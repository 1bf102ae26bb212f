"""What frames can be taken of: a file, a trailer behind a link, an item of a library."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from tigertag.contracts import Library, Need, RunContext, Source
from tigertag.errors import ItemError, ItemGone, Unreadable, os_reason
from tigertag.genres import trailers
from tigertag.media import files
from tigertag.media.files import media_of
from tigertag.model import Item, Media

MOST_FAILURES: Final = 10
"""So many links in a row that might work at another time say that now is not the time."""


@dataclass(frozen=True, slots=True)
class MediaSource:
    """A video or a picture, and how to get at it.

    `origin` names it; with the same `revision` it has not changed. "" says that this is not known
    before it is opened. `site`: that of a link. `fetch` raises `ItemError` or `LibraryError`.
    """

    origin: str
    revision: str
    media: Media
    fetch: Callable[[Need, RunContext], AbstractContextManager[Source]]
    site: str = ""


def of_file(path: Path) -> MediaSource:
    """Raises `Unreadable`, `ItemGone`."""
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise Unreadable("This is a folder; name the files in it.")
        if not S_ISREG(status.st_mode):
            raise Unreadable("This is not a file.")
        media = media_of(path.name) or _sniffed(path)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ItemGone("There is no such file.") from exc
    except (OSError, ValueError) as exc:
        reason = os_reason(exc, path) if isinstance(exc, OSError) else "its name cannot be used"
        raise Unreadable(f"The file cannot be read: {reason}.") from exc
    revision = f"{status.st_size}-{status.st_mtime_ns}"
    return MediaSource(f"file:{path.absolute()}", revision, media, lambda _need, _run: _open(path))


def of_link(link: str) -> MediaSource:
    """A trailer on YouTube or Vimeo: the same as long as its link is. Raises `Unreadable`."""
    address = trailers.canonical(link)
    return MediaSource(
        address,
        "link",
        Media.VIDEO,
        lambda _need, run: trailers.fetched(address, cancelled=run.cancelled),
        site=urlsplit(address).netloc,
    )


def of_item(library: Library, item: Item) -> MediaSource:
    server = library.identity or library.id
    footage = f"#{library.footage}" if library.footage and item.media is Media.VIDEO else ""
    origin = f"{server}/{item.section}/{item.key}{footage}"
    return MediaSource(
        origin, item.revision, item.media, lambda need, _run: library.fetch(item, need)
    )


@contextmanager
def _open(path: Path) -> Iterator[Source]:
    yield path


def _sniffed(path: Path) -> Media:
    """A file whose name says nothing is a picture if it begins as one."""
    try:
        with path.open("rb") as stream:
            files.decoder(stream)
    except Unreadable:
        return Media.VIDEO
    return Media.PHOTO


class SiteBreaker:
    """Stops asking a site whose links fail again and again. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: dict[str, list[str]] = {}

    @contextmanager
    def asking(self, site: str) -> Iterator[None]:
        """Let the block ask a site, unless it was given up; "" is no site and never given up.

        A site that works again, or refuses one link for good, is not failing. Raises `Unreadable`
        where it was given up, and what the block raises.
        """
        with self._lock:
            reasons = self._failures.setdefault(site, [])
            if len(reasons) >= MOST_FAILURES:
                raise Unreadable(
                    f"Not tried, as {len(reasons)} links to {site} had failed in a row:"
                    f" {reasons[-1]}",
                    retryable=True,
                )
        try:
            yield
        except ItemError as exc:
            self._note(site, str(exc) if exc.retryable else "")
            raise
        self._note(site, "")

    def _note(self, site: str, reason: str) -> None:
        with self._lock:
            reasons = self._failures[site]
            if not site or len(reasons) >= MOST_FAILURES:
                return  # Links that were under way when it was given up change nothing.
            if reason:
                reasons.append(reason)
            else:
                reasons.clear()
