"""What is left to be done of an edit, and what came of it."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar
from unicodedata import category

from tigertag.model import Edit, Shown, TagRef

Tags = tuple[TagRef, ...]
T = TypeVar("T", bound=Hashable)


def is_storable(name: str) -> bool:
    """Whether a server can hold a tag: one that is not blank, of characters of text alone."""
    return bool(name.strip()) and all(category(one) not in ("Cc", "Cs") for one in name)


def meant(removes: Iterable[T], there: Sequence[T], *, word: Callable[[T], Hashable]) -> list[T]:
    """Return which of the tags that are there are to be removed, spelled as they are.

    A tag is meant if it has the same spelling, or if it alone is of the same `word`: of two such as
    "straße" and "Strasse", of which the other was named, nobody knows whose they are.
    """
    alike: dict[Hashable, set[T]] = {}
    for tag in there:
        alike.setdefault(word(tag), set()).add(tag)
    found: dict[T, None] = {}
    for tag in removes:
        candidates = alike.get(word(tag), set())
        named = {tag} & candidates or (candidates if len(candidates) == 1 else set())
        found |= dict.fromkeys(named)
    return list(found)


def left(edit: Edit, seen: Shown) -> tuple[Tags, Tags]:
    """Return what is left to add and to remove; the removes are spelled as the server does."""
    present = {tag.word for tag in seen.tags}
    adds = {tag.word: tag for tag in edit.adds if tag.word not in present}
    removes = meant(edit.removes, seen.tags, word=attrgetter("word"))
    return tuple(adds.values()), tuple(removes)


def took(edit: Edit, before: Shown, after: Shown) -> bool:
    """Whether anything of an edit shows."""
    adds, removes = left(edit, before)
    has = {tag.word for tag in after.tags}
    return any(tag.word in has for tag in adds) or any(tag not in after.tags for tag in removes)
