"""Photographs to measure with, cut from real ones and saved at stated sizes."""

import importlib.util
import os
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

SIZES = {"12 Mpx": (4000, 3000), "3 Mpx": (2048, 1536), "0.3 Mpx": (640, 480)}


def sources() -> list[Path]:
    """Real photographs: the shared ones where they are present, else scikit-image's."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "photos"
    if shared.is_dir():
        return sorted(path for path in shared.glob("*.jpg") if path.stat().st_size > 50_000)
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("No photographs: install the wheel of scikit-image (make bench does).")
    data = Path(spec.submodule_search_locations[0]) / "data"
    names = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
    return [data / name for name in names]


def make(folder: Path, count: int, *, sizes: tuple[str, ...] = tuple(SIZES)) -> list[Path]:
    """Make `count` different JPEG files, equally many of each size; return them."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(_made(folder, count, sizes))


def _made(folder: Path, count: int, sizes: tuple[str, ...]) -> Iterator[Path]:
    chance = random.Random(count)
    real = sources()
    for number in range(count):
        size = SIZES[sizes[number % len(sizes)]]
        path = folder / f"{number:05}.jpg"
        with Image.open(real[number // len(sizes) % len(real)]) as picture:
            _cut(picture.convert("RGB"), size, chance).save(path, quality=90)
        yield path


def _cut(picture: Image.Image, size: tuple[int, int], chance: random.Random) -> Image.Image:
    """A part of the picture, of the wanted shape and at least 70 % of what fits."""
    width, height = picture.size
    scale = min(width / size[0], height / size[1]) * chance.uniform(0.7, 1.0)
    wide, high = size[0] * scale, size[1] * scale
    left, top = chance.uniform(0, width - wide), chance.uniform(0, height - high)
    return picture.resize(size, Image.Resampling.BICUBIC, (left, top, left + wide, top + high))


def linked(folder: Path, photos: list[Path], count: int) -> None:
    """Fill a folder with `count` files that are links to these photographs."""
    folder.mkdir(parents=True)
    for number in range(count):
        os.link(photos[number % len(photos)], folder / f"{number:06}.jpg")
