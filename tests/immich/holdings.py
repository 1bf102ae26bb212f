"""What an Immich server holds: users, their keys, tags and assets, libraries and albums."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Source = bytes | Path | Callable[[], bytes]

LEAST = ("asset.read", "asset.view", "tag.read", "tag.create", "tag.asset", "user.read")
"""The permissions that a key needs to read, tag and untag."""


def content(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if isinstance(source, Path) else source()


def weight(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(content(source))


def stamp(moment: float) -> str:
    """A time as routes show it: milliseconds, UTC."""
    shown = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")


def raw_stamp(moment: float) -> str:
    """A time as the database shows it where routes hand its JSON on: no zeros at its end."""
    shown = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0")
    return shown.rstrip(".") + "+00:00"


def moment_of(shown: str) -> float:
    return datetime.fromisoformat(shown).timestamp()


@dataclass(slots=True)
class User:
    """`partners` are the users whose timeline this one shows in its own."""

    id: str
    name: str
    email: str
    is_admin: bool
    made: float
    partners: dict[str, bool] = field(default_factory=dict)
    tags_shown: bool = False

    @property
    def shared_with(self) -> set[str]:
        return set(self.partners)

    @property
    def in_timeline(self) -> set[str]:
        return {self.id, *(user for user, shown in self.partners.items() if shown)}


@dataclass(slots=True)
class Key:
    """A key, or the session of a user who is logged in: that has no `id` and may do all."""

    id: str
    name: str
    owner: str
    permissions: tuple[str, ...]
    made: float

    def may(self, permission: str) -> bool:
        return not self.id or "all" in self.permissions or permission in self.permissions


@dataclass(slots=True)
class Library:
    """An external library. Its folder may be a real one, and may not be writable for the server."""

    id: str
    owner: str
    name: str
    path: str
    writable: bool
    made: float


@dataclass(slots=True)
class Tag:
    """`closed`: whether searches find it, which one that was made by POST before 3.2 is not."""

    id: str
    owner: str
    value: str
    parent: str | None
    made: float
    changed: float
    color: str | None = None
    closed: bool = True

    @property
    def name(self) -> str:
        return self.value.rpartition("/")[2]


@dataclass(slots=True)
class Album:
    id: str
    owner: str
    name: str
    assets: list[str]
    made: float


@dataclass(slots=True)
class Asset:
    """`tags` are ids in their order. `stored`: their values as the next sidecar gets them, if they
    are `locked`.

    `embedded` is what the file holds besides its own XMP, by the names of ExifTool. `shown` keeps
    its JSON in lists, without and with `exifInfo`, until something changes.
    """

    id: str
    owner: str
    library: str | None
    kind: str
    path: str
    name: str
    mime: str
    source: Source
    made: float
    updated: float
    taken: float
    file_changed: float
    width: int | None = None
    height: int | None = None
    visibility: str = "timeline"
    favorite: bool = False
    trashed: float | None = None
    offline: bool = False
    edited: bool = False
    duration: int | None = None
    live_video: str | None = None
    stack: str | None = None
    poster: Source | None = None
    version: int = 1
    embedded: dict[str, list[str]] = field(default_factory=dict)
    exif: Json = field(default_factory=dict)
    people: list[Json] = field(default_factory=list)
    metadata: dict[str, Json] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    locked: bool = False
    shown: dict[tuple[bool, bool], str] = field(default_factory=dict)

    @property
    def processed(self) -> bool:
        return self.width is not None

    @property
    def has_preview(self) -> bool:
        """Halves of live photos have none."""
        return self.processed and not (self.kind == "VIDEO" and self.visibility == "hidden")


def without(ids: Iterable[str], gone: Iterable[str]) -> list[str]:
    left = set(gone)
    return [one for one in ids if one not in left]
