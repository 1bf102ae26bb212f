"""What a server holds: users, views, and items with their files and all that they tell."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

Source = bytes | Path | Callable[[], bytes]


def content(source: Source) -> bytes:
    """The bytes of a file."""
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if isinstance(source, Path) else source()


def weight(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(content(source))


@dataclass(slots=True)
class User:
    id: str
    name: str
    administrator: bool
    disabled: bool = False


@dataclass(slots=True)
class View:
    id: str
    name: str
    kind: str | None


@dataclass(slots=True)
class Version:
    """A file of an item. `id` is that of its media source, `owner` the item that it is."""

    id: str
    owner: str
    source: Source
    path: str
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class Held:
    """An item. `told` is its metadata as it is in memory, `stored` as it is in the database.

    `changed` is its file's date; `keywords` are embedded in its file; `more` is what else it shows.
    """

    id: str
    view: str
    type: str
    versions: list[Version]
    told: dict[str, Any]
    added: int
    saved: int
    changed: int
    poster: Source | None = None
    keywords: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    plays: int = 0

    @property
    def etag(self) -> str:
        return md5(f"{self.id} {self.saved}".encode(), usedforsecurity=False).hexdigest()

    @property
    def picture_tag(self) -> str:
        told = f"{self.versions[0].path} {self.changed}"
        return md5(told.encode(), usedforsecurity=False).hexdigest()

    def has(self, word: str) -> bool:
        return word.casefold() in (tag.casefold() for tag in self.told["Tags"])
