"""ONNX graphs of the networks that TigerTag knows, built from their weights.

Input "pixels": uint8 [N, 224, 224, 3], RGB. Outputs "logits": float32 [N, 1000], and "embedding":
float32 [N, dimensions], what the dense layer that gives the logits gets; or the embedding alone.
What the network wants done to the pixels is part of the graph; batch normalisation is folded into
the convolutions.

Sources: EfficientNet-Lite0 is EfficientNet-B0 without squeeze-excite, with ReLU6: tensorflow/tpu,
models/official/efficientnet/lite; its tensors' names are those of lukemelas/EfficientNet-PyTorch.
ResNet-50 and ResNet-18, and their tensors' names: pytorch/vision, torchvision/models/resnet.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

from tigertag.errors import ModelError
from tigertag.inference.checkpoint import GRAPH_VERSION
from tigertag.inference.preprocessing import DEFAULT_SIDE_PX, EMBEDDING

CLASSES: Final = 1000
OPSET: Final = 17
IR_VERSION: Final = 8

_LITE0_EPSILON: Final = 1e-3
_LITE0_MEAN: Final = (127.0, 127.0, 127.0)
_LITE0_DEVIATION: Final = (128.0, 128.0, 128.0)
_LITE0_STAGES: Final = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""The stages' number of blocks, and the stride of the first of these."""

_RESNET_EPSILON: Final = 1e-5
_RESNET_MEAN: Final = tuple(255 * part for part in (0.485, 0.456, 0.406))
_RESNET_DEVIATION: Final = tuple(255 * part for part in (0.229, 0.224, 0.225))

Array = NDArray[Any]


class StateDict:
    """Weights by name; it notes which of them were used."""

    def __init__(self, network: str, tensors: Mapping[str, Array]) -> None:
        self._network = network
        self._tensors = tensors
        self._used: set[str] = set()

    def __getitem__(self, name: str) -> Array:
        """Return the tensor as float64. Raises `ModelError` when there is none of this name."""
        if name not in self._tensors:
            raise ModelError(f"These are not the weights of {self._network}: {name} is missing.")
        self._used.add(name)
        return self._tensors[name].astype(np.float64)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def check_all_used(self) -> None:
        """Raise `ModelError` if there are more tensors: they are another network's."""
        left = [
            name
            for name in self._tensors
            if name not in self._used and not name.endswith(".num_batches_tracked")
        ]
        if left:
            raise ModelError(f"These are not the weights of {self._network}: it has no {left[0]}.")

    def folded(self, conv: str, norm: str, *, epsilon: float) -> tuple[Array, Array]:
        """Return weight and bias of a convolution with the batch normalisation after it."""
        scale = self[f"{norm}.weight"] / np.sqrt(self[f"{norm}.running_var"] + epsilon)
        weight = self[f"{conv}.weight"] * scale[:, None, None, None]
        return weight, self[f"{norm}.bias"] - self[f"{norm}.running_mean"] * scale


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """A value in the graph and the side of its square picture."""

    name: str
    side_px: int


