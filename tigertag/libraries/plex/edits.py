"""Edits as requests: only what changes, for all items at once that change alike.

Plex takes an edit in the query: `tag[0].tag.tag` adds a tag to each item of the set,
`tag[].tag.tag-` removes those that stand there with commas between, each quoted once more, and
`id` is the filter that makes the set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category
from urllib.parse import quote

from plexapi.utils import joinArgs
from requests.utils import requote_uri

from tigertag.errors import Unreadable
from tigertag.libraries.plex.reading import is_key
from tigertag.model import Edit, Field, Shown, TagRef

LONGEST_URL = 8000
_PHOTO = 13


@dataclass(frozen=True, slots=True)
class Delta:
    """What is to change, in the server's spelling, and the lock to leave behind."""

    adds: tuple[str, ...]
    removes: tuple[str, ...]
    locked: bool

    def halves(self) -> "tuple[Delta, Delta]":
        """Part it in two; neither is empty where there are two words or more."""
        words = [(True, word) for word in self.adds] + [(False, word) for word in self.removes]
        middle = len(words) // 2
        first, second = (
            Delta(
                tuple(word for adds, word in some if adds),
                tuple(word for adds, word in some if not adds),
                self.locked,
            )
            for some in (words[:middle], words[middle:])
        )
        return first, second


def problem(edit: Edit) -> str:
    """Say why Plex cannot keep an edit; "" where it can."""
    if not is_key(edit.item.key) or not is_key(edit.item.section):
        return "Its key is none of a photo on Plex."
    if any(tag.field is not Field.TAG for tag in edit.adds):
        return "A photo on Plex has tags alone, no labels and no genres."
    if not all(_storable(tag.name) for tag in edit.adds):
        return "A tag of characters that Plex cannot hold was refused."
    return ""


def _storable(name: str) -> bool:
    return bool(name.strip()) and all(category(one) not in ("Cc", "Cs") for one in name)


def delta(edit: Edit, seen: Shown) -> Delta | None:
    """Return what is left to be done of an edit; None where all of it is there already."""
    present = {tag.word: tag.name for tag in seen.tags}
    adds = {tag.word: tag.name for tag in edit.adds if tag.word not in present}
    exact = {tag.name for tag in seen.tags}
    removes = [
        tag.name if tag.name in exact else present[tag.word]
        for tag in edit.removes
        if tag.word in present
    ]
    had = Field.TAG in seen.locked
    locked = (bool(adds) or had) if edit.locked is None else Field.TAG in edit.locked
    if not adds and not removes and locked == had:
        return None
    return Delta(tuple(adds.values()), tuple(removes), locked)


def took(edit: Edit, before: Shown, after: Shown) -> bool:
    """Whether anything of an edit shows."""
    had, has = _words(before.tags), _words(after.tags)
    added = any(tag.word in has and tag.word not in had for tag in edit.adds)
    return added or any(tag.word in had and tag.word not in has for tag in edit.removes)


def _words(tags: Sequence[TagRef]) -> set[tuple[Field, str]]:
    return {tag.word for tag in tags}


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
    fields: dict[str, object] = {"type": _PHOTO, "id": ",".join(keys)}
    fields["tag.locked"] = int(change.locked)
    fields |= {f"tag[{number}].tag.tag": word for number, word in enumerate(change.adds)}
    if change.removes:
        fields["tag[].tag.tag-"] = ",".join(quote(word) for word in change.removes)
    query: str = joinArgs(fields)  # type: ignore[no-untyped-call]
    return f"/library/sections/{section}/all{query}"


def _length(url: str) -> int:
    """The length as it is sent: brackets are escaped then."""
    return len(requote_uri(url)) + 2 * (url.count("[") + url.count("]"))
