"""Tags of what is in a group, a season or a show → tags of the group."""

from collections.abc import Sequence
from math import fsum
from typing import Final

from tigertag.model import Evidence, Kind, Label, Tag

LEAST_SHARE: Final = 0.5
"""A word goes up to a group when at least this share of what is in it bears it."""


def rolled_up(parts: Sequence[Sequence[Tag]]) -> tuple[Tag, ...]:
    """Return the tags of a group, those borne by most first; `parts` are the tags of each item.

    Tags are counted by kind and word: a genre goes elsewhere than what is seen. A tag's confidence
    is the mean of those of the items that bear it; the engines that speak for it are theirs.
    """
    bearing: dict[tuple[Kind, str], list[Tag]] = {}
    for tags in parts:
        for meaning, tag in {(tag.kind, tag.name.casefold()): tag for tag in tags}.items():
            bearing.setdefault(meaning, []).append(tag)
    common = [some for some in bearing.values() if len(some) >= LEAST_SHARE * len(parts)]
    common.sort(key=lambda some: (-len(some), some[0].name))
    return tuple(_tag(some, len(parts)) for some in common)


def _tag(borne: Sequence[Tag], of: int) -> Tag:
    name, mean = borne[0].name, fsum(tag.confidence for tag in borne) / len(borne)
    engines = dict.fromkeys(why.engine for tag in borne for why in tag.because)
    share = f"on {len(borne)} of {of} in it"
    label = Label(name, mean, kind=borne[0].kind)
    return Tag(
        name,
        mean,
        borne[0].concept,
        borne[0].kind,
        because=tuple(Evidence(engine, share, label) for engine in engines),
    )
