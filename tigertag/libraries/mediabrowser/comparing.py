"""What became of an item in a write, besides its tags: what it lost, and what is another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tigertag.libraries.mediabrowser.metadata import is_empty, rest
from tigertag.libraries.mediabrowser.server import Entry


@dataclass(frozen=True, slots=True)
class Difference:
    """The names of what is not as it was.

    `lost` has no value any more, or not all of its values: that is what a write does that goes
    wrong. `other` has a value that it had not: somebody has edited it, or an agent.
    """

    lost: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def __add__(self, more: "Difference") -> "Difference":
        return Difference(self.lost + more.lost, self.other + more.other)

    def __bool__(self) -> bool:
        return bool(self.lost or self.other)


def difference(before: Entry, after: Entry) -> Difference:
    """Compare an item with what it was, the tags left aside."""
    had, has = rest(before), rest(after)
    names = sorted(name for name in had.keys() | has.keys() if had.get(name) != has.get(name))
    lost = tuple(name for name in names if name in had and _is_lost(had[name], has.get(name)))
    return Difference(lost, tuple(name for name in names if name not in lost))


def difference_of_tags(had: Sequence[str], wanted: Sequence[str], has: Sequence[str]) -> Difference:
    """Compare an item's tags with those it was to have; what was put on besides is no difference.

    A tag that was to stay is not lost where its owner has spelled it anew, or replaced it.
    """
    new = {word.casefold() for word in has if word not in had}
    stay = [word for word in had if word in wanted]
    if all(word in has or word.casefold() in new for word in stay):
        return Difference()
    replaced = new - {word.casefold() for word in wanted}
    return Difference(other=("Tags",)) if replaced else Difference(lost=("Tags",))


def mended(before: Entry, after: Entry, lost: Sequence[str]) -> Entry:
    """Return an item as it is now, but for what it lost, which is as it was."""
    back = {name: _whole(before[name], after.get(name)) for name in lost if name in before}
    return {**after, **back}


def _is_lost(had: Any, has: Any) -> bool:
    if isinstance(had, dict) and isinstance(has, dict):
        return not had.keys() <= has.keys()
    if isinstance(had, list) and isinstance(has, list):
        return all(one in had for one in has)
    return has is None


def _whole(had: Any, has: Any) -> Any:
    if isinstance(had, dict) and isinstance(has, dict):
        return {**had, **{key: one for key, one in has.items() if not is_empty(one)}}
    return had
