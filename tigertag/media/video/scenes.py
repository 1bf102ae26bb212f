"""One frame from the middle of each shot."""

from itertools import pairwise

from tigertag.contracts import Sampling
from tigertag.media.video import clips, content, skimming
from tigertag.media.video.crew import Crew
from tigertag.media.video.footage import Footage, lengths_s
from tigertag.media.video.lens import Lens
from tigertag.media.video.picking import picked


def footage(crew: Crew, sampling: Sampling, most: int) -> Footage:
    """Return one frame of each shot; where there are more than `most` shots, of so many of them.

    `exact`: every frame is decoded to find the shots. Else they are found among keyframes, and
    the frames around those that are used are looked at: how long such shots are is up to the
    encoder, and not told. Raises `ImportError`.
    """
    if sampling.exact:
        return _exact(crew, sampling, most)
    return Footage(
        tuple(clips.frames(crew, sampling, most) or skimming.frames(crew, sampling, most))
    )


def _exact(crew: Crew, sampling: Sampling, most: int) -> Footage:
    end_s = crew.film.duration_s
    begins_s = [at_s for _, at_s in content.exact(crew.film, sampling.scene_threshold)]
    middles_s = [(begin_s + end_s) / 2 for begin_s, end_s in pairwise((0.0, *begins_s, end_s))]
    found = picked(middles_s, most, lambda chosen: crew.look(chosen, Lens.shown_at))
    return Footage(tuple(found), lengths_s(begins_s, end_s))
