"""Edits as requests: only what changes, for all items at once that change alike.

Plex takes an edit in the query: `label[0].tag.tag` adds a label to each item of the set,
`label[].tag.tag-` removes those that stand there with commas between, each quoted once more, and
`type` and `id` are the filter that makes the set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from plexapi.utils import joinArgs
from requests.utils import requote_uri

from tigertag.errors import Unreadable
from tigertag.libraries.mediaserver.edits import is_storable, left
from tigertag.libraries.plex.kinds import Kind
from tigertag.libraries.plex.reading import is_key
from tigertag.libraries.plex.shown import Seen
from tigertag.model import Edit, Field, TagRef

LONGEST_URL = 8000


@dataclass(frozen=True, slots=True)
class Delta:
    """What is to change on items of a type, in the server's spelling, and the locks to leave."""

    kind: Kind
    adds: tuple[TagRef, ...]
    removes: tuple[TagRef, ...]
    locks: tuple[tuple[Field, bool], ...]

    def halves(self) -> "tuple[Delta, Delta]":
        """Part it in two; neither is empty where there are two words or more."""
        middle = (len(self.adds) + len(self.removes)) // 2
        of_adds, of_removes = min(middle, len(self.adds)), max(0, middle - len(self.adds))
        return (
            replace(self, adds=self.adds[:of_adds], removes=self.removes[:of_removes]),
            replace(self, adds=self.adds[of_adds:], removes=self.removes[of_removes:]),
        )


def problem(edit: Edit) -> str:
    """Say why Plex cannot keep an edit, whatever the item is; "" where it may."""
    if not is_key(edit.item.key) or not is_key(edit.item.section):
        return "Its key is none of an item on Plex."
    if not all(is_storable(tag.name) for tag in edit.adds):
        return "A tag of characters that Plex cannot hold was refused."
    return ""


def misplaced(edit: Edit, kind: Kind) -> str:
    """Say which field of an edit the item does not have; "" where it has all."""
    for tag in edit.adds:
        if tag.field not in kind.fields:
            has = " and ".join(f"{field}s" for field in kind.fields)
            return f"On Plex, {kind.called} has {has}, no {tag.field}s; nothing was written."
    return ""


def delta(edit: Edit, seen: Seen) -> Delta | None:
    """Return what is left to be done of an edit; None where all of it is there already."""
    adds, removes = left(edit, seen.shown)
    had = seen.shown.locked
    added = {tag.field for tag in adds}
    locks = {field: field in added or field in had for field in _touched(edit, seen.kind)}
    if edit.locked is not None:
        locks = {field: field in edit.locked for field in locks}
    if not adds and not removes and all(locks[field] == (field in had) for field in locks):
        return None
    return Delta(seen.kind, adds, removes, tuple(locks.items()))


def _touched(edit: Edit, kind: Kind) -> list[Field]:
    """The fields whose locks are an edit's: those of its tags; all if it is of locks alone."""
    named = {tag.field for tag in (*edit.adds, *edit.removes)}
    return [field for field in kind.fields if field in named or not named]


def paths(base: str, section: str, keys: Sequence[str], change: Delta) -> Iterator[str]:
    """Yield the requests that make a change to items, each short enough for a URL.

    `base` is the server's address. Raises `Unreadable` where one tag alone is too long.
    """
    whole = path(section, keys, change)
    if _length(base + whole) <= LONGEST_URL:
        yield whole
    elif len(change.adds) + len(change.removes) > 1:
        for half in change.halves():
            yield from paths(base, section, keys, half)
    elif len(keys) > 1:
        for some in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            yield from paths(base, section, some, change)
    else:
        raise Unreadable("One of its tags is too long for Plex.")


def path(section: str, keys: Sequence[str], change: Delta) -> str:
    """Return the request that makes a change to items.

    The keys are the filter: without one, Plex edits the whole section. Raises `ValueError`.
    """
    if not keys or not all(is_key(one) for one in (section, *keys)):
        raise ValueError("an edit must name its items")
    told: dict[str, object] = {"type": change.kind.number, "id": ",".join(keys)}
    for field, locked in change.locks:
        told |= _of_field(change, field) | {f"{field}.locked": int(locked)}
    query: str = joinArgs(told)  # type: ignore[no-untyped-call]
    return f"/library/sections/{section}/all{query}"


def _of_field(change: Delta, field: Field) -> dict[str, object]:
    adds = [tag.name for tag in change.adds if tag.field is field]
    removes = [quote(tag.name) for tag in change.removes if tag.field is field]
    told: dict[str, object] = {f"{field}[{at}].tag.tag": name for at, name in enumerate(adds)}
    return told | ({f"{field}[].tag.tag-": ",".join(removes)} if removes else {})


def _length(url: str) -> int:
    """The length as it is sent: brackets are escaped then."""
    return len(requote_uri(url)) + 2 * (url.count("[") + url.count("]"))
