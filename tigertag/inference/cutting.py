"""An own network without its last layer: what is left gives embeddings."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tigertag.errors import ModelError, os_reason
from tigertag.inference.preprocessing import ImageInput, Shape, read_input, shape_text

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

EMBEDDING: Final = "embedding"
MAKER: Final = "tigertag"
LARGEST_BYTES: Final = 1 << 30

_PASSED: Final = frozenset({"Cast", "Dropout", "Identity", "LogSoftmax", "Sigmoid", "Softmax"})
"""What may stand between the last linear layer and the output."""
_MOST_PASSED: Final = 8


@dataclass(frozen=True, slots=True)
class Cut:
    """The file of a network whose only output is the embedding, and what the network takes."""

    onnx: bytes
    input: ImageInput


class _Wiring:
    """A graph whose nodes are in order, as ONNX asks for, and the name of the image it takes."""

    def __init__(self, graph: "GraphProto", image: str) -> None:
        self._nodes = list(graph.node)
        self._makers = {made: node for node in self._nodes for made in node.output}
        self._varying = {image}
        for node in self._nodes:
            if not self._varying.isdisjoint(_inputs(node)):
                self._varying.update(node.output)

    def maker(self, name: str) -> "NodeProto | None":
        return self._makers.get(name)

    def varies(self, name: str) -> bool:
        """Whether it depends on the image."""
        return name in self._varying

    def needed(self, name: str) -> list["NodeProto"]:
        """Return the nodes without which there is no such value, in order."""
        sought = {name}
        nodes = []
        for node in reversed(self._nodes):
            if not sought.isdisjoint(node.output):
                sought.update(_inputs(node))
                nodes.append(node)
        return nodes[::-1]


def cut(path: Path, side_px: int | None) -> Cut:
    """Return a network up to its embedding; one that was cut before stays as it is.

    Where the output is that of a linear layer (Gemm, or MatMul by a constant and Add), the
    embedding is what that layer gets; else it is the output itself, if that is [N, dimensions], or
    the average of each of its planes. `side_px`: the side of the input where the file leaves that
    open. Raises `ModelError`.
    """
    model = _read(path)
    from google.protobuf.message import EncodeError  # type: ignore[import-untyped]

    graph = model.graph
    try:
        image = _image(graph)
        image_input = _fixed(image, side_px)
        if (model.producer_name, graph.name) != (MAKER, EMBEDDING):
            model = _cut(model, image.name, image_input)
        return Cut(model.SerializeToString(deterministic=True), image_input)
    except ModelError as exc:
        raise ModelError(f"{path} gives no embeddings. {exc}") from exc
    except (EncodeError, MemoryError, ValueError, TypeError) as exc:
        # A name that is no UTF-8 comes as bytes.
        raise ModelError(f"{path} gives no embeddings: it is too large, or damaged.") from exc


def _read(path: Path) -> "ModelProto":
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as exc:
        raise ModelError(f"ONNX is missing ({exc}): pip install 'tigertag[classifier]'") from exc
    try:
        model = onnx.load_from_string(_bytes(path))
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    except (DecodeError, MemoryError, ValueError) as exc:
        raise ModelError(f"{path} is no ONNX file, or it is damaged.") from exc
    tensors = (_of_graph(model.graph), *(_of_nodes(each.node) for each in model.functions))
    if any(
        tensor.external_data or tensor.data_location == tensor.EXTERNAL
        for tensor in chain.from_iterable(tensors)
    ):
        raise ModelError(f"{path} has its weights in other files; export it as one file.")
    return model


def _bytes(path: Path) -> bytes:
    """Return the file. Raises OSError, and `ModelError`: it is none, or it is too large."""
    with open(path, "rb", opener=_unblocked) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path} is no file.")
        if status.st_size > LARGEST_BYTES:
            raise ModelError(f"{path} is larger than any network that TigerTag can use.")
        return file.read(LARGEST_BYTES)


def _unblocked(name: str, flags: int) -> int:
    # A pipe in place of the file would be waited for.
    return os.open(name, flags | os.O_NONBLOCK)


def _image(graph: "GraphProto") -> "ValueInfoProto":
    constants = {constant.name for constant in graph.initializer}
    inputs: list[ValueInfoProto] = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ModelError(f"The model has {len(inputs)} inputs; it must have one, the image.")
    return inputs[0]


def _fixed(image: "ValueInfoProto", side_px: int | None) -> ImageInput:
    """Say what one image is to be, and write its sides into the graph."""
    from onnx.helper import tensor_dtype_to_np_dtype

    tensor = image.type.tensor_type
    try:
        dtype = tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError:
        dtype = "of no known type"
    image_input = read_input(_lengths(image), dtype, side_px)
    for dim, length in zip(list(tensor.shape.dim)[1:], image_input.shape, strict=True):
        dim.dim_value = length
    return image_input


def _cut(model: "ModelProto", image: str, image_input: ImageInput) -> "ModelProto":
    """Return the model whose only output is the embedding, without what that does not need."""
    from onnx import helper

    graph = model.graph
    source, wiring = _source(model, image, image_input), _Wiring(graph, image)
    last = _unused_name(graph)
    nodes = [*wiring.needed(source.name), *_tail(source, last)]
    used = {name for node in nodes for name in _inputs(node)}
    return helper.make_model(
        helper.make_graph(
            nodes,
            EMBEDDING,
            [value for value in graph.input if value.name in used],
            [helper.make_tensor_value_info(last, source.element, source.embedding)],
            initializer=[tensor for tensor in graph.initializer if tensor.name in used],
            sparse_initializer=[
                sparse for sparse in graph.sparse_initializer if sparse.values.name in used
            ],
        ),
        producer_name=MAKER,
        ir_version=model.ir_version,
        opset_imports=model.opset_import,
        functions=model.functions,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """The value that the embedding is made of: its elements' ONNX type and its shape.

    The shape has two or four lengths. `channels`: which of these is that of its planes.
    """

    name: str
    element: int
    shape: Shape
    channels: int = 1

    @property
    def embedding(self) -> Shape:
        return [self.shape[0], self.shape[self.channels]]


def _source(model: "ModelProto", image: str, image_input: ImageInput) -> _Source:
    """Return what the embedding is made of: numbers, or planes. Raises `ModelError`."""
    from onnx import shape_inference

    try:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
    except (shape_inference.InferenceError, RuntimeError) as exc:
        raise ModelError(f"It does not fit together: {' '.join(str(exc).split())[:200]}.") from exc
    if len(graph.output) != 1:
        names = ", ".join(value.name for value in graph.output)
        raise ModelError(f"It has {len(graph.output)} outputs ({names}); it must have one.")
    infos = {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}
    output = graph.output[0]
    shape = _lengths(output)
    if len(shape) not in (2, 4):
        text = shape_text(shape) if shape else "of no known shape"
        raise ModelError(f"Its output is {text}, neither numbers nor planes for each image.")
    if len(shape) == 4:
        return _Source(output.name, _element(output), shape, _channels(shape, image_input))
    before = _before_linear(_Wiring(graph, image), output.name) or output.name
    info = infos.get(before, output)
    has_shape = before in infos and len(_lengths(info)) == 2
    return _Source(before, _element(info), _lengths(info) if has_shape else [shape[0], None])


def _before_linear(wiring: _Wiring, name: str) -> str | None:
    """Return what the linear layer gets that makes this; None where it is made by none."""
    node = wiring.maker(name)
    for _ in range(_MOST_PASSED):
        if node is not None and node.op_type in _PASSED:
            node = wiring.maker(node.input[0])
    if node is not None and node.op_type == "Add":
        varying = [value for value in node.input if wiring.varies(value)]
        node = wiring.maker(varying[0]) if len(varying) == 1 else None
    if node is None or node.op_type not in ("Gemm", "MatMul") or wiring.varies(node.input[1]):
        return None
    transposed = any(each.name == "transA" and each.i for each in node.attribute)
    return None if transposed else node.input[0]


def _tail(source: _Source, last: str) -> list["NodeProto"]:
    """Return the nodes that make [N, dimensions] of it, under that name."""
    from onnx import helper

    if len(source.shape) != 4:
        return [helper.make_node("Identity", [source.name], [last])]
    planes, averages = f"{last}_planes", f"{last}_averages"
    perm = [0, source.channels, *(axis for axis in (1, 2, 3) if axis != source.channels)]
    return [
        helper.make_node("Transpose", [source.name], [planes], perm=perm),
        helper.make_node("GlobalAveragePool", [planes], [averages]),
        helper.make_node("Flatten", [averages], [last]),
    ]


def _channels(shape: Shape, image_input: ImageInput) -> int:
    """Tell by which sides are alike; as with the image, where all or none are."""
    _, first, middle, last = shape
    if (first == middle) != (middle == last):
        return 1 if middle == last else 3
    return 1 if image_input.channels_first else 3


def _unused_name(graph: "GraphProto") -> str:
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    name = EMBEDDING
    while any(used.startswith(name) for used in names):
        name += "_"
    return name


def _element(value: "ValueInfoProto") -> int:
    return value.type.tensor_type.elem_type


def _lengths(value: "ValueInfoProto") -> Shape:
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]


def _inputs(node: "NodeProto") -> Iterator[str]:
    """Yield what a node takes, and all that the graphs within it take."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _inputs(inner)
            yield from (value.name for value in graph.output)


def _of_graph(graph: "GraphProto") -> Iterator["TensorProto"]:
    """Yield all weights, also those within operators and within their graphs."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable["NodeProto"]) -> Iterator["TensorProto"]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from _of_graph(graph)
