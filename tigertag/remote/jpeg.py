"""The picture that leaves the machine: encoded anew from pixels, so it carries no metadata."""

import io

import numpy as np
from PIL import Image

from tigertag.model import Frame

_QUALITIES = (90, 75, 60, 40)
_SMALLER = 0.7


def jpeg(
    frame: Frame,
    *,
    short_side_px: int,
    max_side_px: int = 4096,
    max_bytes: int = 5_000_000,
) -> bytes:
    """Return a JPEG of at most this size and weight; never scaled up."""
    image = Image.fromarray(np.asarray(frame.pixels))
    image = _fitted(image, short_side_px, max_side_px)
    while True:
        for quality in _QUALITIES:
            encoded = _encoded(image, quality)
            if len(encoded) <= max_bytes or max(image.size) == 1:
                return encoded
        image = image.resize(_times(image.size, _SMALLER))


def _fitted(image: Image.Image, short_side_px: int, max_side_px: int) -> Image.Image:
    short, long = sorted(image.size)
    factor = min(1.0, short_side_px / short, max_side_px / long)
    if factor == 1.0:
        return image
    return image.resize(_times(image.size, factor), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _encoded(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
