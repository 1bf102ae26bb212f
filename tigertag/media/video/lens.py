"""A film's frames as engines see them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from tigertag.media.video.film import At, Film
from tigertag.media.video.view import View
from tigertag.model import Frame

_THUMB_PX = 144  # About the size in which PySceneDetect compares.


class Lens:
    """Gives a film's frames upright, in RGB and of the size needed. Not thread-safe."""

    def __init__(self, film: Film, short_side_px: int) -> None:
        self.film = film
        self._view = View(short_side_px, film.aspect)
        self._small = View(_THUMB_PX, film.aspect)

    def shown_at(self, times_s: Sequence[float]) -> Iterator[Frame]:
        """Yield the frame that is shown at each of the times, which ascend; none twice."""
        return map(self.see, self.film.shown_at(times_s))

    def keys_near(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield a keyframe at about each of the times, which ascend; none twice."""
        return map(self.see, self.film.keys_near(times_s))

    def thumbs_near(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield these keyframes in the size in which contents are compared."""
        return map(self.thumb, self.film.keys_near(times_s))

    def see(self, one: At) -> Frame:
        return Frame(self._view.of(one[1]), _told(one[0]))

    def thumb(self, one: At) -> Frame:
        return Frame(self._small.of(one[1]), _told(one[0]))


def small(frame: Frame) -> Frame:
    """Return a frame in the size in which contents are compared."""
    height, width, _ = frame.pixels.shape
    scale = min(1.0, _THUMB_PX / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(np.asarray(frame.pixels)).resize(size, Image.Resampling.BOX)
    return Frame(np.asarray(small), frame.at_s)


def _told(at_s: float) -> float:
    return round(max(0.0, at_s), 3)
