"""A photo as the server shows it: in lists, and in full."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from xml.etree.ElementTree import Element

from tigertag.model import Field, Shown, TagRef

_LONGEST_REVISION = 256
# What the server counts or works out by itself, or keeps of other items, and not of this one.
_VOLATILE = frozenset(
    {
        *("updatedAt", "viewCount", "viewOffset", "lastViewedAt", "skipCount", "lastRatedAt"),
        *("thumbBlurHash", "artBlurHash", "accessible", "exists", "hasThumbnail"),
        *("librarySectionTitle", "librarySectionUUID", "deepAnalysisVersion"),
    }
)
_VOLATILE_PARTS = frozenset({"Tag", "UltraBlurColors", "Related"})
_OF_ALBUMS = re.compile(r"(grand)?parent(?!RatingKey)")
# The number is updatedAt: /library/metadata/59/thumb/1579514153.
_VERSION = re.compile(r"(?<=/)(thumb|art|composite|banner|theme)/\d+$")


@dataclass(frozen=True, slots=True)
class Part:
    """The file behind a photo. `file` is where the server has it."""

    key: str
    size_bytes: int | None
    file: str

    @property
    def revision(self) -> str:
        """Part key and size: what changes with the picture, and with nothing else."""
        return f"{self.key} {'' if self.size_bytes is None else self.size_bytes}"


def part(photo: Element) -> Part | None:
    """Return the file of a photo; None where it has none, or none that can be named."""
    for media in photo.iter("Part"):
        key = media.get("key", "").partition("?")[0]
        size = media.get("size", "")
        if key.startswith("/"):
            found = Part(key, int(size) if size.isdecimal() else None, media.get("file", ""))
            return found if len(found.revision) <= _LONGEST_REVISION else None
    return None


def of_revision(revision: str) -> Part:
    """Return what a revision tells of the file: all but where it is."""
    key, _space, size = revision.rpartition(" ")
    return Part(key, int(size) if size.isdecimal() else None, "")


def is_photo(entry: Element) -> bool:
    """Tell a photo from a clip and from an album."""
    album = entry.get("key", "").endswith("/children")
    return entry.tag == "Photo" and entry.get("type", "photo") == "photo" and not album


def shown(photo: Element) -> Shown:
    """Return what a photo that was read in full shows."""
    tags = tuple(TagRef(Field.TAG, one.get("tag", "")) for one in photo.findall("Tag"))
    locks = (one for one in photo.findall("Field") if one.get("locked") == "1")
    locked = any(one.get("name") == Field.TAG for one in locks)
    file = part(photo)
    return Shown(
        photo.get("ratingKey", ""),
        tags,
        frozenset({Field.TAG}) if locked else frozenset(),
        rest(photo),
        photo.get("updatedAt"),
        revision=None if file is None else file.revision,
    )


def rest(photo: Element) -> str:
    """Return a digest of all but the tags, their lock, and what changes by itself."""
    told = "\n".join(_told(photo))
    return blake2b(told.encode(), digest_size=16).hexdigest()


def _told(element: Element) -> Iterator[str]:
    yield element.tag
    for name, value in sorted(element.items()):
        if name not in _VOLATILE and not _OF_ALBUMS.match(name):
            bare = _VERSION.sub(r"\1", value)
            yield f"{name}={bare!r}"
    parts = [one for one in element if not _is_volatile(one)]
    yield from sorted(" ".join(_told(one)) for one in parts)


def _is_volatile(element: Element) -> bool:
    return element.tag in _VOLATILE_PARTS or (
        element.tag == "Field" and element.get("name") == Field.TAG
    )
