"""Which runtime runs a network, what every one of them does, and what a network takes and gives."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "f32", "bf16"]
CUDA_PACKAGE: Final = "onnxruntime-gpu"
DEFAULT_SIDE_PX: Final = 224
DTYPES: Final = frozenset({"uint8", "float16", "float32"})

Shape = Sequence[int | None]
"""None stands for a length that the file leaves open."""

logger = logging.getLogger(__name__)


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


class ModelSession(Protocol):
    """A network, ready to run. Thread-safe: any number of threads may be in `run` at once."""

    @property
    def input(self) -> ImageInput: ...
    @property
    def classes(self) -> int: ...

    def run(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield each image's number and its outputs, float32 [classes], early, in any order.

        An image is what `input` says, without the batch's axis. Images are taken one by one, while
        others are computed. A generator that is closed early leaves nothing running. Raises
        `ModelError`.
        """
        ...


def open_session(
    path: Path, *, device: Device, precision: Precision, side_px: int | None = None
) -> ModelSession:
    """Load an ONNX file. `side_px`: the side of its input where the file leaves that open.

    "auto" is CUDA where its runtime is installed and works, else the CPU. Raises `ModelError`.
    """
    if device == "cuda":
        return _cuda(path, precision, side_px)
    if device == "auto" and _is_installed(CUDA_PACKAGE):
        try:
            return _cuda(path, precision, side_px)
        except ModelError as exc:
            logger.warning("CUDA cannot be used, the CPU is: %s", exc)
    from tigertag.inference.on_cpu import CpuSession

    return CpuSession(path, precision=precision, side_px=side_px)


def _cuda(path: Path, precision: Precision, side_px: int | None) -> ModelSession:
    from tigertag.inference.on_cuda import CUDA, OnnxruntimeSession

    return OnnxruntimeSession(path, provider=CUDA, precision=precision, side_px=side_px)


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


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
