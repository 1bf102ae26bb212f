"""Taking the frames that are worth it, and others for those that are not."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tigertag.media.video import worth
from tigertag.model import Frame

T = TypeVar("T")
_ROUNDS = 3


def picked(
    places: Sequence[T], most: int, look: Callable[[Sequence[T]], Iterable[Frame]]
) -> list[Frame]:
    """Look at no more than `most` of the places at a time, spread evenly; keep what is worth it.

    Where frames were left out, others of the places are looked at, at most twice. Of frames that
    are all dull, the one of the most contrast is kept.
    """
    unused = list(places)
    seen: dict[float | None, Frame] = {}
    kept: list[Frame] = []
    for _ in range(_ROUNDS):
        chosen = set(worth.spread(len(unused), most - len(kept)))
        seen |= {frame.at_s: frame for frame in look([unused[n] for n in sorted(chosen)])}
        unused = [place for n, place in enumerate(unused) if n not in chosen]
        kept = worth.kept(seen[at_s] for at_s in sorted(seen, key=_number))
        if len(kept) >= most or not unused:
            break
    return [kept[n] for n in worth.spread(len(kept), most)]


def _number(at_s: float | None) -> float:
    return at_s or 0.0
