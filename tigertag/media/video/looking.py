"""The frames that engines see of a video."""

from collections.abc import Callable

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video import faults
from tigertag.media.video.footage import Footage
from tigertag.model import Frame


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
        from tigertag.media.video import ways

        return ways.footage(source, sampling, short_side_px, most, cancelled)
    except ImportError as exc:
        raise Unreadable(faults.NO_EXTRA, retryable=True) from exc


def still(source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
    """Return the frame that is shown at this time; without one, a frame that stands for the video.

    Its pixels, and what is raised, are as with `footage`.
    """
    try:
        from tigertag.media.video import stills

        return stills.still(source, short_side_px, at_s)
    except ImportError as exc:
        raise Unreadable(faults.NO_EXTRA, retryable=True) from exc
