"""HEIC in less time than libheif takes, and the same pictures."""

import io
import sys
from collections.abc import Sequence

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests import heics
from tigertag.errors import Unreadable
from tigertag.media import heif, picture
from tigertag.media.heif import tiles
from tigertag.media.picture import decode

SIZE = (1100, 800)
SIDE_PX = 160
GOOD = {"quality": 95}


def scene(size: tuple[int, int] = SIZE, seed: int = 1) -> Image.Image:
    """Coloured blots on a slope of grey, with some grain, other ones for each seed."""
    chance = np.random.default_rng(seed)
    blots = Image.fromarray(chance.integers(0, 255, (6, 8, 3), np.uint8))
    smooth = np.asarray(blots.resize(size, Image.Resampling.BICUBIC), np.float64)
    grain = chance.normal(0, 4, (size[1], size[0], 1))
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def thumbnail(
    image: Image.Image, size: tuple[int, int] = (330, 240), **options: int
) -> heics.Coded:
    return heics.coded(image.resize(size, Image.Resampling.BICUBIC), **(GOOD | options))


def tiled(
    image: Image.Image,
    *,
    thumbnails: Sequence[heics.Coded] = (),
    properties: Sequence[bytes] = (),
    side_px: int = 256,
) -> bytes:
    parts = heics.tiles(image, side_px, **GOOD)
    return heics.grid(image.size, parts, thumbnails=thumbnails, properties=properties)


def pixels(data: bytes, side_px: int = SIDE_PX) -> NDArray[np.int16]:
    return np.asarray(decode(data, side_px).pixels).astype(np.int16)


def difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    assert one.shape == other.shape
    return float(np.abs(one - other).mean())


@pytest.fixture
def tiles_decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were decoded together, each time."""
    counts: list[int] = []
    decoded = tiles.decoded

    def counted(items: heif.HeifItems, pictures: Sequence[heif.Item]) -> object:
        counts.append(len(pictures))
        return decoded(items, pictures)

    for name in ("tiles", "thumbnail"):
        monkeypatch.setattr(sys.modules[f"tigertag.media.heif.{name}"], "decoded", counted)
    return counts


def by_libheif(data: bytes, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.int16]:
    with monkeypatch.context() as patch:
        patch.setattr(picture, "_fast_heif", lambda *_arguments: None)
        return pixels(data)


def test_a_thumbnail_of_another_picture_is_not_taken_for_it(tiles_decoded: list[int]) -> None:
    own, other = scene(), scene(seed=2)
    shown = pixels(tiled(own, thumbnails=[thumbnail(other)]))
    assert difference(shown, pixels(tiled(own))) == 0
    assert tiles_decoded[0] == 1
    assert 20 in tiles_decoded


@pytest.mark.parametrize("size", [(330, 330), (180, 131)], ids=["of another shape", "too small"])
def test_a_thumbnail_that_does_not_serve_is_not_looked_at(
    size: tuple[int, int], tiles_decoded: list[int]
) -> None:
    pixels(tiled(scene(), thumbnails=[thumbnail(scene(), size)]))
    assert tiles_decoded == [20]


def test_a_thumbnail_of_low_quality_is_not_looked_at(tiles_decoded: list[int]) -> None:
    pixels(tiled(scene(), thumbnails=[thumbnail(scene(), quality=20)]))
    assert tiles_decoded == [20]


def test_a_thumbnail_that_shows_the_same_stands_for_the_picture(
    tiles_decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiled(scene(), thumbnails=[thumbnail(scene())])
    shown = pixels(data)
    assert sum(tiles_decoded) == 1 + 4
    assert difference(shown, by_libheif(data, monkeypatch)) < 3


@pytest.mark.parametrize(
    "properties",
    [
        [],
        [heics.turned_left(1)],
        [heics.turned_left(3), heics.mirrored(1)],
        [heics.mirrored(0)],
        [heics.colours(1, is_full=True)],
        [heics.colours(9, is_full=False)],
    ],
    ids=["plain", "turned", "turned and mirrored", "upside down", "BT.709", "limited range"],
)
@pytest.mark.parametrize("with_thumbnail", [False, True])
def test_it_is_the_picture_that_libheif_shows(
    properties: list[bytes], with_thumbnail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    thumbnails = [thumbnail(scene())] if with_thumbnail else []
    data = tiled(scene(), thumbnails=thumbnails, properties=properties)
    assert difference(pixels(data), by_libheif(data, monkeypatch)) < 3


def test_a_picture_in_one_piece_is_the_same_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    pillow_heif.from_pillow(scene()).save(stream, **GOOD)
    data = stream.getvalue()
    assert difference(pixels(data), by_libheif(data, monkeypatch)) < 3


def test_a_crop_is_left_to_libheif(tiles_decoded: list[int]) -> None:
    assert pixels(tiled(scene(), properties=[heics.cropped((1000, 700))])).shape[:2] == (160, 229)
    assert tiles_decoded == []


def test_a_picture_that_is_needed_nearly_whole_is_left_to_libheif(
    tiles_decoded: list[int],
) -> None:
    pixels(tiled(scene()), side_px=500)
    assert tiles_decoded == []


@pytest.mark.parametrize("at", [300, 1000, 5000, 20_000])
def test_a_broken_file_is_shown_as_libheif_shows_it_or_refused(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(tiled(scene()))
    data[at : at + 40] = bytes(40)
    try:
        due = by_libheif(bytes(data), monkeypatch)
    except Unreadable:
        with pytest.raises(Unreadable):
            pixels(bytes(data))
    else:
        assert pixels(bytes(data)).shape == due.shape


def test_a_file_that_is_cut_short_is_refused() -> None:
    data = tiled(scene())
    with pytest.raises(Unreadable):
        pixels(data[: len(data) // 2])
