"""A detector so small that its answers are plain: each cell sees the average of its own square.

Red is a person, green a bicycle, blue a car; a cell of stride s says a box of s x s pixels around
its middle, as sure as its square is bright.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

from tests.unit.inference.golden import DATA

SIDE_PX: Final = 64
CELLS: Final = 64 + 16 + 4
GOLDEN: Final = DATA / "golden_detections.json"
GOLDEN_SIZE: Final = (90, 60)
"""Width and height of the picture that the golden outputs are said to be of."""


def network(path: Path, *, side_px: int = SIDE_PX, classes: int = 80, scale: float = 1.0) -> Path:
    """Write it. `scale`: what every score is multiplied by, after it was cut to 0 to 1."""
    nodes, tensors, heads = [], [], []
    planes = np.zeros((5 + classes, 3, 1, 1), np.float32)
    planes[4] = 1 / 255
    for nth, channel in enumerate((2, 1, 0)):
        planes[5 + nth, channel] = 1 / 255
    middles = np.zeros(5 + classes, np.float32)
    middles[:2] = 0.5
    tensors += [numpy_helper.from_array(planes, "planes")]
    tensors += [numpy_helper.from_array(middles, "middles")]
    limits = {"least": 0.0, "most": 1.0, "scale": scale}
    tensors += [
        numpy_helper.from_array(np.array(n, np.float32), name) for name, n in limits.items()
    ]
    tensors += [numpy_helper.from_array(np.array([1, 5 + classes, -1]), "flat")]
    for stride in (8, 16, 32):
        square: dict[str, Any] = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        nodes += [
            helper.make_node("AveragePool", ["images"], [f"mean{stride}"], **square),
            helper.make_node("Conv", [f"mean{stride}", "planes", "middles"], [f"raw{stride}"]),
            helper.make_node("Clip", [f"raw{stride}", "least", "most"], [f"cut{stride}"]),
            helper.make_node("Mul", [f"cut{stride}", "scale"], [f"said{stride}"]),
            helper.make_node("Reshape", [f"said{stride}", "flat"], [f"head{stride}"]),
        ]
        heads.append(f"head{stride}")
    nodes += [
        helper.make_node("Concat", heads, ["all"], axis=2),
        helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]),
    ]
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, side_px, side_px])
    given = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, "cells", 5 + classes])
    graph = helper.make_graph(nodes, "tiny", [taken], [given], tensors)
    opsets = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path


def golden_outputs() -> NDArray[np.float32]:
    """Return outputs [84, 85] in which many boxes overlap, and some are sure of two classes."""
    rng = np.random.default_rng(7)
    outputs = np.zeros((CELLS, 85), np.float32)
    outputs[:, :2] = rng.uniform(-1, 2, (CELLS, 2))
    outputs[:, 2:4] = rng.uniform(-1, 1.5, (CELLS, 2))
    outputs[:, 4] = rng.uniform(0, 1, CELLS)
    rows = np.arange(CELLS)
    outputs[rows, 5 + rng.integers(0, 3, CELLS)] = rng.uniform(0.2, 1, CELLS)
    outputs[rows, 5 + rng.choice([2, 3, 79], CELLS)] = rng.uniform(0.2, 1, CELLS)
    return outputs


def golden_detections() -> list[Any]:
    """Return what the reference makes of them: rows of left, top, right, bottom, score, class."""
    stored: list[Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return stored
