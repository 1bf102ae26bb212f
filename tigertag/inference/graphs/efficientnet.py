"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-excite, with ReLU6.

Source: tensorflow/tpu, models/official/efficientnet/lite; the tensors' names are those of
lukemelas/EfficientNet-PyTorch.
"""

from typing import Final

from tigertag.inference.graphs.drawing import Array, Drawing, Map, Weights

EPSILON: Final = 1e-3
MEAN: Final = (127.0, 127.0, 127.0)
DEVIATION: Final = (128.0, 128.0, 128.0)
STAGES: Final = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""The stages' number of blocks, and the stride of the first of these."""


def draw_lite0(drawing: Drawing, weights: Weights) -> Map:
    """Draw the network; return the planes of its last convolution. Raises `ModelError`."""
    stem = weights.folded("_conv_stem", "_bn0", epsilon=EPSILON)
    x = drawing.conv(drawing.pixels(MEAN, DEVIATION), stem, stride=2, same_as_tensorflow=True)
    x = drawing.relu6(x)
    strides = [stride if nth == 0 else 0 for count, stride in STAGES for nth in range(count)]
    for number, stride in enumerate(strides):
        block = _Block(drawing, weights, f"_blocks.{number}", expands=number > 0)
        x = block.draw(x, stride) if stride else drawing.add(block.draw(x, 1), x)
    return drawing.relu6(drawing.conv(x, weights.folded("_conv_head", "_bn1", epsilon=EPSILON)))


class _Block:
    """Widen (but in the first block), convolve each plane by itself, narrow."""

    def __init__(self, drawing: Drawing, weights: Weights, name: str, *, expands: bool) -> None:
        self._drawing = drawing
        self._weights = weights
        self._name = name
        self._expands = expands

    def draw(self, x: Map, stride: int) -> Map:
        drawing = self._drawing
        if self._expands:
            x = drawing.relu6(drawing.conv(x, self._folded("_expand_conv", "_bn0")))
        deep = self._folded("_depthwise_conv", "_bn1")
        x = drawing.conv(x, deep, stride=stride, groups=deep[0].shape[0], same_as_tensorflow=True)
        return drawing.conv(drawing.relu6(x), self._folded("_project_conv", "_bn2"))

    def _folded(self, conv: str, norm: str) -> tuple[Array, Array]:
        return self._weights.folded(f"{self._name}.{conv}", f"{self._name}.{norm}", epsilon=EPSILON)
