"""The frames of a video. (The lead's placeholder until the real module is there: replace it.)"""

from collections.abc import Callable

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.model import Frame


def frames(
    source: Source,
    sampling: Sampling,
    *,
    short_side_px: int,
    most: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Frame, ...]:
    raise Unreadable("Videos cannot be read yet.")


def still(source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
    raise Unreadable("Videos cannot be read yet.")
