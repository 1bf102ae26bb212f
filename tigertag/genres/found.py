"""What frames can be taken of: a file, a trailer behind a link, an item of a library."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from urllib.parse import urlsplit

from tigertag.contracts import Library, Need, RunContext, Source
from tigertag.errors import ItemGone, Unreadable, os_reason
from tigertag.genres import trailers
from tigertag.media import formats
from tigertag.media.formats import media_of
from tigertag.model import Item, Media


@dataclass(frozen=True, slots=True)
class Found:
    """A video or a picture, and how to get at it.

    `origin` names it; with the same `revision` it has not changed. "" says that this is not known
    before it is opened. `site`: that of a link. `fetch` raises `ItemError` or `LibraryError`.
    """

    origin: str
    revision: str
    media: Media
    fetch: Callable[[Need, RunContext], AbstractContextManager[Source]]
    site: str = ""


def file(path: Path) -> Found:
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
    return Found(f"file:{path.absolute()}", revision, media, lambda _need, _run: _itself(path))


def link(address: str) -> Found:
    """A trailer on YouTube or Vimeo: the same as long as its link is. Raises `Unreadable`."""
    address = trailers.canonical(address)
    return Found(
        address,
        "link",
        Media.VIDEO,
        lambda _need, run: trailers.fetched(address, cancelled=run.cancelled),
        site=urlsplit(address).netloc,
    )


def item(library: Library, one: Item) -> Found:
    source = library.identity or library.id
    of = f"#{library.footage}" if library.footage and one.media is Media.VIDEO else ""
    origin = f"{source}/{one.section}/{one.key}{of}"
    return Found(origin, one.revision, one.media, lambda need, _run: library.fetch(one, need))


@contextmanager
def _itself(path: Path) -> Iterator[Source]:
    yield path


def _sniffed(path: Path) -> Media:
    """A file whose name says nothing is a picture if it begins as one."""
    try:
        with path.open("rb") as stream:
            formats.decoder(stream)
    except Unreadable:
        return Media.VIDEO
    return Media.PHOTO
