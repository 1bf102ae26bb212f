"""Heads so small that what they say can be told: each genre's probability is its own number."""

from collections.abc import Sequence

from onnx import NodeProto, TensorProto, helper


def head(
    width: int = 3,
    *,
    given: str = "probabilities",
    nodes: Sequence[NodeProto] | None = None,
    offset: float = 0.0,
) -> bytes:
    """Return a head that says the vector itself, less `offset`."""
    scaled = helper.make_node(
        "Scaler", ["pooled"], [given], domain="ai.onnx.ml", offset=[offset], scale=[1.0]
    )
    graph = helper.make_graph(
        [scaled] if nodes is None else nodes,
        "tiny",
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, [None, width])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    return bytes(model.SerializeToString())
