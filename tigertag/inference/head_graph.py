"""What the graph of a head may be: how much it takes is known before any of it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Final

from tigertag.errors import ModelError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

WIDEST: Final = 1 << 18
MOST_GENRES: Final = 1000
GIVEN: Final = "pooled"
SAID: Final = "probabilities"
_ONE: Final = 0
"""The width of what is one number, the same for every vector."""

_Widths = dict[str, int]


def read(data: bytes) -> tuple[ModelProto, int, int]:
    """Return the graph, the width of the vectors that it takes, and how many numbers it says.

    Every value in it is a matrix of a row for each vector, or one number; all of them together
    have no more than four times the vector's numbers and 32 for each genre, which is twice what a
    logistic regression with a calibrator needs. Raises `ModelError`: it is no such graph.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_from_string(data)
    except (DecodeError, MemoryError, ValueError) as exc:
        raise ModelError("The head of the model is no ONNX file.") from exc
    graph = model.graph
    # A name that is no UTF-8 comes as bytes.
    foreign = sorted(str(one.op_type) for one in graph.node if _kind(one) not in _RULES)
    if foreign:
        raise ModelError(
            f"The head of the model has an operator that none has: {foreign[0][:80]!r}."
        )
    if model.functions or _refers(graph):
        raise ModelError("The head of the model refers to more than itself.")
    width = _width(graph)
    return model, width, _said(graph, width)


def _kind(node: NodeProto) -> tuple[str, str]:
    return node.domain, node.op_type


def _refers(graph: GraphProto) -> bool:
    """Whether weights, or what is done, lie elsewhere than where this looks for them."""
    parts = any(
        attribute.HasField("t")
        or attribute.HasField("g")
        or attribute.HasField("sparse_tensor")
        or attribute.tensors
        or attribute.graphs
        or attribute.sparse_tensors
        for node in graph.node
        for attribute in node.attribute
    )
    external = any(tensor.external_data or tensor.data_location for tensor in graph.initializer)
    return parts or external or bool(graph.sparse_initializer)


def _width(graph: GraphProto) -> int:
    names = [one.name for one in (*graph.input, *graph.output)]
    sizes = [size.dim_value for one in graph.input for size in one.type.tensor_type.shape.dim]
    if names != [GIVEN, SAID] or len(sizes) != 2 or not 1 <= sizes[1] <= WIDEST:
        raise ModelError("The head of the model does not turn pooled vectors into probabilities.")
    return int(sizes[1])


def _said(graph: GraphProto, width: int) -> int:
    try:
        widths = _widths(graph, width)
        said = widths[SAID]
    except (LookupError, RuntimeError, TypeError, ValueError) as exc:
        raise ModelError("The head of the model is broken: its parts do not fit.") from exc
    if not 1 <= said <= MOST_GENRES:
        raise ModelError(f"The head of the model tells {said} genres, which none does.")
    if sum(widths.values()) > _budget(width, said):
        raise ModelError("The head of the model takes more than any head does.")
    return said


def _budget(width: int, genres: int) -> int:
    return 4 * width + 32 * genres


def _widths(graph: GraphProto, width: int) -> _Widths:
    """Return how wide each value is. Raises LookupError, TypeError, ValueError: it makes no sense.

    The labels of a classifier are no matrix, so nothing may take them.
    """
    constants = _constants(graph)
    ones = {name: _ONE for name, numbers in constants.items() if len(numbers) == 1}
    widths: _Widths = {GIVEN: width, **ones}
    _check_names(graph)
    total = 0
    for node in graph.node:
        made = widths[node.output[-1]] = _RULES[_kind(node)](node, widths, constants)
        total += max(made, 1)
        if total > _budget(width, MOST_GENRES):
            raise ValueError("it takes more than any head does")
    return widths


def _check_names(graph: GraphProto) -> None:
    """Raises ValueError: two values have the same name, or an operator makes more than it may."""
    names = [GIVEN, *(one.name for one in graph.initializer)]
    for node in graph.node:
        names += node.output
        if len(node.output) != (2 if node.op_type == "LinearClassifier" else 1):
            raise ValueError("an operator makes more than one thing")
    if len(set(names)) < len(names):
        raise ValueError("a value is made twice")


