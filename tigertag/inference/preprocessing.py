"""What a network sees of a frame: its middle, at the size and on the scale it was trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tigertag.inference.runtime import ImageInput
from tigertag.model import Pixels

VIEW_VERSION: Final = 1
CROP: Final = 0.875
"""The part of the short side that is seen: 224 of 256, as the networks were validated."""

Prepare = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Turns a square of pixels, uint8 [side, side, 3], into what the network takes."""

Colours = tuple[float, float, float]
"""One number each for red, green and blue."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done to the pixels of a network that takes floats: (p / 255 - mean) / deviation.

    Its repr is part of fingerprints: another name here, and every stored answer counts as old.
    """

    mean: Colours = (0.485, 0.456, 0.406)
    deviation: Colours = (0.229, 0.224, 0.225)

    @classmethod
    def of(cls, mean: Colours | None, deviation: Colours | None) -> "Scaling":
        """Return these; None: as usual."""
        usual = cls()
        return cls(mean or usual.mean, deviation or usual.deviation)


def short_side_px(side_px: int) -> int:
    """Return the short side of a picture from which `side_px` are cut out."""
    return round(side_px / CROP)


def middle(pixels: Pixels, side_px: int) -> NDArray[np.uint8]:
    """Scale the short side to `short_side_px`, bicubic, and cut out the central square.

    Returns uint8 [side_px, side_px, 3]. Only the central square of the frame is scaled, however
    long the frame is. Raises ValueError if it is not uint8 [height, width, 3] with pixels in it.
    """
    frame = checked_pixels(pixels)
    wanted_px = short_side_px(side_px)
    height, width, _ = frame.shape
    if min(height, width) != wanted_px:
        frame = _scaled(frame, wanted_px)
        height = width = wanted_px
    top, left = (height - side_px) // 2, (width - side_px) // 2
    return frame[top : top + side_px, left : left + side_px]


def checked_pixels(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the pixels as they are. Raises ValueError if they are no uint8 [height, width, 3]."""
    frame: NDArray[Any] = np.asarray(pixels)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        raise ValueError(f"not uint8 [height, width, 3]: {frame.dtype} {list(frame.shape)}")
    return frame


def _scaled(frame: NDArray[Any], side_px: int) -> NDArray[Any]:
    height, width, _ = frame.shape
    short = min(height, width)
    left, top = (width - short) / 2, (height - short) / 2
    box = (left, top, left + short, top + short)
    image = Image.fromarray(frame)
    return np.asarray(image.resize((side_px, side_px), Image.Resampling.BICUBIC, box=box))


def prepare(scaling: Scaling, taken: ImageInput) -> Prepare:
    """Pass bytes on as they are, and scale floats. NCHW or NHWC as the file wants."""
    scale = 1 / (255 * np.asarray(scaling.deviation, np.float32))
    shift = np.asarray(scaling.mean, np.float32) * 255 * scale

    def prepared(square: NDArray[np.uint8]) -> NDArray[Any]:
        values: NDArray[Any] = square
        if taken.dtype != "uint8":
            values = (square * scale - shift).astype(taken.dtype)
        return values.transpose(2, 0, 1) if taken.channels_first else values

    return prepared
