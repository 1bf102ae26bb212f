"""ONNX graphs of the networks that TigerTag knows, built from their weights.

Input "pixels": uint8 [N, 224, 224, 3], RGB. Output "logits": float32 [N, 1000], or "embedding":
float32 [N, dimensions], what the dense layer that gives the logits gets. What the network wants
done to the pixels is part of the graph; batch normalisation is folded into the convolutions.
Importing this package imports no onnx.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from tigertag.errors import ModelError

if TYPE_CHECKING:
    from onnx import ModelProto

    from tigertag.inference.graphs.drawing import Drawing, Map, Weights

GRAPH_VERSION: Final = 1
SIDE_PX: Final = 224
CLASSES: Final = 1000

_DENSE: Final = {"efficientnet-lite0": "_fc", "resnet50": "fc", "resnet18": "fc"}
"""What the tensors of the last layer are called."""


def build(network: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the ONNX file of `efficientnet-lite0`, `resnet50` or `resnet18`.

    Raises `ModelError` when the tensors are not exactly that network's.
    """
    return _built(network, tensors, _classifying)


def build_embedding(network: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the ONNX file of the same network up to its last layer. Raises as `build` does."""
    return _built(network, tensors, _embedding)


_Finish = Callable[["Drawing", "Map", "Weights", str], "ModelProto"]


def _built(network: str, tensors: Mapping[str, NDArray[Any]], finish: _Finish) -> bytes:
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
        model = finish(drawing, drawing.average(draw(drawing, weights)), weights, _DENSE[network])
        weights.check_all_used()
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError, ValueError) as exc:
        raise ModelError(f"The weights do not fit {network}: a tensor has a wrong shape.") from exc
    return bytes(model.SerializeToString(deterministic=True))


def _classifying(drawing: "Drawing", x: "Map", weights: "Weights", dense: str) -> "ModelProto":
    logits = drawing.dense(x, weights[f"{dense}.weight"], weights[f"{dense}.bias"])
    return drawing.finish(
        logits, graph="classifier", output="logits", length=CLASSES, version=GRAPH_VERSION
    )


def _embedding(drawing: "Drawing", x: "Map", weights: "Weights", dense: str) -> "ModelProto":
    """Leave the last layer out, but look at its weights: they are to be the whole network's."""
    _bias, dimensions = weights[f"{dense}.bias"], weights[f"{dense}.weight"].shape[-1]
    return drawing.finish(
        x, graph="embedding", output="embedding", length=dimensions, version=GRAPH_VERSION
    )
