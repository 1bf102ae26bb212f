"""Frames that are stored whole."""

from tigertag.contracts import Sampling
from tigertag.media.video.crew import Crew
from tigertag.media.video.film import Film
from tigertag.media.video.footage import Footage
from tigertag.media.video.lens import Lens
from tigertag.media.video.picking import picked

_ASSUMED_S = 2.0
_MOST_PLACES = 10_000


def places_s(film: Film) -> list[float]:
    """Return about when keyframes are shown: as the file tells, else at even times."""
    told = film.keys_s()
    if told:
        return told
    count = min(_MOST_PLACES, int(film.duration_s / _ASSUMED_S) + 1)
    return [n * film.duration_s / count for n in range(count)]


def footage(crew: Crew, _sampling: Sampling, most: int) -> Footage:
    """Return keyframes, at most `most`, spread evenly."""
    found = picked(places_s(crew.film), most, lambda chosen: crew.look(chosen, Lens.keys_near))
    return Footage(tuple(found))
