"""What an embedding sees of a frame: all of it, as squares along its long side."""

from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tigertag.inference.preprocessing import checked_pixels
from tigertag.model import Pixels

TILES_VERSION: Final = 1
MOST: Final = 4
_SLACK: Final = 0.05
"""So much of a square may be left out before there is one more."""

Square = NDArray[np.uint8]


def tiles(pixels: Pixels, side_px: int) -> list[Square]:
    """Scale the short side to `side_px`, bicubic, and cut out squares: uint8 [side, side, 3].

    There are as many as it takes to see the long side, from one to four, spread evenly from edge
    to edge; one alone is in the middle. Only what is in the squares is scaled. Raises ValueError
    if it is not uint8 [height, width, 3] with pixels in it.
    """
    frame = checked_pixels(pixels)
    height, width, _ = frame.shape
    short, long = min(height, width), max(height, width)
    begins = _begins(short, long)
    if short == side_px:
        return [_cut(frame, round(begin), side_px) for begin in begins]
    image = Image.fromarray(frame)
    return [_scaled(image, begin, side_px) for begin in begins]


def _begins(short: int, long: int) -> list[float]:
    """Say where on the long side each square begins, in pixels."""
    count = min(MOST, max(1, ceil(long / short - _SLACK)))
    if count == 1:
        return [(long - short) / 2]
    return [(long - short) * nth / (count - 1) for nth in range(count)]


def _cut(frame: Square, begin: int, side_px: int) -> Square:
    end = begin + side_px
    return frame[begin:end] if frame.shape[0] > frame.shape[1] else frame[:, begin:end]


def _scaled(image: Image.Image, begin: float, side_px: int) -> Square:
    short = min(image.size)
    left, top = (0.0, begin) if image.height > image.width else (begin, 0.0)
    box = (left, top, left + short, top + short)
    return np.asarray(image.resize((side_px, side_px), Image.Resampling.BICUBIC, box=box))
