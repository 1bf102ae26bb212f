"""Make the golden values of the detector's tests, and compare it with the model's own demo.

    python -m scripts.make_detector_golden                       write the golden values
    python -m scripts.make_detector_golden --weights model.onnx  compare, on scikit-image's photos

The reference is written straight from YOLOX's demo (demo/ONNXRuntime): OpenCV's letterbox, ONNX
Runtime, one loop over the boxes. Beside the demo it suppresses boxes of the same class alone, and
counts an overlap without the demo's extra pixel, which depends on how large the picture is.
"""

import argparse
import json
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.unit.inference import tiny_yolox
from tigertag.inference.box_networks import detect
from tigertag.inference.yolox import LEAST_SCORE, Yolox

STRIDES = (8, 16, 32)
GREY = 114
SAME = 0.45
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")

Row = tuple[float, float, float, float, float, int]
"""Left, top, right, bottom in fractions of the picture, score, class."""


def main() -> None:
    """Write the golden values, or compare with a real model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, help="a YOLOX model to compare with")
    weights = parser.parse_args().weights
    if weights is not None:
        compare(weights)
        return
    width, height = tiny_yolox.GOLDEN_SIZE
    rows = reference(tiny_yolox.golden_outputs(), tiny_yolox.SIDE_PX, width, height)
    text = json.dumps([[round(number, 6) for number in row] for row in rows])
    tiny_yolox.GOLDEN.write_text(text.replace("], [", "],\n [") + "\n", encoding="utf-8")
    print(f"{len(rows)} detections")


def reference(outputs: NDArray[np.float32], side_px: int, width: int, height: int) -> list[Row]:
    """Return what a network's outputs say of a picture, surest first."""
    factor = min(side_px / height, side_px / width)
    found: list[Row] = []
    cells = ((stride, x, y) for stride in STRIDES for y, x in np.ndindex(*[side_px // stride] * 2))
    for (stride, x, y), row in zip(cells, outputs.astype(float).tolist(), strict=True):
        middle_x, middle_y = (row[0] + x) * stride, (row[1] + y) * stride
        half_x, half_y = exp(row[2]) * stride / 2, exp(row[3]) * stride / 2
        left, right = (edge / factor / width for edge in (middle_x - half_x, middle_x + half_x))
        top, bottom = (edge / factor / height for edge in (middle_y - half_y, middle_y + half_y))
        for number, probability in enumerate(row[5:]):
            if row[4] * probability >= LEAST_SCORE:
                found.append((left, top, right, bottom, row[4] * probability, number))
    found.sort(key=lambda each: -each[4])
    kept: list[Row] = []
    for each in found:
        if not any(other[5] == each[5] and overlap(other, each) > SAME for other in kept):
            kept.append(each)
    whole = [
        (max(row[0], 0.0), max(row[1], 0.0), min(row[2], 1.0), min(row[3], 1.0), row[4], row[5])
        for row in kept
    ]
    return [row for row in whole if row[2] > row[0] and row[3] > row[1]]


def overlap(one: Row, other: Row) -> float:
    """Return intersection over union."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def compare(weights: Path) -> None:
    """Print the largest differences between the reference and TigerTag on real photos."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    network = Yolox(weights, device="cpu", precision="f32")
    for name, picture in photos().items():
        square = letterboxed(picture, taken.shape[2])
        outputs = session.run(None, {taken.name: square[None]})[0][0]
        height, width, _ = picture.shape
        expected = reference(outputs, taken.shape[2], width, height)
        pixels = np.abs(network.prepared(picture) - square).max()
        raw = next(iter(network.session.run_all([square])))[1][0]
        ((_, found),) = detect(network, [picture])
        assert found is not None
        rows = np.column_stack([found.boxes, found.scores, found.classes])
        score, edge, alone = differences(expected, rows.tolist())
        print(
            f"{name}: {len(expected)} and {len(rows)} boxes; largest differences: input"
            f" {pixels:.0f} of 255, outputs for the same input {np.abs(raw - outputs).max():.5f},"
            f" score {score:.4f}, edge {edge:.4f} of the picture; surest without a counterpart"
            f" {alone:.3f}"
        )


def differences(expected: list[Row], rows: list[Any]) -> tuple[float, float, float]:
    """Return the largest differences of scores and edges, and the surest box without a partner."""
    score = edge = alone = 0.0
    for ours, theirs in ((expected, rows), (rows, expected)):
        for one in ours:
            alike = [other for other in theirs if other[5] == one[5] and overlap(one, other) > 0.7]
            if not alike:
                alone = max(alone, one[4])
                continue
            best = max(alike, key=lambda other: overlap(one, other))
            score = max(score, abs(one[4] - best[4]))
            edge = max(edge, *(abs(one[nth] - best[nth]) for nth in range(4)))
    return score, edge, alone


def letterboxed(picture: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
    """Return the network's input, as the demo makes it."""
    height, width, _ = picture.shape
    factor = min(side_px / height, side_px / width)
    size = int(width * factor), int(height * factor)
    square = np.full((side_px, side_px, 3), GREY, np.uint8)
    square[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1), np.float32)


def photos() -> dict[str, NDArray[np.uint8]]:
    """Return the photos that come with scikit-image, which is not imported."""
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0], "data")
    opened = {name: Image.open(folder / name).convert("RGB") for name in PHOTOS}
    return {name: np.asarray(image) for name, image in opened.items()}


if __name__ == "__main__":
    main()