def _constants(graph: GraphProto) -> dict[str, list[Any]]:
    """Return all constants, each in a row; those of more dimensions or numbers are as good as none.

    scikit-learn's conversion leaves some behind that nothing needs.
    """
    from onnx.numpy_helper import to_array

    found = {}
    for tensor in graph.initializer:
        if prod(tensor.dims) > MOST_GENRES or min(tensor.dims, default=0) < 0:
            raise ValueError("it has a constant that no head has")
        array = to_array(tensor)
        if array.dtype.kind not in "fi":
            raise ValueError("it has a constant that is no number")
        found[tensor.name] = array.ravel().tolist() if array.ndim < 2 else []
    return found


def _taken(node: NodeProto, widths: _Widths) -> list[int]:
    return [widths[name] for name in node.input]


def _alike(node: NodeProto, widths: _Widths, _constants: dict[str, list[Any]]) -> int:
    """Number by number: a column, or one number, goes with any width."""
    taken = set(_taken(node, widths))
    wide = taken - {_ONE, 1}
    if len(wide) > 1 or not taken:
        raise ValueError("it puts together what is not of one width")
    return max(taken)


def _each(node: NodeProto, widths: _Widths, _constants: dict[str, list[Any]]) -> int:
    """Number by number, with numbers of its own for each column or one for all."""
    width, own = _matrix(node, widths), (_attribute(node, name) for name in _OWN[node.op_type])
    if any(len(numbers) not in (1, width) for numbers in own):
        raise ValueError(f"{node.op_type} has not as many numbers as columns")
    return width


def _classes(node: NodeProto, widths: _Widths, _constants: dict[str, list[Any]]) -> int:
    width, classes = _matrix(node, widths), len(_attribute(node, "intercepts"))
    labels = len(_attribute(node, "classlabels_ints"))
    fits = len(_attribute(node, "coefficients")) == width * classes
    if not fits or labels != classes or not classes:
        raise ValueError("LinearClassifier has not as many numbers as columns and classes")
    return classes


def _column(node: NodeProto, widths: _Widths, constants: dict[str, list[Any]]) -> int:
    _matrix(node, widths, inputs=2)
    if len(constants[node.input[1]]) != 1:
        raise ValueError("ArrayFeatureExtractor takes more than one column")
    return 1


def _beside(node: NodeProto, widths: _Widths, _constants: dict[str, list[Any]]) -> int:
    taken = _taken(node, widths)
    axis = [one.i for one in node.attribute if one.name == "axis"]
    if axis != [1] or not taken or _ONE in taken:
        raise ValueError("Concat puts together what are no columns")
    return sum(taken)


def _part(node: NodeProto, widths: _Widths, constants: dict[str, list[Any]]) -> int:
    width = _matrix(node, widths, inputs=4)
    [start], [end], [axis] = (constants[name] for name in node.input[1:])
    left = len(range(width)[start:end])
    if axis != 1 or not left:
        raise ValueError("Slice takes what are no columns")
    return left


def _matrix(node: NodeProto, widths: _Widths, *, inputs: int = 1) -> int:
    if len(node.input) != inputs or widths[node.input[0]] == _ONE:
        raise ValueError(f"{node.op_type} takes something else")
    return widths[node.input[0]]


def _attribute(node: NodeProto, name: str) -> Sequence[float]:
    found = [one for one in node.attribute if one.name == name]
    return [number for one in found for number in (*one.floats, *one.ints)]


_OWN: Final = {"Imputer": ("imputed_value_floats",), "Scaler": ("offset", "scale")}
_RULES: Final[dict[tuple[str, str], Callable[[NodeProto, _Widths, dict[str, list[Any]]], int]]] = {
    **{("", name): _alike for name in ("Add", "Div", "Exp", "Mul", "Sub", "Sum")},
    **{("ai.onnx.ml", name): _each for name in ("Imputer", "Scaler")},
    ("", "Concat"): _beside,
    ("", "Slice"): _part,
    ("ai.onnx.ml", "ArrayFeatureExtractor"): _column,
    ("ai.onnx.ml", "LinearClassifier"): _classes,
}
"""The operators that a logistic regression needs. None of them reads a file or runs a loop."""
