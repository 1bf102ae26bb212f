"""What is seen of a video: its frames, which of them are good enough, and how long it is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tigertag.model import Frame
from tigertag.sequences import evenly

T = TypeVar("T")

NO_FRAME = "No frame of this video can be decoded."

_LEAST_MISSING_S, _LEAST_MISSING_SHARE = 2.0, 0.05
_ROUNDS = 3
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_BLACK, _WHITE, _NEARLY_ALL = 40, 225, 99.0
_FLAT_LEVELS, _FLAT_SHARE = 3, 0.85
_THUMB_PX = 32
_SAME_LEVELS = 3.5


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames of a video, in their order, and how long its shots are.

    `shots_s` is empty where not every frame was looked at to find the shots: what else is found is
    up to the encoder. `duration_s` is how long the video says it is, `end_s` where it was found to
    end; that is looked for only where a late frame was asked for and was not there.
    """

    frames: tuple[Frame, ...]
    shots_s: tuple[float, ...] = ()
    duration_s: float = 0.0
    end_s: float = 0.0

    @property
    def is_cut_short(self) -> bool:
        return ends_early(self.end_s, self.duration_s)


def ends_early(at_s: float, duration_s: float) -> bool:
    """Whether a video that ends then ends clearly before its time.

    Sound may go on a little when the pictures have ended: 2 s and 5 % are let pass.
    """
    return at_s < duration_s - max(_LEAST_MISSING_S, _LEAST_MISSING_SHARE * duration_s)


def lengths_s(begins_s: Iterable[float], end_s: float) -> tuple[float, ...]:
    """Return how long shots are that begin at these times, the first one at 0."""
    times_s = (0.0, *begins_s, end_s)
    return tuple(round(end - begin, 3) for begin, end in pairwise(times_s) if end > begin)


def pick(
    places: Sequence[T], most: int, look: Callable[[Sequence[T]], Iterable[Frame]]
) -> list[Frame]:
    """Look at no more than `most` of the places at a time, spread evenly; keep the good frames.

    Where frames were left out, others of the places are looked at, at most twice. Of frames that
    are all dull, the one of the most contrast is kept.
    """
    unused = list(places)
    seen: dict[float, Frame] = {}
    good: list[Frame] = []
    for _ in range(_ROUNDS):
        chosen = set(evenly(range(len(unused)), most - len(good)))
        seen |= {frame.at_s or 0.0: frame for frame in look([unused[n] for n in sorted(chosen)])}
        unused = [place for n, place in enumerate(unused) if n not in chosen]
        good = good_frames(seen[at_s] for at_s in sorted(seen))
        if len(good) >= most or not unused:
            break
    return list(evenly(good, most))


def good_frames(frames: Iterable[Frame]) -> list[Frame]:
    """Leave out what is dull, and what is nearly the same as the frame kept before it.

    Where nothing is left, the frame of the most contrast is.
    """
    ordered = list(frames)
    good: list[Frame] = []
    for frame in ordered:
        if not is_dull(frame) and not (good and are_same(good[-1], frame)):
            good.append(frame)
    return good or ([max(ordered, key=lambda frame: _luma(frame).std())] if ordered else [])


def is_dull(frame: Frame) -> bool:
    """Whether the frame is black, white, or one plain colour with little on it.

    Black: 99 % of the pixels have a luma (BT.601) below 40; white: above 225. Plain: 85 % of them
    lie within 3 levels of the most common luma, as the ground of a title card does.
    """
    luma = _luma(frame)
    if np.percentile(luma, _NEARLY_ALL) < _BLACK or np.percentile(luma, 1.0) > _WHITE:
        return True
    counts = np.bincount(luma.ravel(), minlength=256)
    near = np.convolve(counts, np.ones(2 * _FLAT_LEVELS + 1, dtype=np.int64), mode="same")
    return int(near.max()) >= _FLAT_SHARE * luma.size


def are_same(one: Frame, other: Frame) -> bool:
    """Whether two frames, 32 x 32 pixels small, differ by less than 3.5 levels on average."""
    return float(np.abs(_thumb(one) - _thumb(other)).mean()) < _SAME_LEVELS


def _luma(frame: Frame) -> NDArray[np.uint8]:
    return (np.asarray(frame.pixels) @ _LUMA).astype(np.uint8)


def _thumb(frame: Frame) -> NDArray[np.float32]:
    small = Image.fromarray(np.asarray(frame.pixels)).resize(
        (_THUMB_PX, _THUMB_PX), Image.Resampling.BOX
    )
    return np.asarray(small, dtype=np.float32)
