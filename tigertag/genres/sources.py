"""What frames can be taken of: a file, a trailer behind a link, an item of a library."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from stat import S_ISDIR, S_ISREG
from urllib.parse import urlsplit

from tigertag.contracts import Library, Need, RunContext, Source
from tigertag.errors import ItemGone, Unreadable, os_reason
from tigertag.genres import trailers
from tigertag.media import files
from tigertag.media.files import media_of
from tigertag.model import Item, Media
from tigertag.text import did_you_mean

_BETWEEN = " · "
_OFFERED = 3


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


class ItemsByName:
    """Videos and pictures of a library that have one of these names, in upper or lower case.

    A name is an item's key or title. It is also a file's without its ending, or an episode's
    without its show, where that is of one item only.
    """

    def __init__(self, library: str, names: Sequence[str]) -> None:
        self._library = library
        self._wanted = {name.casefold() for name in names}
        self._exact: dict[str, Item] = {}
        self._near: dict[str, list[Item]] = {}
        self._titles: list[str] = []

    def add(self, item: Item) -> None:
        """Take note of an item of the library."""
        if item.media is Media.GROUP:
            return
        self._titles.append(item.title)
        for word in self._wanted & {item.key.casefold(), item.title.casefold()}:
            self._exact.setdefault(word, item)
        for word in self._wanted & _shorter(item.title.casefold()):
            self._near.setdefault(word, []).append(item)

    def item(self, name: str) -> Item:
        """Return the item of this name. Raises `Unreadable`, which says what others there are."""
        word = name.casefold()
        if word in self._exact:
            return self._exact[word]
        near = self._near.get(word, [])
        if len(near) == 1:
            return near[0]
        titles = [item.title for item in near] or [
            title for title in self._titles if word and word in title.casefold()
        ]
        raise Unreadable(
            f"Library {self._library} has no video or picture {name!r}{self._hint(name, titles)}"
        )

    def _hint(self, name: str, titles: Sequence[str]) -> str:
        if titles:
            return f"; did you mean {' or '.join(map(repr, titles[:_OFFERED]))}?"
        guess = did_you_mean(name, self._titles)
        if guess != ".":
            return guess
        return ": give its title or its key; an episode's is like 'Show · S01E02 · Title'."


def _shorter(title: str) -> set[str]:
    shorter = {title.rpartition(_BETWEEN)[2]}
    return shorter | {PurePath(title).stem} if media_of(title) else shorter
