"""One frame from the middle of each shot."""

from itertools import pairwise

from tigertag.contracts import Sampling
from tigertag.media.video import clips, content, skimming
from tigertag.media.video.crew import Crew
from tigertag.media.video.film import Film
from tigertag.media.video.lens import Lens
from tigertag.media.video.picking import picked
from tigertag.model import Frame


def frames(crew: Crew, sampling: Sampling, most: int) -> list[Frame]:
    """Return one frame of each shot; where there are more than `most` shots, of so many of them.

    `exact`: every frame is decoded to find the shots. Else they are found among keyframes, and
    the frames around those that are used are looked at. Raises `ImportError`.
    """
    if sampling.exact:
        middles_s = _middles_s(crew.film, sampling.scene_threshold)
        return picked(middles_s, most, lambda chosen: crew.look(chosen, Lens.shown_at))
    return clips.frames(crew, sampling, most) or skimming.frames(crew, sampling, most)


def _middles_s(film: Film, threshold: float) -> list[float]:
    begins_s = [at_s for _, at_s in content.exact(film, threshold)]
    return [(begin_s + end_s) / 2 for begin_s, end_s in pairwise((0.0, *begins_s, film.duration_s))]
