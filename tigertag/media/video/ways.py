"""The ways to choose frames: at even times, among keyframes, one of each shot."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from tigertag.contracts import Sampling, Source
from tigertag.errors import Unreadable
from tigertag.media.video import faults, interval, keyframes
from tigertag.media.video.crew import Crew
from tigertag.media.video.footage import Footage


def footage(
    source: Source,
    sampling: Sampling,
    short_side_px: int,
    most: int,
    cancelled: Callable[[], bool],
) -> Footage:
    """See `looking.footage`. Raises `ImportError` where a package is missing."""
    choose = _way(sampling)
    with ExitStack() as stack:
        crew = Crew(source, short_side_px, cancelled, stack)
        found = choose(crew, sampling, max(1, min(sampling.max_frames, most)))
        if not found.frames:
            raise Unreadable(faults.NO_FRAME)
        return replace(found, duration_s=crew.film.duration_s, end_s=crew.end_s())


def _way(sampling: Sampling) -> Callable[[Crew, Sampling, int], Footage]:
    match sampling.by:
        case "interval":
            return interval.footage
        case "keyframes":
            return keyframes.footage
        case "scenes":
            from tigertag.media.video import scenes

            return scenes.footage
