"""The networks that the classifier can be: one that TigerTag knows, or the user's own."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tigertag import concepts
from tigertag.concepts import Concepts
from tigertag.contracts import Host
from tigertag.errors import ModelError, os_reason
from tigertag.inference import graphs, weights
from tigertag.inference.preprocessing import VIEW_VERSION, Prepare, Scaling, prepare
from tigertag.inference.shape import ImageInput
from tigertag.inference.weights import Weights

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

    def __init__(self, weights: Weights, host: Host) -> None:
        self.name = weights.network
        self.side_px: int | None = graphs.SIDE_PX
        self._weights = weights
        self._models = host.models

    def fingerprint(self) -> str:
        """Return what the answers depend on. Raises `ModelError`: a file cannot be read."""
        return f"{self.name}:{self._weights.digest()}:{graphs.GRAPH_VERSION}.{VIEW_VERSION}"

    def file(self) -> Path:
        """Return the ONNX file, built and fetched where need be. Raises `ModelError`."""
        return graphs.graph_file(self._weights, self._models)

    def classes(self) -> Classes:
        """Return the classes. Raises `ModelError`."""
        return imagenet(concepts.load())

    def prepare(self, taken: ImageInput) -> Prepare:
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
        files = weights.sha256(self._path), weights.sha256(self._labels)
        parts = (*files, self._scaling, self.side_px, VIEW_VERSION)
        return f"onnx:{sha256(repr(parts).encode()).hexdigest()}"

    def file(self) -> Path:
        if not self._path.is_file():
            raise ModelError(f"{self._path} is not there; look at MODEL.")
        return self._path

    def classes(self) -> Classes:
        return read_labels(self._labels, concepts.load())

    def prepare(self, taken: ImageInput) -> Prepare:
        return prepare(self._scaling, taken)


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
