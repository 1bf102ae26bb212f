"""The ways to choose frames: at even times, among keyframes, one of each shot."""

from collections.abc import Callable
from contextlib import ExitStack

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video import faults, interval, keyframes
from tigertag.media.video.crew import Crew
from tigertag.model import Frame


def frames(
    source: Source,
    sampling: Sampling,
    short_side_px: int,
    most: int,
    cancelled: Callable[[], bool],
) -> tuple[Frame, ...]:
    """See `looking.frames`. Raises `ImportError` where a package is missing."""
    choose = _way(sampling)
    with ExitStack() as stack:
        crew = Crew(source, short_side_px, cancelled, stack)
        found = choose(crew, sampling, max(1, min(sampling.max_frames, most)))
    if not found:
        raise Unreadable(faults.NO_FRAME)
    return tuple(found)


def _way(sampling: Sampling) -> Callable[[Crew, Sampling, int], list[Frame]]:
    match sampling.by:
        case "interval":
            return interval.frames
        case "keyframes":
            return keyframes.frames
        case "scenes":
            from tigertag.media.video import scenes

            return scenes.frames
