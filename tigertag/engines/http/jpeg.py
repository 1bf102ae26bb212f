"""The picture that leaves the machine: re-encoded from pixels, so it carries no metadata."""

import io

import numpy as np
from PIL import Image

from tigertag.model import Frame

_QUALITIES = (90, 75, 60, 40)
_SMALLER = 0.7
_MOST_ASPECT = 16
_GREY = (128, 128, 128)


def to_jpeg(
    frame: Frame,
    *,
    short_side_px: int,
    max_side_px: int = 4096,
    max_bytes: int = 5_000_000,
    min_side_px: int = 1,
) -> bytes:
    """Return a JPEG of at most this size and weight.

    A picture is enlarged only if neither side reaches `min_side_px`, and a strip is put on a grey
    ground of that breadth: vision models refuse less (Qwen's 28 px and below).
    """
    image = Image.fromarray(np.asarray(frame.pixels))
    image = _fitted(image, short_side_px, max_side_px)
    image = _widened(image, min_side_px)
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


def _widened(image: Image.Image, min_side_px: int) -> Image.Image:
    """Give a picture no side below this, and none that is much longer than the other."""
    if max(image.size) < min_side_px:
        factor = min_side_px / max(image.size)
        image = image.resize(_times(image.size, factor), Image.Resampling.BICUBIC)
    least_px = max(min_side_px, -(-max(image.size) // _MOST_ASPECT)) if min_side_px > 1 else 1
    if min(image.size) >= least_px:
        return image
    width, height = image.size
    ground = Image.new("RGB", (max(width, least_px), max(height, least_px)), _GREY)
    ground.paste(image, ((ground.width - width) // 2, (ground.height - height) // 2))
    return ground


def _times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _encoded(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
