"""Which runtime runs a network, and what every one of them does."""

import logging
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError
from tigertag.inference.preprocessing import MOST_SIDE_PX, Arrays, ImageInput, Output

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "f32", "bf16"]
ONNX: Final = ".onnx"
CUDA_PACKAGE: Final = "onnxruntime-gpu"


logger = logging.getLogger(__name__)


class ModelSession(Protocol):
    """A classifier, ready to run. Thread-safe: any number of threads may be in `run` at once."""

    @property
    def input(self) -> ImageInput: ...
    @property
    def classes(self) -> int:
        """How many numbers it gives for an image. Raises `ModelError`: it is no classifier."""
        ...

    def run(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield each image's number and its first output, float32 [classes], early, in any order.

        An image is what `input` says, without the batch's axis. Images are taken one by one, while
        others are computed. A generator that is closed early leaves nothing running. Raises
        `ModelError`.
        """
        ...


class NetworkSession(ModelSession, Protocol):
    """A network with any number of outputs of any shapes, ready to run. Thread-safe."""

    @property
    def outputs(self) -> tuple[Output, ...]: ...

    def run_all(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, Arrays]]:
        """Do as `run` does, and yield all outputs in the order of `outputs`."""
        ...


def open_session(
    path: Path,
    *,
    device: Device,
    precision: Precision,
    side_px: int | None = None,
    most_px: int = MOST_SIDE_PX,
) -> NetworkSession:
    """Load a model file. `side_px`: the side of its input where the file leaves that open.

    A network with a larger side than `most_px` is refused before memory is taken for it.

    "auto" is CUDA where its runtime is installed and works, else the CPU. A file that is not ONNX
    (TensorFlow's .pb, .tflite) always runs on the CPU: only OpenVINO reads it. Raises `ModelError`.
    """
    if path.suffix != ONNX:
        device = "cpu"
    if device == "cuda":
        return _cuda(path, precision, side_px, most_px)
    if device == "auto":
        try:
            # The package for the CPU has modules of the same names.
            distribution(CUDA_PACKAGE)
            return _cuda(path, precision, side_px, most_px)
        except PackageNotFoundError:
            pass
        except ModelError as exc:
            logger.warning("CUDA cannot be used, the CPU is: %s", exc)
    from tigertag.inference.on_cpu import CpuSession

    return CpuSession(path, precision=precision, side_px=side_px, most_px=most_px)


def _cuda(path: Path, precision: Precision, side_px: int | None, most_px: int) -> NetworkSession:
    from tigertag.inference.on_cuda import CUDA, OnnxruntimeSession

    return OnnxruntimeSession(
        path, provider=CUDA, precision=precision, side_px=side_px, most_px=most_px
    )
