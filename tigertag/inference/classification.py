"""Classification: a network that TigerTag knows or the user's own, its classes, and its labels."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag import concepts
from tigertag.concepts import Concepts
from tigertag.contracts import Embedding
from tigertag.errors import ModelError, os_reason
from tigertag.inference.checkpoint import GRAPH_VERSION
from tigertag.inference.preprocessing import (
    DEFAULT_SIDE_PX,
    EMBEDDING,
    VIEW_VERSION,
    ImageInput,
    Prepare,
    Scaling,
    prepare,
)
from tigertag.inference.runtime import NetworkSession
from tigertag.inference.weights import Weights, file_sha256
from tigertag.model import Label

LEAST_PROBABILITY: Final = 1e-3
_SUM_TOLERANCE: Final = 1e-3

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network says of a frame. `features`: what its last layer was given, if it says so."""

    probabilities: Probabilities
    features: NDArray[np.float32] | None


_CONCEPT: Final = re.compile(r"n\d{8}")


@dataclass(frozen=True, slots=True)
class Classes:
    """Names and concepts (None where a class is no known concept), in the outputs' order."""

    names: tuple[str, ...]
    concepts: tuple[str | None, ...]

    @property
    def all_concepts(self) -> bool:
        """Whether every class is in the concept tree, so that probabilities can be summed up it."""
        return None not in self.concepts

    def labels(self, outputs: Probabilities, at_s: float | None) -> tuple[Label, ...]:
        """Return the labels of one frame, surest first."""
        ranked = np.argsort(-outputs, kind="stable")
        return tuple(
            Label(self.names[n], float(outputs[n]), self.concepts[n], at_s=at_s)
            for n in ranked[: int((outputs >= LEAST_PROBABILITY).sum())].tolist()
        )

    def remainder(self, each: Sequence[tuple[Label, ...]]) -> float | None:
        """Return what the labels of frames leave out, on average; None where they cannot be summed.

        The labels of each frame are one distribution where all classes are in the concept tree.
        """
        if not self.all_concepts:
            return None
        return fmean(max(0.0, 1.0 - sum(label.confidence for label in labels)) for labels in each)


class KnownNetwork:
    """EfficientNet-Lite0 or a ResNet, on ImageNet's classes.

    `side_px`: the side of the input; None: as the file says. Only `file` is slow.
    """

    def __init__(self, weights: Weights) -> None:
        self.name = weights.network
        self.side_px: int | None = DEFAULT_SIDE_PX
        self._weights = weights

    def fingerprint(self) -> str:
        """Return what the answers depend on. Raises `ModelError`: a file cannot be read."""
        return f"{self.name}:{self._weights.digest()}:{GRAPH_VERSION}.{VIEW_VERSION}"

    def file(self) -> Path:
        """Return the ONNX file, built and fetched where need be. Raises `ModelError`."""
        return self._weights.graph_file()

    def classes(self) -> Classes:
        """Return the classes. Raises `ModelError`."""
        return imagenet(concepts.load())

    def prepare(self, image_input: ImageInput) -> Prepare:
        return lambda square: square


class OwnNetwork:
    """An ONNX file of the user's: one image in, one number for each class out."""

    def __init__(self, path: Path, labels: Path, scaling: Scaling, side_px: int | None) -> None:
        self.name = path.stem
        self.side_px = side_px
        self._path = path
        self._labels = labels
        self._scaling = scaling

    def fingerprint(self) -> str:
        files = file_sha256(self._path), file_sha256(self._labels)
        parts = (*files, self._scaling, self.side_px, VIEW_VERSION)
        return f"onnx:{sha256(repr(parts).encode()).hexdigest()}"

    def file(self) -> Path:
        if not self._path.is_file():
            raise ModelError(f"{self._path} is not there; look at MODEL.")
        return self._path

    def classes(self) -> Classes:
        return read_labels(self._labels, concepts.load())

    def prepare(self, image_input: ImageInput) -> Prepare:
        return prepare(self._scaling, image_input)


Network = KnownNetwork | OwnNetwork
"""What the classifier must know of a network."""


def imagenet(tree: Concepts) -> Classes:
    """Return the 1000 classes of ImageNet."""
    return Classes(tuple(map(tree.name, tree.imagenet)), tree.imagenet)


def read_labels(path: Path, tree: Concepts) -> Classes:
    """Read a file with one label a line: `name`, or a WordNet id, a tab and the name.

    Raises `ModelError`: it is not there, no UTF-8, empty, or a line has no name.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    except UnicodeDecodeError as exc:
        raise ModelError(f"{path} is not text in UTF-8.") from exc
    while lines and not lines[-1].strip():
        lines.pop()
    rows = [_row(line) for line in lines]
    for number, (_concept, name) in enumerate(rows, start=1):
        if not name:
            raise ModelError(
                f"{path}, line {number}: there is no name; put one label on each line."
            )
    if not rows:
        raise ModelError(f"{path} is empty; put one label on each line.")
    known = (id if id and tree.get(id) else None for id, _name in rows)
    return Classes(tuple(name for _id, name in rows), tuple(known))


def _row(line: str) -> tuple[str | None, str]:
    first, tab, rest = line.partition("\t")
    if tab and _CONCEPT.fullmatch(first.strip()):
        return first.strip(), rest.strip()
    return None, line.strip()


def look(
    session: NetworkSession, images: Iterable[NDArray[Any]]
) -> Iterator[tuple[int, Seen | None]]:
    """Yield each image's number and what the network says of it, early, in any order.

    None: it gave no numbers. An own network may have other outputs than ours after its first.
    """
    embeds = len(session.outputs) == 2 and EMBEDDING in session.outputs[1].names
    if embeds:
        for number, outputs in session.run_all(images):
            yield number, _seen(outputs[0], outputs[1])
    else:
        for number, output in session.run(images):
            yield number, _seen(output, None)


def _seen(output: NDArray[np.float32], features: NDArray[np.float32] | None) -> Seen | None:
    classes = probabilities(output)
    return None if classes is None else Seen(classes, features)


def embedding(network: str, frames: Sequence[Seen]) -> Embedding | None:
    """Return the mean direction of the frames' features.

    None where the network does not give them, or where they point nowhere.
    """
    features = [frame.features for frame in frames if frame.features is not None]
    if not features:
        return None
    mean = np.mean(features, axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    if not 0 < length < float("inf"):
        return None
    return Embedding(network, (mean / length).astype("<f2").tobytes())


def probabilities(outputs: NDArray[Any]) -> Probabilities | None:
    """Return the softmax of the outputs, or themselves if they are a distribution already.

    None: they are no numbers.
    """
    values: Probabilities = outputs.astype(np.float64)
    if np.min(values) >= 0 and abs(values.sum() - 1) <= _SUM_TOLERANCE:
        return values
    powers: Probabilities = np.exp(values - np.max(values))
    powers /= powers.sum()
    return powers if np.isfinite(powers).all() else None
