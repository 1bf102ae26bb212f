"""Tags of items on Plex: as they are read in full, and as they are edited.

Plex takes an edit in the query: `label[0].tag.tag` adds a label to each item of the set,
`label[].tag.tag-` removes those that stand there with commas between, each quoted once more, and
`type` and `id` are the filter that makes the set. Only what changes is sent, for all items at once
that change alike.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import quote
from xml.etree.ElementTree import Element

from plexapi.utils import joinArgs
from requests.utils import requote_uri

from tigertag.errors import Unreadable
from tigertag.libraries.mediaserver.listing import MAX_BATCH
from tigertag.libraries.mediaserver.sending import PendingEdit, TagChange, is_storable, left_to_do
from tigertag.libraries.plex.items import OPTIMIZED, PHOTO, ItemType, revision
from tigertag.libraries.plex.server import PlexClient, is_key
from tigertag.model import Edit, Field, Shown, TagRef
from tigertag.sequences import batched

LONGEST_URL = 8000

# What the server counts or works out by itself, or keeps of other items, and not of this one.
_VOLATILE_ATTRIBUTES = frozenset(
    {
        *("updatedAt", "viewCount", "viewOffset", "lastViewedAt", "skipCount", "lastRatedAt"),
        *("thumbBlurHash", "artBlurHash", "accessible", "exists", "hasThumbnail"),
        *("librarySectionTitle", "librarySectionUUID", "deepAnalysisVersion"),
        *("leafCount", "viewedLeafCount", "childCount", "count", "indexes"),
    }
)
_VOLATILE_ELEMENTS = frozenset({"UltraBlurColors", "Related"})
_OF_PARENTS = re.compile(r"(grand)?parent(?!RatingKey)")
# The number is updatedAt: /library/metadata/59/thumb/1579514153.
_PICTURE_TIME = re.compile(r"(?<=/)(thumb|art|composite|banner|theme)/\d+$")
_TAG_ELEMENTS = {
    Field.TAG: "Tag",
    Field.LABEL: "Label",
    Field.GENRE: "Genre",
    Field.COLLECTION: "Collection",
}


@dataclass(frozen=True, slots=True)
class ShownByPlex(Shown):
    """What Plex shows of an item, and of which type it is."""

    type: ItemType = PHOTO


def shown(
    entry: Element, type: ItemType, *, wanted: Field, genres: Field | None = None
) -> ShownByPlex:
    """Return what an item that was read in full shows.

    Its tags are those of all fields that its type has. `wanted`: where the user wants new ones,
    `genres`: where genres, if not there, too.
    """
    locked = {field.get("name") for field in entry.findall("Field") if field.get("locked") == "1"}
    return ShownByPlex(
        entry.get("ratingKey", ""),
        tuple(
            TagRef(field, tag.get("tag", ""))
            for field in type.fields
            for tag in entry.findall(_TAG_ELEMENTS[field])
        ),
        frozenset(field for field in type.fields if field in locked),
        digest_of_rest(entry),
        entry.get("updatedAt"),
        revision=revision(entry, type),
        field=type.field(wanted),
        genre_field=None if genres is None else type.field(genres),
        type=type,
    )


def digest_of_rest(entry: Element) -> str:
    """Return a digest of all but the tags, their locks, and what changes by itself."""
    lines = "\n".join(_rest(entry))
    return blake2b(lines.encode(), digest_size=16).hexdigest()


def _rest(element: Element) -> Iterator[str]:
    yield element.tag
    for name, value in sorted(element.items()):
        if name not in _VOLATILE_ATTRIBUTES and not _OF_PARENTS.match(name):
            untimed = _PICTURE_TIME.sub(r"\1", value)
            yield f"{name}={untimed!r}"
    yield from sorted(" ".join(_rest(part)) for part in element if not _is_volatile(part))


def _is_volatile(element: Element) -> bool:
    is_lock = element.tag == "Field" and element.get("name") in _TAG_ELEMENTS
    optimized = element.tag == "Media" and element.get("proxyType") == OPTIMIZED
    is_tag = element.tag in _TAG_ELEMENTS.values()
    return is_lock or optimized or is_tag or element.tag in _VOLATILE_ELEMENTS


@dataclass(frozen=True, slots=True)
class FieldChange(TagChange):
    """A change of items of one type, with the locks to leave on their fields."""

    type: ItemType
    locks: tuple[tuple[Field, bool], ...]

    def halves(self) -> "tuple[FieldChange, FieldChange]":
        """Split it in two; neither is empty where there are two tags or more."""
        middle = (len(self.adds) + len(self.removes)) // 2
        of_adds, of_removes = min(middle, len(self.adds)), max(0, middle - len(self.adds))
        return (
            replace(self, adds=self.adds[:of_adds], removes=self.removes[:of_removes]),
            replace(self, adds=self.adds[of_adds:], removes=self.removes[of_removes:]),
        )


class PlexWriter:
    """See `mediaserver.sending.Writer`."""

    def __init__(self, client: PlexClient) -> None:
        self._client = client

    def problem(self, edit: Edit) -> str:
        if not is_key(edit.item.key) or not is_key(edit.item.section):
            return "It has no key of an item on Plex."
        if not all(is_storable(tag.name) for tag in edit.adds):
            return "A tag has characters that Plex cannot store."
        return ""

    def change(self, edit: Edit, shown: ShownByPlex) -> FieldChange | None:
        type = shown.type
        for tag in edit.adds:
            if tag.field not in type.fields:
                fields = " and ".join(f"{field}s" for field in type.fields)
                raise Unreadable(
                    f"On Plex, {type.phrase} has {fields}, no {tag.field}s; nothing was written."
                )
        adds, removes = left_to_do(edit, shown)
        added = {tag.field for tag in adds}
        # An edit sets the locks of the fields that it names, or of all if it is of locks alone.
        named = {tag.field for tag in (*edit.adds, *edit.removes)} or set(type.fields)
        locks = {
            field: field in (added | shown.locked if edit.locked is None else edit.locked)
            for field in type.fields
            if field in named
        }
        same_locks = all(locked == (field in shown.locked) for field, locked in locks.items())
        if not adds and not removes and same_locks:
            return None
        return FieldChange(adds, removes, type, tuple(locks.items()))

    def groups(
        self, pending: Sequence[PendingEdit[FieldChange]]
    ) -> Iterator[list[PendingEdit[FieldChange]]]:
        """Group the edits of a section that change the same, as many as one request takes."""
        alike: dict[tuple[str, FieldChange], list[PendingEdit[FieldChange]]] = {}
        for item in pending:
            alike.setdefault((item.edit.item.section, item.change), []).append(item)
        for group in alike.values():
            yield from batched(group, MAX_BATCH)

    def write(self, group: Sequence[PendingEdit[FieldChange]]) -> None:
        section, keys = group[0].edit.item.section, [item.key for item in group]
        # All paths are made before the first is sent: a tag that is too long fails the edit whole.
        for path in list(edit_paths(self._client.url, section, keys, group[0].change)):
            self._client.put(path)


def edit_paths(url: str, section: str, keys: Sequence[str], change: FieldChange) -> Iterator[str]:
    """Yield the requests that make a change to items, each short enough for a URL.

    `url` is the server's. Raises `Unreadable` where one tag alone is too long.
    """
    path = edit_path(section, keys, change)
    if _sent_length(url + path) <= LONGEST_URL:
        yield path
    elif len(change.adds) + len(change.removes) > 1:
        for half in change.halves():
            yield from edit_paths(url, section, keys, half)
    elif len(keys) > 1:
        for part in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            yield from edit_paths(url, section, part, change)
    else:
        raise Unreadable("One of its tags is too long for Plex.")


def edit_path(section: str, keys: Sequence[str], change: FieldChange) -> str:
    """Return the request that makes a change to items.

    The keys are the filter: without one, Plex edits the whole section. Raises `ValueError`.
    """
    if not keys or not all(is_key(key) for key in (section, *keys)):
        raise ValueError("an edit must name its items")
    arguments: dict[str, object] = {"type": change.type.number, "id": ",".join(keys)}
    for field, locked in change.locks:
        adds = [tag.name for tag in change.adds if tag.field is field]
        removes = [quote(tag.name) for tag in change.removes if tag.field is field]
        arguments |= {f"{field}[{at}].tag.tag": name for at, name in enumerate(adds)}
        if removes:
            arguments[f"{field}[].tag.tag-"] = ",".join(removes)
        arguments[f"{field}.locked"] = int(locked)
    query: str = joinArgs(arguments)  # type: ignore[no-untyped-call]
    return f"/library/sections/{section}/all{query}"


def _sent_length(url: str) -> int:
    """The length as it is sent: brackets are escaped then."""
    return len(requote_uri(url)) + 2 * (url.count("[") + url.count("]"))
