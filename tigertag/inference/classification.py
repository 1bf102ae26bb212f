"""Classification: a network that TigerTag knows or the user's own, its classes, and its labels."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag import concepts
from tigertag.concepts import Concepts
from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.errors import ModelError, os_reason
from tigertag.inference.checkpoint import GRAPH_VERSION
from tigertag.inference.preprocessing import (
    DEFAULT_SIDE_PX,
    VIEW_VERSION,
    ImageInput,
    Prepare,
    Scaling,
    Square,
    prepare,
)
from tigertag.inference.weights import Weights, file_sha256
from tigertag.model import Label, Pixels, Sample

LEAST_PROBABILITY: Final = 1e-3
_SUM_TOLERANCE: Final = 1e-3

Probabilities = NDArray[np.float64]
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


@dataclass(slots=True)
class _Pending:
    """A sample whose frames are with the network; frames are known by their number."""

    sample: Sample
    since_s: float
    usable: int
    outputs: dict[int, Probabilities] = field(default_factory=dict)


class InferenceBatch:
    """The samples of one call of `tag`."""

    def __init__(
        self,
        samples: Sequence[Sample],
        run: RunContext,
        view: Callable[[Pixels], Square],
        model: str,
        classes: Classes,
    ) -> None:
        """`view` raises ValueError for pixels that it cannot use."""
        self._samples = samples
        self._run = run
        self._view = view
        self._model = model
        self._classes = classes
        self._sent: list[tuple[_Pending, int]] = []
        self._unusable: list[str] = []

    def squares(self) -> Iterator[Square]:
        """Yield what the network is to see, in the order that `take` counts in.

        Ends early when the run is cancelled.
        """
        for sample in self._samples:
            if self._run.cancelled():
                return
            since_s, squares = time.perf_counter(), self._views(sample)
            pending = _Pending(sample, since_s, len(squares))
            if not squares:
                self._unusable.append(sample.id)
            for number, square in squares.items():
                self._sent.append((pending, number))
                yield square

    def take(self, sent: int, outputs: NDArray[np.float32]) -> Iterator[Outcome]:
        """Take the outputs for a square; yield the sample's outcome if they were its last."""
        pending, number = self._sent[sent]
        pending.outputs[number] = probabilities(outputs)
        if len(pending.outputs) == pending.usable:
            yield self._outcome(pending)

    def unusable(self) -> Iterator[Outcome]:
        """Yield an outcome for each sample that has no frame that can be looked at."""
        for name in self._unusable:
            yield Failed(name, "There is no picture in it that can be looked at.", retryable=False)

    def _views(self, sample: Sample) -> dict[int, Square]:
        squares = {}
        for number, frame in enumerate(sample.frames):
            try:
                squares[number] = self._view(frame.pixels)
            except ValueError:
                continue
        return squares

    def _outcome(self, pending: _Pending) -> Outcome:
        sample, outputs = pending.sample, pending.outputs
        if not all(np.isfinite(values).all() for values in outputs.values()):
            return Failed(sample.id, f"{self._model} gave no numbers for it.", retryable=False)
        each = [self._labels(outputs[n], sample.frames[n].at_s) for n in sorted(outputs)]
        left_out = [max(0.0, 1.0 - sum(label.confidence for label in labels)) for labels in each]
        failed = (frame.at_s or 0.0 for n, frame in enumerate(sample.frames) if n not in outputs)
        times = (sample.frames[number].at_s for number in sorted(outputs))
        return Labelled(
            sample.id,
            tuple(label for labels in each for label in labels),
            self._model,
            remainder=fmean(left_out) if self._classes.all_concepts else None,
            took_s=time.perf_counter() - pending.since_s,
            failed_frames=tuple(failed),
            frames=tuple(at_s for at_s in times if at_s is not None),
        )

    def _labels(self, outputs: Probabilities, at_s: float | None) -> tuple[Label, ...]:
        """Return the labels of one frame, surest first."""
        names, concepts = self._classes.names, self._classes.concepts
        ranked = np.argsort(-outputs, kind="stable")
        return tuple(
            Label(names[n], float(outputs[n]), concepts[n], at_s=at_s)
            for n in ranked[: int((outputs >= LEAST_PROBABILITY).sum())].tolist()
        )


def probabilities(outputs: NDArray[Any]) -> Probabilities:
    """Return the softmax of the outputs, or themselves if they are a distribution already."""
    values: Probabilities = outputs.astype(np.float64)
    if np.min(values) >= 0 and abs(values.sum() - 1) <= _SUM_TOLERANCE:
        return values
    powers: Probabilities = np.exp(values - np.max(values))
    powers /= powers.sum()
    return powers
