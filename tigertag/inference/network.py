"""The networks that the classifier can be: one that TigerTag knows, or the user's own."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tigertag import concepts
from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.inference import graphs, weights
from tigertag.inference.kept import graph_file
from tigertag.inference.labels import Classes, imagenet, read_labels
from tigertag.inference.shape import Input
from tigertag.inference.view import VIEW_VERSION
from tigertag.inference.weights import Weights

Prepare = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Turns a square of pixels, uint8 [side, side, 3], into what the network takes."""

Colours = tuple[float, float, float]
"""One number each for red, green and blue."""


class Network(Protocol):
    """What the engine must know of a network. Only `file` is slow."""

    @property
    def name(self) -> str: ...
    @property
    def side_px(self) -> int | None:
        """The side of the input; None: as the file says."""

    def fingerprint(self) -> str:
        """Return what the answers depend on. Raises `ModelError`: a file cannot be read."""
        ...

    def file(self) -> Path:
        """Return the ONNX file, built and fetched where need be. Raises `ModelError`."""
        ...

    def classes(self) -> Classes:
        """Return the classes. Raises `ModelError`."""
        ...

    def prepare(self, taken: Input) -> Prepare: ...


class KnownNetwork:
    """EfficientNet-Lite0 or a ResNet, on ImageNet's classes."""

    def __init__(self, weights: Weights, host: Host) -> None:
        self.name = weights.network
        self.side_px: int | None = graphs.SIDE_PX
        self._weights = weights
        self._models = host.models

    def fingerprint(self) -> str:
        return f"{self.name}:{self._weights.digest()}:{graphs.GRAPH_VERSION}.{VIEW_VERSION}"

    def file(self) -> Path:
        return graph_file(self._weights, self._models)

    def classes(self) -> Classes:
        return imagenet(concepts.load())

    def prepare(self, taken: Input) -> Prepare:
        return lambda square: square


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done to the pixels of a network that takes floats: (p / 255 - mean) / deviation."""

    mean: Colours = (0.485, 0.456, 0.406)
    deviation: Colours = (0.229, 0.224, 0.225)

    @classmethod
    def of(cls, mean: Colours | None, deviation: Colours | None) -> "Scaling":
        """Return these; None: as usual."""
        usual = cls()
        return cls(mean or usual.mean, deviation or usual.deviation)


class OwnNetwork:
    """An ONNX file of the user's: one image in, one number for each class out."""

    def __init__(self, path: Path, labels: Path, scaling: Scaling, side_px: int | None) -> None:
        self.name = path.stem
        self.side_px = side_px
        self._path = path
        self._labels = labels
        self._scaling = scaling

    def fingerprint(self) -> str:
        files = weights.sha256(self._path), weights.sha256(self._labels)
        parts = (*files, self._scaling, self.side_px, VIEW_VERSION)
        return f"onnx:{sha256(repr(parts).encode()).hexdigest()}"

    def file(self) -> Path:
        if not self._path.is_file():
            raise ModelError(f"{self._path} is not there; look at MODEL.")
        return self._path

    def classes(self) -> Classes:
        return read_labels(self._labels, concepts.load())

    def prepare(self, taken: Input) -> Prepare:
        return prepare(self._scaling, taken)


def prepare(scaling: Scaling, taken: Input) -> Prepare:
    """Pass bytes on as they are, and scale floats. NCHW or NHWC as the file wants."""
    scale = 1 / (255 * np.asarray(scaling.deviation, np.float32))
    shift = np.asarray(scaling.mean, np.float32) * 255 * scale

    def prepared(square: NDArray[np.uint8]) -> NDArray[Any]:
        values: NDArray[Any] = square
        if taken.dtype != "uint8":
            values = (square * scale - shift).astype(taken.dtype)
        return values.transpose(2, 0, 1) if taken.channels_first else values

    return prepared
