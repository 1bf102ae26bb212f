"""YOLOX: 80 classes of COCO from one ONNX file, as its authors' demo prepares and reads it.

Input 1 x 3 x S x S, BGR, 0 to 255 without scaling, fitted into the top left corner, the rest grey
(114). Output 1 x N x 85 for the cells of three grids of strides 8, 16, 32: centre and size relative
to the cell, objectness, and a probability for each class (Ge et al., arXiv:2107.08430).
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError
from tigertag.inference.boxes import MOST_CANDIDATES, Detections, Picture, scaled, suppressed
from tigertag.inference.preprocessing import Arrays, ImageInput, shape_text
from tigertag.inference.runtime import ONNX, Device, NetworkSession, Precision, open_session

CLASSES: Final = 80
STRIDES: Final = (8, 16, 32)
PADDING: Final = 114
LEAST_SCORE: Final = 0.25
"""What is less sure is not kept."""
MOST_SIDE_PX: Final = 1280
"""Twice the side that its authors train with; the memory for it grows with its square."""
_ROUNDING: Final = 1e-3


class Yolox:
    """A YOLOX network, open. Keeps to `BoxNetwork`."""

    def __init__(self, path: Path, *, device: Device, precision: Precision) -> None:
        """Raises `ModelError`: the file is no YOLOX export."""
        if path.suffix != ONNX:
            raise ModelError(f"{path} is no ONNX file: its name must end in {ONNX}.")
        self.session: NetworkSession = open_session(
            path, device=device, precision=precision, most_px=MOST_SIDE_PX
        )
        side_px = self.session.input.side_px
        self._cells, self._strides = _grid(side_px)
        shapes = [output.shape for output in self.session.outputs]
        if len(shapes) != 1 or not _fits(shapes[0], (len(self._cells), 5 + CLASSES)):
            given = " and ".join(shape_text(shape) for shape in shapes)
            wanted = shape_text([1, len(self._cells), 5 + CLASSES])
            raise ModelError(
                f"{path} is no YOLOX model for COCO: its output is {given}, not {wanted}"
                f" for an input of {side_px} px."
            )

    def prepared(self, part: Picture) -> NDArray[Any]:
        return letterboxed(part, self.session.input)

    def found(self, outputs: Arrays, width: int, height: int) -> Detections:
        """Return the boxes in fractions of the part. Raises ValueError: the outputs are none."""
        rows = outputs[0]
        if rows.shape != (len(self._cells), 5 + CLASSES):
            raise ValueError(f"not {len(self._cells)} cells: {rows.shape}")
        if not (rows[:, 4:].min() >= -_ROUNDING and rows[:, 4:].max() <= 1 + _ROUNDING):
            raise ValueError("not probabilities")
        likely = np.flatnonzero(rows[:, 4] >= LEAST_SCORE)
        boxes = self._decoded(rows[likely, :4].astype(np.float64), likely)
        finite = np.isfinite(boxes).all(axis=1)
        likely, boxes = likely[finite], boxes[finite]
        scores = rows[likely, 4:5].astype(np.float64) * rows[likely, 5:]
        cells, classes = _surest(scores)
        kept = Detections(boxes[cells], np.minimum(scores[cells, classes], 1.0), classes)
        kept = suppressed(kept)
        factor, _, _ = fitted(width, height, self.session.input.side_px)
        edges = factor * np.array([width, height] * 2, np.float64)
        return Detections(kept.boxes / edges, kept.scores, kept.classes)

    def _decoded(self, rows: NDArray[np.float64], cells: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return left, top, right and bottom in pixels of the network's input."""
        strides = self._strides[cells][:, None]
        centre = (rows[:, :2] + self._cells[cells]) * strides
        with np.errstate(over="ignore"):
            half = np.exp(rows[:, 2:4]) * strides / 2
        return np.concatenate([centre - half, centre + half], axis=1)


def _surest(scores: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return cells and classes of the surest, no more than suppression looks at.

    A broken network may be sure of every class in every cell: millions of boxes.
    """
    flat = scores.ravel()
    likely = np.flatnonzero(flat >= LEAST_SCORE)
    surest = likely[np.argsort(-flat[likely], kind="stable")[:MOST_CANDIDATES]]
    cells, classes = np.unravel_index(surest, scores.shape)
    return cells, classes


def fitted(width: int, height: int, side_px: int) -> tuple[float, int, int]:
    """Return the factor, width and height of a picture that just fits into the square."""
    factor = min(side_px / width, side_px / height)
    return factor, max(1, int(width * factor)), max(1, int(height * factor))


def letterboxed(part: Picture, image_input: ImageInput) -> NDArray[Any]:
    """Return the network's input for a part of a picture."""
    side_px = image_input.side_px
    height, width, _ = part.shape
    _, fitted_width, fitted_height = fitted(width, height, side_px)
    square = np.full((side_px, side_px, 3), PADDING, np.uint8)
    picture = scaled(part, fitted_width, fitted_height, antialias=False)
    square[:fitted_height, :fitted_width] = picture[..., ::-1]
    if image_input.channels_first:
        square = np.ascontiguousarray(square.transpose(2, 0, 1))
    return square.astype(image_input.dtype)


def _grid(side_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return column and row of each cell, and its stride in pixels."""
    cells, strides = [], []
    for stride in STRIDES:
        count = side_px // stride
        rows, columns = np.mgrid[:count, :count]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        strides.append(np.full(count * count, stride, np.float64))
    return np.concatenate(cells), np.concatenate(strides)


def _fits(shape: tuple[int | None, ...], wanted: tuple[int, int]) -> bool:
    """Whether an output is [batch, *wanted], as far as the file tells."""
    lengths = shape[1:]
    return len(shape) == 3 and all(
        length in (None, right) for length, right in zip(lengths, wanted, strict=True)
    )
