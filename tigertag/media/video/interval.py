"""One frame each so many seconds."""

from math import ceil

from tigertag.contracts import Sampling
from tigertag.media.video.crew import Crew
from tigertag.media.video.footage import Footage
from tigertag.media.video.lens import Lens
from tigertag.media.video.picking import picked

_LEAST_S = 0.001
_MOST_PLACES = 100_000


def footage(crew: Crew, sampling: Sampling, most: int) -> Footage:
    """Return what is shown each `interval_s` from the beginning on.

    Where that would be more than `most`, so many of them, spread evenly over the film.
    """
    duration_s = crew.film.duration_s
    step_s = max(sampling.interval_s, _LEAST_S, duration_s / _MOST_PLACES)
    times_s = [n * step_s for n in range(max(1, ceil(duration_s / step_s)))]
    found = picked(times_s, most, lambda chosen: crew.look(chosen, Lens.shown_at))
    return Footage(tuple(found))
