"""What a network takes and gives, read from the shapes in its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tigertag.errors import ModelError

DEFAULT_SIDE_PX: Final = 224
DTYPES: Final = frozenset({"uint8", "float16", "float32"})

Shape = Sequence[int | None]
"""None stands for a length that the file leaves open."""


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


def read_input(shape: Shape, dtype: str, side_px: int | None) -> ImageInput:
    """Say what one image is to be. Raises `ModelError` if that is no square RGB image."""
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
    return ImageInput(next(iter(sides), side_px or DEFAULT_SIDE_PX), channels_first, dtype)


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
