"""ONNX graphs of the networks that TigerTag knows, built from their weights, and their cache.

A graph is kept in the model folder beside a file with its SHA-256, so that one that was cut short
or changed is noticed and built anew. Both get their names when they are whole.

Input "pixels": uint8 [N, 224, 224, 3], RGB. Output "logits": float32 [N, 1000], or "embedding":
float32 [N, dimensions], what the dense layer that gives the logits gets. What the network wants
done to the pixels is part of the graph; batch normalisation is folded into the convolutions.
Importing this module imports no onnx.

Sources: EfficientNet-Lite0 is EfficientNet-B0 without squeeze-excite, with ReLU6: tensorflow/tpu,
models/official/efficientnet/lite; its tensors' names are those of lukemelas/EfficientNet-PyTorch.
ResNet-50 and ResNet-18, and their tensors' names: pytorch/vision, torchvision/models/resnet.py.
"""

import logging
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from tigertag.errors import ModelError, os_reason
from tigertag.inference.checkpoint import read_checkpoint
from tigertag.inference.weights import Weights

if TYPE_CHECKING:
    from onnx import ModelProto

    from tigertag.inference.graph_builder import Array, FeatureMap, GraphBuilder, StateDict

logger = logging.getLogger(__name__)

GRAPH_VERSION: Final = 1
SIDE_PX: Final = 224
CLASSES: Final = 1000

_LITE0_EPSILON: Final = 1e-3
_LITE0_MEAN: Final = (127.0, 127.0, 127.0)
_LITE0_DEVIATION: Final = (128.0, 128.0, 128.0)
_LITE0_STAGES: Final = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""The stages' number of blocks, and the stride of the first of these."""

_RESNET_EPSILON: Final = 1e-5
_RESNET_MEAN: Final = tuple(255 * part for part in (0.485, 0.456, 0.406))
_RESNET_DEVIATION: Final = tuple(255 * part for part in (0.229, 0.224, 0.225))


def graph_file(weights: Weights, models: Path) -> Path:
    """Return the ONNX file for these weights; build it only if it is not there, whole.

    Raises `ModelError`.
    """
    return _cached(models / f"{_name(weights)}.onnx", weights, build)


def embedding_file(weights: Weights, models: Path) -> Path:
    """Return the ONNX file of the network up to its last layer, as `graph_file` does."""
    return _cached(models / f"{_name(weights)}-embedding.onnx", weights, build_embedding)


def _name(weights: Weights) -> str:
    return f"{weights.network}-{weights.digest()[:16]}-{GRAPH_VERSION}"


def _cached(path: Path, weights: Weights, build: Callable[[str, dict[str, Any]], bytes]) -> Path:
    try:
        if _is_whole(path):
            return path
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    checkpoint = weights.file()
    logger.info("building %s from %s", path.name, checkpoint.name)
    graph = build(weights.network, read_checkpoint(checkpoint))
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, graph)
        _write(_checksum_file(path), sha256(graph).hexdigest().encode())
    except OSError as exc:
        reason = os_reason(exc)
        raise ModelError(f"{path} cannot be written: {reason}; make {folder} writable.") from exc
    return path


def _checksum_file(path: Path) -> Path:
    return path.with_suffix(".onnx.sha256")


def _is_whole(path: Path) -> bool:
    try:
        expected = _checksum_file(path).read_bytes()
        return sha256(path.read_bytes()).hexdigest().encode() == expected
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is seen whole or not at all."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def build(network: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the ONNX file of `efficientnet-lite0`, `resnet50` or `resnet18`.

    Raises `ModelError` when the tensors are not exactly that network's.
    """
    return _built(network, tensors, _classifier)


def build_embedding(network: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the ONNX file of the same network up to its last layer. Raises as `build` does."""
    return _built(network, tensors, _embedding)


def _built(
    network: str,
    tensors: Mapping[str, NDArray[Any]],
    finish: Callable[["GraphBuilder", "FeatureMap", "StateDict", str], "ModelProto"],
) -> bytes:
    from onnx import checker, shape_inference

    from tigertag.inference.graph_builder import GraphBuilder, StateDict

    draw, last_layer = _NETWORKS[network]
    weights = StateDict(network, tensors)
    builder = GraphBuilder(SIDE_PX)
    try:
        model = finish(builder, builder.average(draw(builder, weights)), weights, last_layer)
        weights.check_all_used()
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError, ValueError) as exc:
        raise ModelError(f"The weights do not fit {network}: a tensor has a wrong shape.") from exc
    return bytes(model.SerializeToString(deterministic=True))


def _classifier(
    builder: "GraphBuilder", x: "FeatureMap", weights: "StateDict", last_layer: str
) -> "ModelProto":
    logits = builder.dense(x, weights[f"{last_layer}.weight"], weights[f"{last_layer}.bias"])
    return builder.finish(
        logits, graph="classifier", output="logits", length=CLASSES, version=GRAPH_VERSION
    )


