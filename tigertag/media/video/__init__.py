"""The frames of a video, seen without decoding more of it than they need.

PyAV and OpenCV are imported when a video is opened: a TigerTag without them reads photos.
"""

from collections.abc import Callable

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video.footage import Footage
from tigertag.media.video.quality import is_dull
from tigertag.model import Frame

__all__ = ["Footage", "footage", "is_dull", "still"]

_NO_EXTRA = "Videos need the extra `video`; install it with: pip install 'tigertag[video]'."


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
