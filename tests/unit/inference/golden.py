"""What the golden values were made of: weights and images that anybody can make again.

`scripts/make_golden.py` gives them to the reference, the tests to our graphs. ResNet's weights are
random: real ones are too large to keep.
"""

import json
from collections.abc import Mapping
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[2] / "data"
LOGITS = DATA / "golden_logits.npz"
SHAPES = DATA / "golden_shapes.json"

Shapes = Mapping[str, tuple[int, ...]]


def images() -> NDArray[np.uint8]:
    """Return two images, uint8 [2, 224, 224, 3]: coloured noise and slopes with edges."""
    noise = np.random.default_rng(1).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    y, x = np.indices((224, 224))
    slopes = np.stack([x * 255 // 223, y * 255 // 223, x * y // 97 % 256], axis=-1)
    return np.stack([noise.repeat(8, axis=0).repeat(8, axis=1), slopes.astype(np.uint8)])


def seeded_weights(shapes: Shapes) -> dict[str, NDArray[Any]]:
    """Return weights for these tensors, float32, drawn one after another."""
    rng = np.random.default_rng(2)
    return {name: _drawn(rng, name, shape).astype("f4") for name, shape in shapes.items()}


def shapes(network: str) -> Shapes:
    """Return the reference's tensors, in its order."""
    stored = json.loads(SHAPES.read_text(encoding="utf-8"))[network]
    return {name: tuple(shape) for name, shape in stored.items()}


def logits(network: str) -> NDArray[np.float32]:
    """Return what the reference says of `images`, float32 [2, 1000]."""
    with np.load(LOGITS) as stored:
        return np.asarray(stored[network])


def _drawn(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    if len(shape) > 1:
        return rng.normal(size=shape) * sqrt(2 / prod(shape[1:]))
    if name.endswith("running_var"):
        return rng.uniform(0.7, 1.3, shape)
    if name.endswith("weight"):
        # What a block adds is kept small, so that the sums do not grow from block to block.
        return rng.uniform(0.3, 0.6, shape) if _is_last(name) else rng.uniform(0.9, 1.3, shape)
    return rng.normal(size=shape) * (1.0 if name == "fc.bias" else 0.02)


def _is_last(name: str) -> bool:
    return "layer" in name and "bn1" not in name
