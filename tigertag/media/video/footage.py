"""What is seen of a video."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tigertag.model import Frame

_LEAST_MISSING_S, _LEAST_MISSING_SHARE = 2.0, 0.05


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
