"""An item as the server shows it when it is read in full."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from xml.etree.ElementTree import Element

from tigertag.libraries.plex.kinds import Kind
from tigertag.libraries.plex.parts import OPTIMIZED, revision
from tigertag.model import Field, Shown, TagRef

# What the server counts or works out by itself, or keeps of other items, and not of this one.
_VOLATILE = frozenset(
    {
        *("updatedAt", "viewCount", "viewOffset", "lastViewedAt", "skipCount", "lastRatedAt"),
        *("thumbBlurHash", "artBlurHash", "accessible", "exists", "hasThumbnail"),
        *("librarySectionTitle", "librarySectionUUID", "deepAnalysisVersion"),
        *("leafCount", "viewedLeafCount", "childCount", "count", "indexes"),
    }
)
_VOLATILE_PARTS = frozenset({"UltraBlurColors", "Related"})
_OF_ALBUMS = re.compile(r"(grand)?parent(?!RatingKey)")
# The number is updatedAt: /library/metadata/59/thumb/1579514153.
_VERSION = re.compile(r"(?<=/)(thumb|art|composite|banner|theme)/\d+$")
_ELEMENTS = {
    Field.TAG: "Tag",
    Field.LABEL: "Label",
    Field.GENRE: "Genre",
    Field.COLLECTION: "Collection",
}
_FIELDS = frozenset(_ELEMENTS.values())


@dataclass(frozen=True, slots=True)
class Seen:
    """What an item shows, and of which type it is."""

    kind: Kind
    shown: Shown


def seen(entry: Element, kind: Kind, *, wanted: Field, genres: Field | None = None) -> Seen:
    """Return what an item that was read in full shows.

    Its tags are those of all fields that its type has. `wanted`: where the user wants new ones,
    `genres`: where genres, if not there, too.
    """
    shown = Shown(
        entry.get("ratingKey", ""),
        tuple(_tags(entry, kind)),
        frozenset(_locks(entry, kind)),
        rest(entry),
        entry.get("updatedAt"),
        revision=revision(entry, kind),
        field=kind.field(wanted),
        genre_field=None if genres is None else kind.field(genres),
    )
    return Seen(kind, shown)


def _tags(entry: Element, kind: Kind) -> Iterator[TagRef]:
    for field in kind.fields:
        for one in entry.findall(_ELEMENTS[field]):
            yield TagRef(field, one.get("tag", ""))


def _locks(entry: Element, kind: Kind) -> Iterator[Field]:
    named = {one.get("name") for one in entry.findall("Field") if one.get("locked") == "1"}
    return (field for field in kind.fields if field in named)


def rest(entry: Element) -> str:
    """Return a digest of all but the tags, their locks, and what changes by itself."""
    told = "\n".join(_told(entry))
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
    lock = element.tag == "Field" and element.get("name") in _ELEMENTS
    made = element.tag == "Media" and element.get("proxyType") == OPTIMIZED
    return lock or made or element.tag in _VOLATILE_PARTS or element.tag in _FIELDS
