"""ONNX graphs of the networks that TigerTag knows, built from their weights.

Input "pixels": uint8 [N, 224, 224, 3], RGB. Output "logits": float32 [N, 1000]. What the network
wants done to the pixels is part of the graph; batch normalisation is folded into the convolutions.
Importing this package imports no onnx.
"""

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from tigertag.errors import ModelError

GRAPH_VERSION: Final = 1
SIDE_PX: Final = 224
CLASSES: Final = 1000


def build(network: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the ONNX file of `efficientnet-lite0`, `resnet50` or `resnet18`.

    Raises `ModelError` when the tensors are not exactly that network's.
    """
    from onnx import checker, shape_inference

    from tigertag.inference.graphs import efficientnet, resnet
    from tigertag.inference.graphs.drawing import Drawing, Weights

    draw = {
        "efficientnet-lite0": efficientnet.draw_lite0,
        "resnet50": resnet.draw_resnet50,
        "resnet18": resnet.draw_resnet18,
    }[network]
    weights = Weights(network, tensors)
    drawing = Drawing(SIDE_PX)
    try:
        model = drawing.finish(draw(drawing, weights), CLASSES, GRAPH_VERSION)
        weights.check_all_used()
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError, ValueError) as exc:
        raise ModelError(f"The weights do not fit {network}: a tensor has a wrong shape.") from exc
    return bytes(model.SerializeToString(deterministic=True))
