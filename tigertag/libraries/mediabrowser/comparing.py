"""What became of an item in a write, besides its tags: what it lost, and what is another."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tigertag.libraries.mediabrowser.dialect import names
from tigertag.libraries.mediabrowser.metadata import is_empty, rest
from tigertag.libraries.mediabrowser.server import Entry
from tigertag.model import fold

_NUMBER = re.compile(r"0*[1-9][0-9]*")
_IDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {"imdb": re.compile(r"[a-z]{2}[0-9]+"), "tmdb": _NUMBER, "tmdbcollection": _NUMBER}
)
"""What Jellyfin 12 takes as an id of a photo or a video; it drops others
(ProviderIdsExtensions.IsValidProviderId)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The names of what is not as it was.

    `lost` has no value any more, or not all of its values: that is what a write does that goes
    wrong. `merged` had values that are alike, and the server has made one of them: that is about
    this item alone. `other` has a value that it had not: somebody has edited it, or an agent.
    """

    lost: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()

    def __add__(self, more: "Difference") -> "Difference":
        return Difference(self.lost + more.lost, self.other + more.other, self.merged + more.merged)

    def __bool__(self) -> bool:
        return bool(self.lost or self.other or self.merged)


def difference(before: Entry, after: Entry) -> Difference:
    """Compare an item with what it was, the tags left aside."""
    had, has = rest(before), rest(after)
    changed = sorted(name for name in had.keys() | has.keys() if had.get(name) != has.get(name))
    merged = tuple(name for name in changed if _is_merged(had.get(name), has.get(name)))
    lost = tuple(
        name
        for name in changed
        if name not in merged and name in had and _is_lost(had[name], has.get(name))
    )
    other = tuple(name for name in changed if name not in merged and name not in lost)
    return Difference(lost, other, merged)


def difference_of_tags(had: Sequence[str], wanted: Sequence[str], has: Sequence[str]) -> Difference:
    """Compare an item's tags with those it was to have; what was put on besides is no difference.

    A tag that was to stay is not lost where its owner or the server has spelled it anew, or its
    owner has replaced it. A blank one is no tag.
    """
    new = Counter(fold(word) for word in set(has) - set(had))
    stay = {word for word in had if word in wanted and word.strip()}
    gone = Counter(fold(word) for word in stay.difference(has)) - new
    if not gone:
        return Difference()
    if gone.keys() <= {fold(word) for word in has}:
        return Difference(merged=("Tags",))
    replaced = new.keys() - {fold(word) for word in wanted}
    return Difference(other=("Tags",)) if replaced else Difference(lost=("Tags",))


def not_kept(before: Entry, tags: Sequence[str]) -> str:
    """Say what Jellyfin 12 does not keep of an item that is sent back; "" where it keeps all.

    It trims tags, drops of each list what differs in case alone from an earlier value, and drops
    ids that are not in the provider's form (ItemUpdateController).
    """
    lists: list[tuple[str, Sequence[str], Callable[[str], str]]] = [
        ("tags", tags, str.strip),
        ("genres", names(before.get("Genres")), str),
        ("studios", names(before.get("Studios"), "Name"), str),
        ("production locations", names(before.get("ProductionLocations")), str),
    ]
    for called, values, trimmed in lists:
        if pair := _alike([trimmed(one) for one in values]):
            return f"only one of its {called} “{pair[0]}” and “{pair[1]}”"
    return next((f"not its {name} id “{value}”" for name, value in _strange_ids(before)), "")


def _alike(values: Sequence[str]) -> tuple[str, str] | None:
    first: dict[str, str] = {}
    for value in values:
        known = first.setdefault(_ordinal(value), value)
        if known != value:
            return known, value
    return None


def _ordinal(word: str) -> str:
    """Letter by letter, as .NET compares words when case is to be ignored: ß is not SS."""
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in word)


def _strange_ids(before: Entry) -> Iterator[tuple[str, str]]:
    ids = before.get("ProviderIds")
    for name, value in ids.items() if isinstance(ids, dict) else ():
        form = _IDS.get(str(name).strip().lower())
        if form and not is_empty(value) and not form.fullmatch(str(value).strip().lower()):
            yield name, value


def mended(before: Entry, after: Entry, lost: Sequence[str]) -> Entry:
    """Return an item as it is now, but for what it lost, which is as it was."""
    back = {name: _whole(before[name], after.get(name)) for name in lost if name in before}
    return {**after, **back}


def _is_merged(had: Any, has: Any) -> bool:
    """Whether values that are alike were made one, and nothing else has changed."""
    if not isinstance(had, list) or not isinstance(has, list):
        return False
    fewer = len(has) < len(had) and all(one in had for one in has)
    return fewer and {fold(str(one)) for one in had} == {fold(str(one)) for one in has}


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
