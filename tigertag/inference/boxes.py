"""Where things are: parts of a picture as a detector sees them, and the boxes that it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
"""RGB, [height, width, 3]."""

LONGEST: Final = 2.5
"""Long by short side of what is looked at as a whole. Films (2.39) and screenshots (2.2) are."""
MOST_PARTS: Final = 16
_PART: Final = 1.5
_OVERLAP: Final = 0.5
"""Long side and overlap of a part, in short sides: most things are whole in one of them."""

MOST_CANDIDATES: Final = 400
SAME_OVERLAP: Final = 0.45
"""Intersection over union from which two boxes of a class are the same thing, as YOLOX has it."""
SAME_COVERED: Final = 0.6
"""The same of boxes in two parts, as a share of the smaller one: it is cut off at an edge."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, picture: Picture) -> Picture:
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector found: boxes [n, 4] (left, top, right, bottom), scores [n], classes [n]."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    @classmethod
    def none(cls) -> "Detections":
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))

    @classmethod
    def joined(cls, several: Sequence["Detections"]) -> "Detections":
        if len(several) == 1:
            return several[0]
        return cls(
            np.concatenate([each.boxes for each in several]),
            np.concatenate([each.scores for each in several]),
            np.concatenate([each.classes for each in several]),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def at(self, chosen: NDArray[Any]) -> "Detections":
        """Return those at these places, in this order."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.classes[chosen])


def parts(width: int, height: int) -> tuple[Part, ...]:
    """Return what is looked at one by one: the whole picture, or parts of a very long one.

    A panorama that is squeezed into a square leaves nothing that could be recognised. Its parts
    overlap and cover all of it; where it is so long that there would be more than `MOST_PARTS`,
    they are longer instead.
    """
    short, long = min(width, height), max(width, height)
    shape = long / short
    if shape <= LONGEST:
        return (Part(0, 0, width, height),)
    count = min(MOST_PARTS, ceil((shape - _OVERLAP) / (_PART - _OVERLAP)))
    share = _OVERLAP / _PART
    length = min(long, ceil(max(_PART * short, long / (count - (count - 1) * share))))
    begins = [round((long - length) * nth / (count - 1)) for nth in range(count)]
    if width > height:
        return tuple(Part(begin, 0, length, height) for begin in begins)
    return tuple(Part(0, begin, width, length) for begin in begins)


def scaled(picture: Picture, width: int, height: int, *, antialias: bool) -> Picture:
    """Scale bilinearly.

    Without `antialias` as OpenCV's INTER_LINEAR does, to one grey level: between four pixels,
    whatever the factor. With it all pixels count where it is made smaller; enlarged, it is alike.
    """
    rows, columns, _ = picture.shape
    if (columns, rows) == (width, height):
        return picture
    image = Image.fromarray(np.ascontiguousarray(picture))
    if antialias or (width >= columns and height >= rows):
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    factors = (columns / width, 0, 0, 0, rows / height, 0)
    return np.asarray(
        image.transform((width, height), Image.Transform.AFFINE, factors, Image.Resampling.BILINEAR)
    )


def same_thing(
    found: Detections, overlap: float, part_of: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Say which of the boxes show the same, as a matrix. `part_of`: the part that each is from."""
    boxes = found.boxes
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = areas[:, None] + areas[None, :] - shared
    same = shared > overlap * union
    if part_of is not None:
        smaller = np.minimum(areas[:, None], areas[None, :])
        same |= (part_of[:, None] != part_of[None, :]) & (shared > SAME_COVERED * smaller)
    alike: NDArray[np.bool_] = same & (found.classes[:, None] == found.classes[None, :])
    return alike


def suppressed(
    found: Detections,
    *,
    overlap: float = SAME_OVERLAP,
    part_of: NDArray[np.int64] | None = None,
) -> Detections:
    """Return the best box of each thing, surest first (non-maximum suppression in each class)."""
    order = np.argsort(-found.scores, kind="stable")[:MOST_CANDIDATES]
    found = found.at(order)
    same = same_thing(found, overlap, None if part_of is None else part_of[order])
    alive = np.ones(len(found), bool)
    kept = []
    for nth in range(len(found)):
        if alive[nth]:
            kept.append(nth)
            alive &= ~same[nth]
    return found.at(np.array(kept, np.intp))


def clipped(found: Detections) -> Detections:
    """Cut the boxes off at the picture's edges; leave out those that lie outside it."""
    boxes = np.clip(found.boxes, 0.0, 1.0)
    inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes[inside], found.scores[inside], found.classes[inside])
