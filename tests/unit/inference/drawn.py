"""Networks of a few nodes as people export them, to be cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

FOREIGN = "nobody.knows"
SIDE_PX, PLANES, CLASSES = 8, 3, 5
WEIGHT = np.random.default_rng(3).normal(size=(PLANES, CLASSES)).astype("f4")
BIAS = np.arange(CLASSES, dtype="f4")

Sides = Sequence[int | str]


def node(operator: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    """Return a node; the names of its inputs are parted by blanks."""
    return helper.make_node(operator, inputs.split(), [output], **attributes)


AVERAGES = [node("GlobalAveragePool", "image", "pooled"), node("Flatten", "pooled", "averages")]
"""[N, 3]: red, green and blue."""
GEMM = node("Gemm", "averages weight bias", "logits")


def network(
    path: Path,
    nodes: Sequence[NodeProto],
    given: str,
    *,
    taken: Sides = ("N", 3, SIDE_PX, SIDE_PX),
    shape: Sides | None = ("N", CLASSES),
    dtype: int = TensorProto.FLOAT,
    inputs: Sequence[str] = ("image",),
    outputs: Sequence[str] = (),
) -> Path:
    """Write a network that gives `given` (and `outputs`); of bytes it makes floats."""
    told = TensorProto.FLOAT if dtype == TensorProto.UINT8 else dtype
    constants = {"weight": WEIGHT, "bias": BIAS, "turned": WEIGHT.T.copy()}
    graph = helper.make_graph(
        list(nodes),
        "main_graph",
        [helper.make_tensor_value_info(name, dtype, taken) for name in inputs],
        [helper.make_tensor_value_info(given, told, shape)]
        + [helper.make_tensor_value_info(name, told, None) for name in outputs],
        initializer=[numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FOREIGN, 1)]
    save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path


def images(count: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(7).random((count, 3, SIDE_PX, SIDE_PX), dtype=np.float32)