class GraphBuilder:
    """A graph in the making: each layer is a method from one `FeatureMap` to the next."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []

    def pixels(self, mean: Sequence[float], deviation: Sequence[float]) -> FeatureMap:
        """Take the input, turn it to NCHW and do (pixels - mean) / deviation, in 0…255."""
        floats = self._node("Cast", ["pixels"], to=TensorProto.FLOAT)
        planes = self._node("Transpose", [floats], perm=[0, 3, 1, 2])
        middle = self._constant(np.asarray(mean).reshape(1, -1, 1, 1))
        scale = self._constant(1 / np.asarray(deviation).reshape(1, -1, 1, 1))
        centred = self._node("Sub", [planes, middle])
        return FeatureMap(self._node("Mul", [centred, scale]), DEFAULT_SIDE_PX)

    def conv(
        self,
        x: FeatureMap,
        weights: tuple[Array, Array],
        *,
        stride: int = 1,
        groups: int = 1,
        same_as_tensorflow: bool = False,
    ) -> FeatureMap:
        """Convolve with (weight [out, in, k, k], bias), padded so that k is centred.

        TensorFlow's SAME pads ceil(side / stride) outputs' worth and puts the odd one at the end.
        """
        kernel = weights[0].shape[-1]
        out_px = -(-x.side_px // stride)
        total = max((out_px - 1) * stride + kernel - x.side_px, 0)
        before, after = (
            (total // 2, total - total // 2) if same_as_tensorflow else (kernel // 2,) * 2
        )
        name = self._node(
            "Conv",
            [x.name, *(self._constant(values) for values in weights)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return FeatureMap(name, out_px)

    def relu(self, x: FeatureMap) -> FeatureMap:
        return FeatureMap(self._node("Relu", [x.name]), x.side_px)

    def relu6(self, x: FeatureMap) -> FeatureMap:
        low, high = self._constant(np.zeros(())), self._constant(np.full((), 6.0))
        return FeatureMap(self._node("Clip", [x.name, low, high]), x.side_px)

    def add(self, x: FeatureMap, y: FeatureMap) -> FeatureMap:
        return FeatureMap(self._node("Add", [x.name, y.name]), x.side_px)

    def max_pool(self, x: FeatureMap) -> FeatureMap:
        """Take the maximum of 3 x 3 at a stride of 2, padded by 1."""
        name = self._node(
            "MaxPool", [x.name], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
        )
        return FeatureMap(name, -(-x.side_px // 2))

    def average(self, x: FeatureMap) -> FeatureMap:
        """Average each plane."""
        pooled = self._node("GlobalAveragePool", [x.name])
        return FeatureMap(self._node("Flatten", [pooled]), 1)

    def dense(self, x: FeatureMap, weight: Array, bias: Array) -> FeatureMap:
        """Multiply what has no planes by the weight [out, in], and add the bias."""
        inputs = [x.name, self._constant(weight), self._constant(bias)]
        return FeatureMap(self._node("Gemm", inputs, transB=1), 1)

    def finish(self, graph: str, outputs: Mapping[str, tuple[FeatureMap, int]]) -> onnx.ModelProto:
        """Return the model with these outputs, so many numbers each for an image."""
        given = []
        for output, (last, length) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [last.name], [output]))
            given.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", length]))
        shape: tuple[str | int, ...] = ("N", DEFAULT_SIDE_PX, DEFAULT_SIDE_PX, 3)
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)
        return helper.make_model(
            helper.make_graph(self._nodes, graph, [pixels], given, initializer=self._constants),
            producer_name="tigertag",
            model_version=GRAPH_VERSION,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )

    def _node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, values: Array) -> str:
        name = f"constant_{len(self._constants)}"
        array = np.ascontiguousarray(values, dtype=np.float32).reshape(values.shape)
        self._constants.append(numpy_helper.from_array(array, name))
        return name


def build(network: str, tensors: Mapping[str, Array], *, embedding: bool = False) -> bytes:
    """Return the ONNX file of `efficientnet-lite0`, `resnet50` or `resnet18`.

    It gives the logits and the embedding. `embedding`: of the network up to its last layer. Raises
    `ModelError` when the tensors are not exactly that network's.
    """
    draw, last_layer = _NETWORKS[network]
    weights, builder = StateDict(network, tensors), GraphBuilder()
    try:
        features = builder.average(draw(builder, weights))
        # The weights of a layer that is left out must be the network's, too.
        last = weights[f"{last_layer}.weight"], weights[f"{last_layer}.bias"]
        embeddings = features, last[0].shape[-1]
        if embedding:
            model = builder.finish("embedding", {EMBEDDING: embeddings})
        else:
            logits = builder.dense(features, *last), CLASSES
            model = builder.finish("classifier", {"logits": logits, EMBEDDING: embeddings})
        weights.check_all_used()
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError, ValueError) as exc:
        raise ModelError(f"The weights do not fit {network}: a tensor has a wrong shape.") from exc
    return bytes(model.SerializeToString(deterministic=True))


def _lite0(builder: GraphBuilder, weights: StateDict) -> FeatureMap:
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
    builder: GraphBuilder, weights: StateDict, x: FeatureMap, number: int, stride: int
) -> FeatureMap:
    """Widen (but in the first block), convolve each plane by itself, narrow."""

    def folded(conv: str, norm: str) -> tuple[Array, Array]:
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

    def __call__(self, builder: GraphBuilder, weights: StateDict) -> FeatureMap:
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
        self, builder: GraphBuilder, weights: StateDict, x: FeatureMap, name: str, stride: int
    ) -> FeatureMap:
        def folded(conv: str, norm: str) -> tuple[Array, Array]:
            return weights.folded(f"{name}.{conv}", f"{name}.{norm}", epsilon=_RESNET_EPSILON)

        shortcut = x
        if f"{name}.downsample.0.weight" in weights:
            shortcut = builder.conv(x, folded("downsample.0", "downsample.1"), stride=stride)
        for number in self._convolutions:
            convolution = folded(f"conv{number}", f"bn{number}")
            x = builder.conv(x, convolution, stride=stride if number == self._strided else 1)
            x = builder.relu(x) if number < self._convolutions[-1] else x
        return builder.relu(builder.add(x, shortcut))


_NETWORKS: Final[dict[str, tuple[Callable[[GraphBuilder, StateDict], FeatureMap], str]]] = {
    "efficientnet-lite0": (_lite0, "_fc"),
    "resnet50": (_ResNet((3, 4, 6, 3), convolutions=3, strided=2), "fc"),
    "resnet18": (_ResNet((2, 2, 2, 2), convolutions=2, strided=1), "fc"),
}
"""How each is built, and what the tensors of its last layer are called."""
