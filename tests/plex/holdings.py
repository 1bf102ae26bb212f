"""What a Plex server holds: sections, albums, photos and clips, and how a picture is had."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image

Source = bytes | Path | Callable[[], bytes]


def content(source: Source) -> bytes:
    """The bytes of a picture."""
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if isinstance(source, Path) else source()


def weight(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(content(source))


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
class Photo:
    """A photo, or a clip. `changed` is its file's changestamp, `listed` its XML in lists."""

    id: int
    section: int
    title: str
    album: int | None
    source: Source
    file: str
    added: int
    updated: int
    changed: int
    clip: bool = False
    tags: list[str] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    rating: str = ""
    views: int = 0
    has_file: bool = True
    listed: str = ""

    def add(self, word: str) -> bool:
        """Add a tag; False where it is there already, whatever its case."""
        if word.casefold() in (tag.casefold() for tag in self.tags):
            return False
        self.tags.append(spelt(word))
        return True

    def remove(self, word: str) -> bool:
        """Remove the tag of exactly this spelling; False where there is none."""
        if word not in self.tags:
            return False
        self.tags.remove(word)
        return True


@dataclass(slots=True)
class Section:
    """A section. `pages` are its answers so far, forgotten whenever something in it changes."""

    id: int
    title: str
    kind: str
    photos: dict[int, Photo] = field(default_factory=dict)
    albums: dict[int, Album] = field(default_factory=dict)
    sorted: dict[str, list[Photo]] = field(default_factory=dict)
    pages: dict[tuple[str | int, ...], bytes] = field(default_factory=dict)

    def touch(self, photo: Photo | None = None) -> None:
        if photo is not None:
            photo.listed = ""
        self.sorted.clear()
        self.pages.clear()
