"""What graphs are built with: weights by name, and the layers as ONNX nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tigertag.errors import ModelError

OPSET = 17
IR_VERSION = 8

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

    def __init__(self, side_px: int) -> None:
        self._side_px = side_px
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []

    def pixels(self, mean: Sequence[float], deviation: Sequence[float]) -> FeatureMap:
        """Take the input, turn it to NCHW and do (pixels - mean) / deviation, in 0…255."""
        floats = self._node("Cast", ["pixels"], to=TensorProto.FLOAT)
        planes = self._node("Transpose", [floats], perm=[0, 3, 1, 2])
        middle = self._constant(np.asarray(mean).reshape(1, -1, 1, 1))
        scale = self._constant(1 / np.asarray(deviation).reshape(1, -1, 1, 1))
        centred = self._node("Sub", [planes, middle])
        return FeatureMap(self._node("Mul", [centred, scale]), self._side_px)

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

    def finish(
        self, last: FeatureMap, *, graph: str, output: str, length: int, version: int
    ) -> onnx.ModelProto:
        """Return the model that gives `last`, so many numbers for each image."""
        self._nodes.append(helper.make_node("Identity", [last.name], [output]))
        side_px = self._side_px
        pixels = helper.make_tensor_value_info(
            "pixels", TensorProto.UINT8, ["N", side_px, side_px, 3]
        )
        given = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", length])
        return helper.make_model(
            helper.make_graph(self._nodes, graph, [pixels], [given], initializer=self._constants),
            producer_name="tigertag",
            model_version=version,
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
