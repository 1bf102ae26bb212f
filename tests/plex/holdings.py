"""What a Plex server holds: sections, albums, and items with their versions and files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image

Source = bytes | Path | Callable[[], bytes]

NUMBERS = {"movie": 1, "show": 2, "season": 3, "episode": 4, "clip": 12, "photo": 13}
FIELDS: dict[str, tuple[str, ...]] = {
    "movie": ("label", "genre", "collection"),
    "show": ("label", "genre", "collection"),
    "season": ("label", "collection"),
    "episode": ("label", "collection"),
    "clip": ("tag",),
    "photo": ("tag",),
}
"""Where the tags of each type may stand; of clips that is not known."""
IN_SECTIONS = {
    "photo": ("photo", "clip"),
    "movie": ("movie",),
    "show": ("show", "season", "episode"),
    "artist": (),
}


def content(source: Source) -> bytes:
    """The bytes of a file."""
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if isinstance(source, Path) else source()


def weight(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(content(source))


def span(source: Source, start: int, end: int) -> bytes:
    """The bytes from `start` up to `end`, without it."""
    if not isinstance(source, Path):
        return content(source)[start:end]
    with source.open("rb") as stream:
        stream.seek(start)
        return stream.read(end - start)


def version(source: Source, changed: int) -> int:
    """What tells whether it is still the same picture; photos may share one."""
    if isinstance(source, bytes):
        return 0
    return source.stat().st_mtime_ns if isinstance(source, Path) else changed


@lru_cache(maxsize=1024)
def shape(source: Source, _version: int) -> tuple[int, int]:
    """Width and height; a square where the file is no picture."""
    try:
        with Image.open(BytesIO(content(source))) as image:
            return image.size
    except OSError:
        return 100, 100


def spelt(word: str) -> str:
    """A tag as Plex keeps it: its first letter is upper-cased, also behind a dot."""
    at = next((number for number, letter in enumerate(word) if letter.isalnum()), 0)
    upper = word[at : at + 1].upper()
    return word[:at] + (upper if len(upper) == 1 else word[at : at + 1]) + word[at + 1 :]


@dataclass(slots=True)
class Album:
    id: int
    section: int
    title: str
    parent: int | None
    added: int


@dataclass(slots=True)
class File:
    """A part: `changed` is its changestamp. One of a key that is an address lies elsewhere.

    `header_first`: whether it is made for streaming; None: if it is an MP4.
    """

    id: int
    source: Source
    file: str
    changed: int
    address: str = ""
    header_first: bool | None = None

    @property
    def key(self) -> str:
        ending = self.file.rpartition(".")[2].lower() or "jpg"
        return self.address or f"/library/parts/{self.id}/{self.changed}/file.{ending}"


@dataclass(slots=True)
class Version:
    """One of an item's media. None for a size: that of the picture. `camera`: make, model, lens."""

    id: int
    files: list[File]
    size: tuple[int, int] | None = None
    optimized: bool = False
    camera: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """A photo, a clip, a film, an episode, a season or a show. `listed` is its XML in lists.

    `parent` is its album, season or show; `subtype` that of an extra. `guid` names it, "": by its
    ratingKey; `ids` are its numbers in databases of films, as newer agents tell them.
    """

    id: int
    section: int
    title: str
    kind: str
    parent: int | None
    added: int
    updated: int
    versions: list[Version] = field(default_factory=list)
    number: int = 1
    poster: Source | None = None
    extras: "list[Entry]" = field(default_factory=list)
    subtype: str = ""
    tags: dict[str, list[str]] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    rating: str = ""
    year: int | None = 2020
    guid: str = ""
    ids: tuple[str, ...] = ()
    views: int = 0
    has_file: bool = True
    listed: str = ""

    def of(self, name: str) -> list[str]:
        """The tags of a field."""
        return self.tags.setdefault(name, [])

    def add(self, name: str, word: str) -> bool:
        """Add a tag to a field; False where it is there already, whatever its case."""
        if word.casefold() in (tag.casefold() for tag in self.of(name)):
            return False
        self.of(name).append(spelt(word))
        return True

    def remove(self, name: str, word: str) -> bool:
        """Remove the tag of exactly this spelling; False where there is none."""
        if word not in self.of(name):
            return False
        self.of(name).remove(word)
        return True

    @property
    def files(self) -> list[File]:
        return [one for each in self.versions for one in each.files] if self.has_file else []

    @property
    def main(self) -> File:
        return self.versions[0].files[0]


@dataclass(slots=True)
class Section:
    """A section. `pages` are its answers so far, forgotten whenever something in it changes."""

    id: int
    title: str
    kind: str
    entries: dict[int, Entry] = field(default_factory=dict)
    albums: dict[int, Album] = field(default_factory=dict)
    sorted: dict[str, list[Entry]] = field(default_factory=dict)
    pages: dict[tuple[str | int, ...], bytes] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Entry]:
        return [one for one in self.entries.values() if one.kind == kind]

    def below(self, parent: int) -> list[Entry]:
        return [one for one in self.entries.values() if one.parent == parent]

    def touch(self, entry: Entry | None = None) -> None:
        if entry is not None:
            entry.listed = ""
        self.sorted.clear()
        self.pages.clear()
