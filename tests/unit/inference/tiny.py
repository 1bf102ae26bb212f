"""A network so small that its answers can be told: the outputs are the colours' averages."""

from pathlib import Path

from onnx import TensorProto, helper, save

SIDE_PX = 8


def network(
    path: Path,
    *,
    nchw: bool = False,
    dtype: int = TensorProto.UINT8,
    shape: list[int | str] | None = None,
    softmax: bool = False,
) -> Path:
    """Write a network of three classes: red, green, blue; input [N, 8, 8, 3] or as `shape` says."""
    planes = "pixels" if nchw else "planes"
    nodes = (
        [] if nchw else [helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2])]
    )
    nodes += [
        helper.make_node("Cast", [planes], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["floats"], ["averages"]),
        helper.make_node("Flatten", ["averages"], ["flat"]),
        helper.make_node("Softmax" if softmax else "Identity", ["flat"], ["said"]),
    ]
    sides: list[int | str] = ["N", 3, SIDE_PX, SIDE_PX] if nchw else ["N", SIDE_PX, SIDE_PX, 3]
    taken = helper.make_tensor_value_info("pixels", dtype, shape or sides)
    given = helper.make_tensor_value_info("said", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "tiny", [taken], [given])
    opsets = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path
