"""What is said of the frames of a video → what is said of the video."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from typing import Final

from tigertag.model import Answer, Kind, Label

EXPONENT: Final = 4
"""Of the mean over frames: the higher, the less it matters in how many of them something shows."""

_MOST_EVIDENCE = 5


def power_mean(strengths: Sequence[float]) -> float:
    """Return (1/n · Σ pᵢ⁴)^¼, one strength for each of the n frames that were looked at.

    What shows with strength s in k of n frames gets s · (k/n)^¼: all of s where it shows
    throughout, 0.84 · s in half of the frames, 0.56 · s in one of ten. It is never above the
    strongest frame, and of one frame it is that frame. Source: the generalized mean (Hardy,
    Littlewood, Pólya, Inequalities, 2.2), its exponent between those of the mean and the maximum.
    """
    best = max(strengths, default=0.0)
    if best <= 0.0:
        return 0.0
    powers = fsum((strength / best) ** EXPONENT for strength in strengths)
    return float(best * (powers / len(strengths)) ** (1 / EXPONENT))


def spoken(answer: Answer) -> Iterator[Label]:
    """Yield the labels: all of an item's; of a video's those of the frames that were looked at."""
    looked_at = set(answer.frames)
    return (label for label in answer.labels if not looked_at or label.at_s in looked_at)


def each(answer: Answer) -> Mapping[float, Sequence[Label]]:
    """Return the labels of each frame that was looked at."""
    found: dict[float, list[Label]] = {at_s: [] for at_s in answer.frames}
    for label in spoken(answer):
        if label.at_s is not None:
            found[label.at_s].append(label)
    return found


def confidence(labels: Sequence[Label], answer: Answer) -> float:
    """Return how sure the answer is of a word that it says by these labels of one kind.

    Of a frame its best label counts. A face counts by its strongest frame alone: who appears once
    is in the video.
    """
    best: dict[float | None, float] = {}
    for label in labels:
        best[label.at_s] = max(label.confidence, best.get(label.at_s, 0.0))
    if not answer.frames or labels[0].kind is Kind.FACE:
        return max(best.values())
    return power_mean([best.get(at_s, 0.0) for at_s in dict.fromkeys(answer.frames)])


def strongest(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Return the labels that speak loudest, at most five, of as many different times as may be."""
    ranked = sorted(labels, key=lambda label: (-label.confidence, label.at_s or 0.0))
    first: dict[float | None, Label] = {}
    more = [label for label in ranked if first.setdefault(label.at_s, label) is not label]
    chosen = [*first.values(), *more][:_MOST_EVIDENCE]
    return tuple(sorted(chosen, key=lambda label: -label.confidence))
