"""ResNet-50 and ResNet-18 as torchvision has them.

Source and tensors' names: pytorch/vision, torchvision/models/resnet.py.
"""

from typing import Final

from tigertag.inference.graphs.drawing import Array, Drawing, Map, Weights

EPSILON: Final = 1e-5
MEAN: Final = tuple(255 * part for part in (0.485, 0.456, 0.406))
DEVIATION: Final = tuple(255 * part for part in (0.229, 0.224, 0.225))


def draw_resnet50(drawing: Drawing, weights: Weights) -> Map:
    """Draw the network; return the planes of its last block. Raises `ModelError`."""
    return _Network(drawing, weights, convolutions=3, strided=2).draw((3, 4, 6, 3))


def draw_resnet18(drawing: Drawing, weights: Weights) -> Map:
    """Draw the network; return the planes of its last block. Raises `ModelError`."""
    return _Network(drawing, weights, convolutions=2, strided=1).draw((2, 2, 2, 2))


class _Network:
    """A ResNet: how many convolutions a block has, and which of them (from 1) has the stride."""

    def __init__(
        self, drawing: Drawing, weights: Weights, *, convolutions: int, strided: int
    ) -> None:
        self._drawing = drawing
        self._weights = weights
        self._convolutions = range(1, convolutions + 1)
        self._strided = strided

    def draw(self, blocks: tuple[int, ...]) -> Map:
        drawing = self._drawing
        pixels = drawing.pixels(MEAN, DEVIATION)
        x = drawing.relu(drawing.conv(pixels, self._folded("conv1", "bn1"), stride=2))
        x = drawing.max_pool(x)
        for stage, count in enumerate(blocks, start=1):
            for nth in range(count):
                first_stride = 1 if stage == 1 else 2
                x = self._block(x, f"layer{stage}.{nth}", stride=first_stride if nth == 0 else 1)
        return x

    def _block(self, x: Map, name: str, *, stride: int) -> Map:
        drawing, shortcut = self._drawing, x
        if f"{name}.downsample.0.weight" in self._weights:
            projection = self._folded(f"{name}.downsample.0", f"{name}.downsample.1")
            shortcut = drawing.conv(x, projection, stride=stride)
        for number in self._convolutions:
            folded = self._folded(f"{name}.conv{number}", f"{name}.bn{number}")
            x = drawing.conv(x, folded, stride=stride if number == self._strided else 1)
            x = drawing.relu(x) if number < self._convolutions[-1] else x
        return drawing.relu(drawing.add(x, shortcut))

    def _folded(self, conv: str, norm: str) -> tuple[Array, Array]:
        return self._weights.folded(conv, norm, epsilon=EPSILON)
