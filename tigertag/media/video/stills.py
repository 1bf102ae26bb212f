"""One frame of a video."""

from collections.abc import Iterator

from tigertag.contracts import Source
from tigertag.errors import Unreadable
from tigertag.media.video import faults, worth
from tigertag.media.video.lens import Lens
from tigertag.media.video.opening import opened
from tigertag.model import Frame

# Past the beginning, which is black or a logo, and before what would be told too early.
_SHARES = (0.12, 0.18, 0.25, 0.35, 0.5, 0.75)


def still(source: Source, short_side_px: int, at_s: float | None) -> Frame:
    """Return the frame that is shown at this time, or a keyframe that is not dull."""
    with opened(source) as film:
        lens = Lens(film, short_side_px)
        found = list(_told(lens) if at_s is None else lens.shown_at([max(0.0, at_s)]))
    if not found:
        raise Unreadable(faults.NO_FRAME)
    return worth.kept(found)[0]


def _told(lens: Lens) -> Iterator[Frame]:
    """Yield keyframes up to the first one that is not dull."""
    for share in _SHARES:
        for frame in lens.keys_near([share * lens.film.duration_s]):
            yield frame
            if not worth.is_dull(frame):
                return
