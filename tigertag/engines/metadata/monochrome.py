"""Whether a picture is black and white, by its pixels."""

from collections.abc import Sequence

import numpy as np

from tigertag.model import Frame

SIDE_PX = 128
_MEAN, _MOST = 2.0, 12.0
"""How far the three colours of a pixel are apart: on average, and in all but one in a thousand."""
_CONTRAST = 16.0


def is_monochrome(frames: Sequence[Frame]) -> bool:
    """Whether there are frames, and all are grey. A blank picture is neither; nor is sepia."""
    return bool(frames) and all(map(_is_grey, frames))


def _is_grey(frame: Frame) -> bool:
    pixels = np.asarray(frame.pixels).astype(np.int16)
    apart = pixels.max(axis=2) - pixels.min(axis=2)
    grey = apart.mean() <= _MEAN and np.quantile(apart, 0.999) <= _MOST
    return bool(grey and pixels.std() >= _CONTRAST)
