"""Faces as tests draw them, and how the fake finds them: squares of these colours on grey."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = {
    "ada": (220, 30, 30),
    "alan": (30, 200, 30),
    "grace": (30, 30, 220),
    "linus": (220, 200, 20),
}
_GREY = (128, 128, 128)
_NEAR = 60
_CELLS = 48
_LEAST_CELLS = 4


@dataclass(frozen=True, slots=True)
class Face:
    """Whose face it is, and where, in pixels."""

    person: str
    x_min: int
    y_min: int
    x_max: int
    y_max: int


def drawn(
    *people: str, size: tuple[int, int] = (400, 300), kind: str = "JPEG", mark: int = 0
) -> bytes:
    """A picture with these faces side by side; another `mark` makes another file of the same."""
    image = Image.new("RGB", size, _GREY)
    room = size[0] // max(1, len(people))
    side = min(room, size[1]) // 2
    for number, person in enumerate(people):
        left, top = number * room + side // 2, side // 2
        image.paste(COLOURS[person], (left, top, left + side, top + side))
    image.putpixel((0, 0), (mark % 256, mark // 256 % 256, 128))
    out = io.BytesIO()
    image.save(out, kind, quality=95)
    return out.getvalue()


def faces_in(picture: bytes) -> list[Face]:
    """The faces in a picture that really is decoded. Raises what Pillow does."""
    with Image.open(io.BytesIO(picture)) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.int16)
    step = max(1, min(pixels.shape[:2]) // _CELLS)
    cells = pixels[step // 2 :: step, step // 2 :: step]
    found: list[Face] = []
    for person, colour in COLOURS.items():
        mask = np.abs(cells - np.array(colour)).max(axis=2) < _NEAR
        found += [_face(person, patch, step) for patch in _patches(mask)]
    return sorted(found, key=lambda one: (one.x_min, one.y_min))


def _face(person: str, patch: set[tuple[int, int]], step: int) -> Face:
    rows, columns = [row for row, _ in patch], [column for _, column in patch]
    top, bottom = min(rows) * step, (max(rows) + 1) * step
    return Face(person, min(columns) * step, top, (max(columns) + 1) * step, bottom)


def _patches(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    patches = []
    while left:
        patch, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            patch.add((row, column))
            near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)}
            edge += near & left
            left -= near
        patches.append(patch)
    return [one for one in patches if len(one) >= _LEAST_CELLS]
