"""From every way of storing colours to 8-bit RGB."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SCALABLE = {"L", "RGB", "RGBA", "CMYK", "YCbCr"}
_WHITE_LEVELS = (1.0, 255.0, 65_535.0, 4_294_967_295.0)


def rgb(image: Image.Image, scale: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Return the picture scaled by `scale` and in RGB, transparent parts on white.

    It is scaled before its colours are converted wherever that gives the same: that is less work.
    """
    small = scale(_scalable(image))
    if small.mode == "RGBA":
        return _on_white(small)
    return small if small.mode == "RGB" else small.convert("RGB")


def _scalable(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_deep(np.asarray(image)))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in _SCALABLE else image.convert("RGB")


def _deep(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale 32-bit integers or floats: white is the least usual white that none is above."""
    levels = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0).clip(min=0.0)
    top = float(levels.max(initial=0.0))
    whites = _WHITE_LEVELS if values.dtype.kind == "f" else _WHITE_LEVELS[1:]
    white = next((white for white in whites if top <= white), top)
    return (levels * np.float32(255.0 / white)).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