def _embedding(
    builder: "GraphBuilder", x: "FeatureMap", weights: "StateDict", last_layer: str
) -> "ModelProto":
    """Leave the last layer out, but look at its weights: they are to be the whole network's."""
    _bias, dimensions = weights[f"{last_layer}.bias"], weights[f"{last_layer}.weight"].shape[-1]
    return builder.finish(
        x, graph="embedding", output="embedding", length=dimensions, version=GRAPH_VERSION
    )


def _lite0(builder: "GraphBuilder", weights: "StateDict") -> "FeatureMap":
    """Build EfficientNet-Lite0 up to the planes of its last convolution. Raises `ModelError`."""
    stem = weights.folded("_conv_stem", "_bn0", epsilon=_LITE0_EPSILON)
    pixels = builder.pixels(_LITE0_MEAN, _LITE0_DEVIATION)
    x = builder.relu6(builder.conv(pixels, stem, stride=2, same_as_tensorflow=True))
    strides = [stride if nth == 0 else 0 for count, stride in _LITE0_STAGES for nth in range(count)]
    for number, stride in enumerate(strides):
        block = _lite0_block(builder, weights, x, number, stride or 1)
        x = block if stride else builder.add(block, x)
    head = weights.folded("_conv_head", "_bn1", epsilon=_LITE0_EPSILON)
    return builder.relu6(builder.conv(x, head))


def _lite0_block(
    builder: "GraphBuilder", weights: "StateDict", x: "FeatureMap", number: int, stride: int
) -> "FeatureMap":
    """Widen (but in the first block), convolve each plane by itself, narrow."""

    def folded(conv: str, norm: str) -> tuple["Array", "Array"]:
        block = f"_blocks.{number}"
        return weights.folded(f"{block}.{conv}", f"{block}.{norm}", epsilon=_LITE0_EPSILON)

    if number > 0:
        x = builder.relu6(builder.conv(x, folded("_expand_conv", "_bn0")))
    deep = folded("_depthwise_conv", "_bn1")
    x = builder.conv(x, deep, stride=stride, groups=deep[0].shape[0], same_as_tensorflow=True)
    return builder.conv(builder.relu6(x), folded("_project_conv", "_bn2"))


class _ResNet:
    """A ResNet as torchvision has it.

    `blocks`: the number of them in each stage. `convolutions`: the number of them in a block;
    `strided`: which of these, from 1, has the stride.
    """

    def __init__(self, blocks: tuple[int, ...], *, convolutions: int, strided: int) -> None:
        self._blocks = blocks
        self._convolutions = range(1, convolutions + 1)
        self._strided = strided

    def __call__(self, builder: "GraphBuilder", weights: "StateDict") -> "FeatureMap":
        """Build the network up to the planes of its last block. Raises `ModelError`."""
        pixels = builder.pixels(_RESNET_MEAN, _RESNET_DEVIATION)
        stem = weights.folded("conv1", "bn1", epsilon=_RESNET_EPSILON)
        x = builder.max_pool(builder.relu(builder.conv(pixels, stem, stride=2)))
        for stage, count in enumerate(self._blocks, start=1):
            for nth in range(count):
                stride = 2 if stage > 1 and nth == 0 else 1
                x = self._block(builder, weights, x, f"layer{stage}.{nth}", stride)
        return x

    def _block(
        self, builder: "GraphBuilder", weights: "StateDict", x: "FeatureMap", name: str, stride: int
    ) -> "FeatureMap":
        def folded(conv: str, norm: str) -> tuple["Array", "Array"]:
            return weights.folded(f"{name}.{conv}", f"{name}.{norm}", epsilon=_RESNET_EPSILON)

        shortcut = x
        if f"{name}.downsample.0.weight" in weights:
            shortcut = builder.conv(x, folded("downsample.0", "downsample.1"), stride=stride)
        for number in self._convolutions:
            convolution = folded(f"conv{number}", f"bn{number}")
            x = builder.conv(x, convolution, stride=stride if number == self._strided else 1)
            x = builder.relu(x) if number < self._convolutions[-1] else x
        return builder.relu(builder.add(x, shortcut))


_NETWORKS: Final[dict[str, tuple[Callable[["GraphBuilder", "StateDict"], "FeatureMap"], str]]] = {
    "efficientnet-lite0": (_lite0, "_fc"),
    "resnet50": (_ResNet((3, 4, 6, 3), convolutions=3, strided=2), "fc"),
    "resnet18": (_ResNet((2, 2, 2, 2), convolutions=2, strided=1), "fc"),
}
"""How each is built, and what the tensors of its last layer are called."""
