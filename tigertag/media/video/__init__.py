"""The frames of a video, seen without decoding more of it than they need.

PyAV and OpenCV are imported when a video is opened: a TigerTag without them reads photos.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video.quality import is_dull
from tigertag.model import Frame

__all__ = ["Footage", "footage", "is_dull", "still"]

_LEAST_MISSING_S, _LEAST_MISSING_SHARE = 2.0, 0.05
_NO_EXTRA = "Videos need the extra `video`; install it with: pip install 'tigertag[video]'."


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


def footage(
    source: Source,
    sampling: Sampling,
    *,
    short_side_px: int,
    most: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Footage:
    """Return the frames of a video that `sampling` asks for, at most `most`.

    The pixels are upright RGB, uint8, shape (height, width, 3), C-contiguous and read-only; the
    short side is `short_side_px` where the video is larger. Frames that are black, white, plain or
    nearly the same as the one before them are left out, but for one. The lengths of the shots are
    told where every frame is looked at (`Sampling.exact`). Raises `Unreadable`, its message one
    line that does not name the file, `ItemGone`, and what a stream raises.
    """
    try:
        from tigertag.media.video import samplers

        return samplers.footage(source, sampling, short_side_px, most, cancelled)
    except ImportError as exc:
        raise Unreadable(_NO_EXTRA, retryable=True) from exc


def still(source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
    """Return the frame that is shown at this time; without one, a frame that stands for the video.

    Its pixels, and what is raised, are as with `footage`.
    """
    try:
        from tigertag.media.video import samplers

        return samplers.still(source, short_side_px, at_s)
    except ImportError as exc:
        raise Unreadable(_NO_EXTRA, retryable=True) from exc


def ends_early(at_s: float, duration_s: float) -> bool:
    """Whether a video that ends then ends clearly before its time.

    Sound may go on a little when the pictures have ended: 2 s and 5 % are let pass.
    """
    return at_s < duration_s - max(_LEAST_MISSING_S, _LEAST_MISSING_SHARE * duration_s)


def lengths_s(begins_s: Iterable[float], end_s: float) -> tuple[float, ...]:
    """Return how long shots are that begin at these times, the first one at 0."""
    times_s = (0.0, *begins_s, end_s)
    return tuple(round(end - begin, 3) for begin, end in pairwise(times_s) if end > begin)
