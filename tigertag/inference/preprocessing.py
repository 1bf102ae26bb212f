"""What a network takes and gives, and what it sees of a frame.

A network sees the middle of a frame, or tiles of it, at the size and on the scale that it knows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tigertag.errors import ModelError
from tigertag.model import Pixels

DEFAULT_SIDE_PX: Final = 224
DTYPES: Final = frozenset({"uint8", "float16", "float32"})

MOST_SIDE_PX: Final = 4096
"""A damaged or hostile file may state a size that no memory holds."""

Arrays = tuple[NDArray[np.float32], ...]
"""What a network gives for one image: each of its outputs, without the batch's axis."""

Shape = Sequence[int | None]
"""None stands for a length that the file leaves open."""

VIEW_VERSION: Final = 1
CROP: Final = 0.875
"""The part of the short side that is seen: 224 of 256, as the networks were validated."""

TILES_VERSION: Final = 1
MOST_TILES: Final = 4
_SLACK: Final = 0.05
"""So much of a square may be left out before there is one more."""

Square = NDArray[np.uint8]

Prepare = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Turns a square of pixels, uint8 [side, side, 3], into what the network takes."""

Colours = tuple[float, float, float]
"""One number each for red, green and blue."""


@dataclass(frozen=True, slots=True)
class ImageInput:
    """One square RGB image: [3, side, side] or [side, side, 3], of a numpy dtype."""

    side_px: int
    channels_first: bool
    dtype: str

    @property
    def shape(self) -> tuple[int, int, int]:
        side_px = self.side_px
        return (3, side_px, side_px) if self.channels_first else (side_px, side_px, 3)


EMBEDDING: Final = "embedding"
"""The name of an output that is one."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a network: all names that the file has for it, and its shape with the batch."""

    names: frozenset[str]
    shape: tuple[int | None, ...]


def read_input(
    shape: Shape, dtype: str, side_px: int | None, most_px: int = MOST_SIDE_PX
) -> ImageInput:
    """Say what one image is to be.

    Raises `ModelError` if that is no square RGB image of at most `most_px` a side.
    """
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise ModelError(f"The model's input is {shape_text(shape)}, not a batch of RGB images.")
    if shape[0] not in (None, 1):
        raise ModelError(f"The model takes {shape[0]} images at once; export it for 1 or any.")
    if dtype not in DTYPES:
        raise ModelError(f"The model's input is {dtype}; it must be uint8, float16 or float32.")
    channels_first = shape[1] == 3
    sides = {side for side in (shape[2:] if channels_first else shape[1:3]) if side is not None}
    if len(sides) > 1 or (sides and side_px is not None and sides != {side_px}):
        wanted = "square" if side_px is None else f"{side_px} px a side, as SIZE says"
        raise ModelError(f"The model's input is {shape_text(shape)}, not {wanted}.")
    side = next(iter(sides), side_px or DEFAULT_SIDE_PX)
    if not 0 < side <= most_px:
        raise ModelError(
            f"The model's input is {shape_text(shape)}; 1 to {most_px} px a side are taken."
        )
    return ImageInput(side, channels_first, dtype)


def read_classes(shape: Shape) -> int:
    """Say how many classes an output has. Raises `ModelError` if it is not [batch, classes]."""
    if len(shape) != 2 or shape[1] is None:
        raise ModelError(
            f"The model's output is {shape_text(shape)}, not one number for each class."
        )
    return shape[1]


def shape_text(shape: Shape) -> str:
    """Return the shape as people read it."""
    return "[" + ", ".join("?" if side is None else str(side) for side in shape) + "]"


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
        frame = _scaled(Image.fromarray(frame), abs(height - width) / 2, wanted_px)
        height = width = wanted_px
    top, left = (height - side_px) // 2, (width - side_px) // 2
    return frame[top : top + side_px, left : left + side_px]


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
    count = min(MOST_TILES, max(1, ceil(long / short - _SLACK)))
    if count == 1:
        return [(long - short) / 2]
    return [(long - short) * nth / (count - 1) for nth in range(count)]


def _cut(frame: Square, begin: int, side_px: int) -> Square:
    end = begin + side_px
    return frame[begin:end] if frame.shape[0] > frame.shape[1] else frame[:, begin:end]


def _scaled(image: Image.Image, begin: float, side_px: int) -> Square:
    """Scale the square that begins there on the long side."""
    short = min(image.size)
    left, top = (0.0, begin) if image.height > image.width else (begin, 0.0)
    box = (left, top, left + short, top + short)
    return np.asarray(image.resize((side_px, side_px), Image.Resampling.BICUBIC, box=box))


def checked_pixels(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the pixels as they are. Raises ValueError if they are no uint8 [height, width, 3]."""
    frame: NDArray[Any] = np.asarray(pixels)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        raise ValueError(f"not uint8 [height, width, 3]: {frame.dtype} {list(frame.shape)}")
    return frame


def prepare(scaling: Scaling, image_input: ImageInput) -> Prepare:
    """Pass bytes on as they are, and scale floats. NCHW or NHWC as the file wants."""
    scale = 1 / (255 * np.asarray(scaling.deviation, np.float32))
    shift = np.asarray(scaling.mean, np.float32) * 255 * scale

    def prepared(square: NDArray[np.uint8]) -> NDArray[Any]:
        values: NDArray[Any] = square
        if image_input.dtype != "uint8":
            values = (square * scale - shift).astype(image_input.dtype)
        return values.transpose(2, 0, 1) if image_input.channels_first else values

    return prepared
