"""The fitted pipeline and the baselines, kept with skops, never pickled. Needs skops to write.

Only `genre evaluate` reads it, and of it only numbers: no object is made of what a file says. What
types may be in it is a fixed list.
"""

import io
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import skops.io
from numpy.typing import NDArray

from tigertag.errors import ModelError
from tigertag.genres.fitting import Fitted
from tigertag.genres.forest import Forest, Tree, are_shares
from tigertag.genres.pooling import Vectors

ALLOWED: Final = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float64",
        "numpy.ndarray",
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.multiclass.OneVsRestClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelBinarizer",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._tree.Tree",
    }
)
"""All types that there may be."""
LOADERS: Final = frozenset(
    {
        *("DTypeNode", "DictNode", "JsonNode", "ListNode", "NdArrayNode"),
        *("ObjectNode", "TreeNode", "TupleNode", "TypeNode"),
    }
)
"""The ways in which skops may make them: no function, method or operator is among them."""
LARGEST: Final = 1 << 30
LARGEST_SCHEMA: Final = 1 << 25
MOST_TREES: Final = 100
_SCHEMA: Final = "schema.json"
_PACKED: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_BROKEN: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a file that was cut short or made by hand lets zipfile, json or numpy raise."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What a model is compared with. `prevalence`: [genres], the share of rows that bear each."""

    forest: Forest
    prevalence: NDArray[np.float64]


def dump(fitted: Fitted) -> bytes:
    """Return the archive's bytes."""
    kept = {
        "pipeline": fitted.pipeline,
        "forest": fitted.forest,
        "prevalence": np.array(fitted.prevalence),
    }
    return bytes(skops.io.dumps(kept, compression=zipfile.ZIP_DEFLATED))


def load(data: bytes, *, width: int, genres: int) -> Archive:
    """Return the baselines of a model of that many numbers and genres.

    Raises `ModelError`: it is broken, is of another model, or holds a type that none has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as files:
            content = _schema(files)["content"]
            forest = _forest(files, content["forest"])
            prevalence = _numbers(files, content["prevalence"], "f")
    except _BROKEN as exc:
        raise ModelError("The archive of the model is broken; learn the model again.") from exc
    _check_sizes(forest, width=width, genres=genres)
    if not are_shares(prevalence, (genres,)):
        raise ModelError("The archive of the model is of another one; learn the model again.")
    return Archive(forest, prevalence)


def baselines(archive: Archive, vectors: Vectors) -> dict[str, NDArray[np.float64]]:
    """Return what is compared with: the prevalence, and the forest, each [rows, genres]."""
    return {
        "prevalence": np.tile(archive.prevalence, (len(vectors), 1)),
        "random_forest": archive.forest.probabilities(vectors),
    }


def _schema(files: zipfile.ZipFile) -> dict[str, Any]:
    """Return what skops says of the files. Raises `ModelError`: it says what no model has."""
    if any(one.compress_type not in _PACKED for one in files.infolist()):
        raise ValueError("it is packed in another way")
    if sum(one.file_size for one in files.infolist()) > LARGEST:
        raise ModelError(f"The archive of the model holds more than {LARGEST >> 20} MiB.")
    if files.getinfo(_SCHEMA).file_size > LARGEST_SCHEMA:
        raise ModelError("The archive of the model says more of itself than any model does.")
    schema: dict[str, Any] = json.loads(files.read(_SCHEMA))
    foreign = sorted(set(_foreign(schema)))
    if foreign:
        raise ModelError(f"The archive of the model holds what no model has: {foreign[0]}.")
    return schema


def _foreign(node: Any) -> Iterator[str]:
    """Yield the types and the ways of making them that are not allowed."""
    if isinstance(node, dict):
        if "__class__" in node or "__loader__" in node:
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            if name not in ALLOWED:
                yield name
            elif node.get("__loader__") not in LOADERS:
                yield f"{name} by {node.get('__loader__')}"
        for part in node.values():
            yield from _foreign(part)
    elif isinstance(node, list):
        for part in node:
            yield from _foreign(part)


def _forest(files: zipfile.ZipFile, pipeline: Any) -> Forest:
    """Read a pipeline of an imputer and a random forest. Raises what is in `_BROKEN`."""
    imputer, forest = (
        _members(step["content"][1]) for step in _members(pipeline)["steps"]["content"]
    )
    estimators = forest["estimators_"]["content"]
    if not 1 <= len(estimators) <= MOST_TREES:
        raise ValueError("it is no forest")
    trees = [_tree(files, _members(one)["tree_"]) for one in estimators]
    return Forest(_numbers(files, imputer["statistics_"], "f"), trees)


def _tree(files: zipfile.ZipFile, node: Any) -> Tree:
    """Read a tree of scikit-learn's; its values are shares of [bear it not, bear it]."""
    state = _members(node)
    nodes, values = _array(files, state["nodes"]), _numbers(files, state["values"], "f")
    if nodes.ndim != 1 or values.ndim != 3 or values.shape[2] != 2:
        raise ValueError("it is no tree")
    left, right, feature = (
        _of_kind(nodes[name], "i") for name in ("left_child", "right_child", "feature")
    )
    return Tree(left, right, feature, _of_kind(nodes["threshold"], "f"), values[:, :, 1])


def _members(node: Any) -> Any:
    """Return the attributes of an object, or what a tree's state consists of."""
    return node["content"]["content"]


def _numbers(files: zipfile.ZipFile, node: Any, kind: str) -> NDArray[Any]:
    return _of_kind(_array(files, node), kind)


def _array(files: zipfile.ZipFile, node: Any) -> NDArray[Any]:
    data = io.BytesIO(files.read(node["file"]))
    array: NDArray[Any] = np.lib.format.read_array(data, allow_pickle=False)
    return array


def _of_kind(array: NDArray[Any], kind: str) -> NDArray[Any]:
    if array.dtype.kind != kind:
        raise TypeError("it holds numbers of another kind")
    return array.astype(np.int64 if kind == "i" else np.float64)


def _check_sizes(forest: Forest, *, width: int, genres: int) -> None:
    """Raises `ModelError`: it cannot be asked about vectors so wide, or says something else."""
    filling = forest.filling
    if filling.shape != (width,) or not np.isfinite(filling).all():
        raise ModelError("The archive of the model is of another one; learn the model again.")
    if not all(tree.is_sound(width=width, genres=genres) for tree in forest.trees):
        raise ModelError("The archive of the model holds a tree that is none; learn it again.")
