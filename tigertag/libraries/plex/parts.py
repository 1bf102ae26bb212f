"""The files behind an item: its versions, which of them names it, and which is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from xml.etree.ElementTree import Element

from tigertag.libraries.mediaserver.paths import file_identity
from tigertag.libraries.plex.kinds import Kind
from tigertag.model import Media

GOOD_PX = 480
_LONGEST_REVISION = 256
OPTIMIZED = "42"  # plexapi's SEARCHTYPES, and its Media.isOptimizedVersion
_OPTIMIZED_FOLDER = "/plex versions/"


@dataclass(frozen=True, slots=True)
class Part:
    """A file. `file` is where the server has it."""

    key: str
    size_bytes: int | None
    file: str

    @property
    def revision(self) -> str:
        """Part key and size: what changes with the file, and with nothing else."""
        return f"{self.key} {'' if self.size_bytes is None else self.size_bytes}"

    @property
    def identity(self) -> str:
        """What tells the file when an item of another key has it; "" where the server does not."""
        return file_identity(self.file, self.size_bytes)


@dataclass(frozen=True, slots=True)
class Version:
    """One encoding of an item: the first of its files, and the size of all of them.

    `optimized`: the server has made it, of another one.
    """

    id: int
    part: Part
    size_bytes: float
    short_side_px: int
    optimized: bool


def versions(entry: Element) -> list[Version]:
    """Return the versions that have a file on this server."""
    found = (_version(media) for media in entry.findall("Media"))
    return [one for one in found if one is not None]


def main_part(entry: Element) -> Part | None:
    """Return the file that an item is known by; None where it has none, or none to be named.

    It is that of the version that was there first, so that one that comes or goes besides it does
    not make another item of it.
    """
    there = versions(entry)
    originals = [one for one in there if not one.optimized] or there
    part = min(originals, key=lambda one: one.id).part if originals else None
    return part if part is None or len(part.revision) <= _LONGEST_REVISION else None


def revision(entry: Element, kind: Kind) -> str | None:
    """Return an item's revision; None where it has no file."""
    if kind.media is Media.GROUP:
        return ""
    part = main_part(entry)
    return None if part is None else part.revision


def best(there: Sequence[Version]) -> Version | None:
    """Return the version to be read: the smallest good one, one of the server's own rather.

    Good is a short side of 480 pixels; if none is, it is the largest picture.
    """
    good = [one for one in there if one.short_side_px >= GOOD_PX]
    if good:
        return min(good, key=lambda one: (not one.optimized, one.size_bytes))
    return min(there, key=lambda one: (-one.short_side_px, one.size_bytes), default=None)


def of_revision(revision: str) -> Part:
    """Return what a photo's revision tells of the file: all but where it is."""
    key, _space, size = revision.rpartition(" ")
    return Part(key, _number(size), "")


def _version(media: Element) -> Version | None:
    parts = [part for one in media.findall("Part") if (part := _part(one)) is not None]
    if not parts:
        return None
    sides = [_number(media.get(name, "")) or 0 for name in ("width", "height")]
    sizes = [inf if part.size_bytes is None else part.size_bytes for part in parts]
    return Version(
        _number(media.get("id", "")) or 0,
        parts[0],
        sum(sizes),
        min(sides),
        _is_optimized(media, parts[0]),
    )


def _part(element: Element) -> Part | None:
    key = element.get("key", "").partition("?")[0]
    if not key.startswith("/"):
        return None
    return Part(key, _number(element.get("size", "")), element.get("file", ""))


def _is_optimized(media: Element, part: Part) -> bool:
    """Tell a version that Plex has made; `optimizedForStreaming` stands on any MP4 that streams."""
    file = part.file.replace("\\", "/").casefold()
    return media.get("proxyType") == OPTIMIZED or _OPTIMIZED_FOLDER in file


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
