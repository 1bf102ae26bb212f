"""Neighbouring frames of the same content."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tigertag.media.video.content import Watch
from tigertag.model import Frame


@dataclass(frozen=True, slots=True)
class Run:
    """Frames that were looked at and seem to be of one shot, and when the next shot was seen."""

    times_s: tuple[float, ...]
    next_s: float

    @property
    def middle_s(self) -> float:
        """The time looked at that is nearest to the middle of the shot."""
        middle_s = (self.times_s[0] + self.next_s) / 2
        return min(self.times_s, key=lambda at_s: abs(at_s - middle_s))


def of(frames: Sequence[Frame], threshold: float, end_s: float) -> list[Run]:
    """Cut where the content of a frame is another than that of the one before it.

    Keyframes are far apart, so that movement may count as a cut, too: then a shot is seen as more
    than one, which is harmless.
    """
    watch = Watch(threshold)
    begins = [n for n, frame in enumerate(frames) if watch.sees_other(frame)]
    times_s = [frame.at_s or 0.0 for frame in frames]
    bounds = [0, *begins, len(times_s)]
    return [
        Run(tuple(times_s[begin:end]), times_s[end] if end < len(times_s) else end_s)
        for begin, end in pairwise(bounds)
        if begin < end
    ]
