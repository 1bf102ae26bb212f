"""Which node of an ONNX graph makes what, and out of what."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto


class Wiring:
    """A graph whose nodes are in order, as ONNX asks for, and the name of the image it takes."""

    def __init__(self, graph: "GraphProto", image: str) -> None:
        self._nodes = list(graph.node)
        self._makers = {made: node for node in self._nodes for made in node.output}
        self._varying = {image}
        for node in self._nodes:
            if not self._varying.isdisjoint(reads(node)):
                self._varying.update(node.output)

    def maker(self, name: str) -> "NodeProto | None":
        return self._makers.get(name)

    def varies(self, name: str) -> bool:
        """Whether it depends on the image."""
        return name in self._varying

    def needed(self, name: str) -> list["NodeProto"]:
        """Return the nodes without which there is no such value, in order."""
        sought = {name}
        found = []
        for node in reversed(self._nodes):
            if not sought.isdisjoint(node.output):
                sought.update(reads(node))
                found.append(node)
        return found[::-1]


def reads(node: "NodeProto") -> Iterator[str]:
    """Yield what a node takes, and all that the graphs within it take."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from reads(inner)
            yield from (one.name for one in graph.output)


def tensors(model: "ModelProto") -> Iterator["TensorProto"]:
    """Yield all weights, also those within operators, within their graphs, and within functions."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def is_external(tensor: "TensorProto") -> bool:
    """Whether its numbers lie in another file, or are said to."""
    return bool(tensor.external_data) or tensor.data_location == tensor.EXTERNAL


def _of_graph(graph: "GraphProto") -> Iterator["TensorProto"]:
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
