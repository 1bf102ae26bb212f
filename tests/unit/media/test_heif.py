"""HEIC in less time than libheif takes, and the same pictures."""

import io
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests import heics
from tigertag.errors import Unreadable
from tigertag.media import picture
from tigertag.media.heif import tiles
from tigertag.media.heif.items import HeifItems, Item
from tigertag.media.picture import decode

SIZE = (550, 400)
SIDE_PX = 80
TILE_PX = 128
GOOD = {"quality": 95}


def scene(size: tuple[int, int] = SIZE, seed: int = 1) -> Image.Image:
    """Coloured blots on a slope of grey, with some grain, other ones for each seed."""
    chance = np.random.default_rng(seed)
    blots = Image.fromarray(chance.integers(0, 255, (6, 8, 3), np.uint8))
    smooth = np.asarray(blots.resize(size, Image.Resampling.BICUBIC), np.float64)
    grain = chance.normal(0, 4, (size[1], size[0], 1))
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def thumbnail(
    image: Image.Image, size: tuple[int, int] = (176, 128), **options: int
) -> heics.Coded:
    return heics.coded(image.resize(size, Image.Resampling.BICUBIC), **(GOOD | options))


@cache
def parts(seed: int = 1) -> list[heics.Coded]:
    return heics.tiles(scene(seed=seed), TILE_PX, **GOOD)


def tiled(
    *,
    seed: int = 1,
    thumbnails: Sequence[heics.Coded] = (),
    properties: Sequence[bytes] = (),
    thumbnail_properties: Sequence[bytes] | None = None,
) -> bytes:
    return heics.grid(
        SIZE,
        parts(seed),
        thumbnails=thumbnails,
        properties=properties,
        thumbnail_properties=thumbnail_properties,
    )


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

    def counted(items: HeifItems, pictures: Sequence[Item]) -> object:
        counts.append(len(pictures))
        return decoded(items, pictures)

    for name in ("tiles", "thumbnail"):
        # By import: the package's attribute `thumbnail` need not be the module.
        monkeypatch.setattr(import_module(f"tigertag.media.heif.{name}"), "decoded", counted)
    return counts


def by_libheif(data: bytes, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.int16]:
    with monkeypatch.context() as patch:
        patch.setattr(picture, "_fast_heif", lambda *_arguments: None)
        return pixels(data)


def test_a_thumbnail_of_another_picture_is_not_taken_for_it(tiles_decoded: list[int]) -> None:
    other = scene(seed=2)
    shown = pixels(tiled(thumbnails=[thumbnail(other)]))
    assert difference(shown, pixels(tiled())) == 0
    assert tiles_decoded[0] == 1
    assert 20 in tiles_decoded


@pytest.mark.parametrize("size", [(176, 176), (88, 64)], ids=["of another shape", "too small"])
def test_a_thumbnail_that_does_not_serve_is_not_looked_at(
    size: tuple[int, int], tiles_decoded: list[int]
) -> None:
    pixels(tiled(thumbnails=[thumbnail(scene(), size)]))
    assert tiles_decoded == [20]


@pytest.mark.parametrize(
    "own",
    [[heics.turned_left(2)], [heics.cropped((150, 100))]],
    ids=["turned", "cropped"],
)
def test_a_thumbnail_that_is_turned_or_cropped_otherwise_is_not_looked_at(
    own: list[bytes], tiles_decoded: list[int]
) -> None:
    pixels(tiled(thumbnails=[thumbnail(scene())], thumbnail_properties=own))
    assert tiles_decoded == [20]


def test_a_thumbnail_that_was_edited_in_one_quarter_is_not_shown(tiles_decoded: list[int]) -> None:
    edited = scene()
    edited.paste((255, 255, 255), (0, 0, 275, 200))
    shown = pixels(tiled(thumbnails=[thumbnail(edited)]))
    assert difference(shown, pixels(tiled())) == 0


def test_after_a_thumbnail_that_is_broken_the_next_is_tried(tiles_decoded: list[int]) -> None:
    good = thumbnail(scene())
    broken = heics.Coded(good.config, bytes(len(good.data)), good.size)
    pixels(tiled(thumbnails=[broken, good]))
    assert 20 not in tiles_decoded


def test_a_thumbnail_of_low_quality_is_not_looked_at(tiles_decoded: list[int]) -> None:
    pixels(tiled(thumbnails=[thumbnail(scene(), quality=20)]))
    assert tiles_decoded == [20]


def test_a_thumbnail_that_shows_the_same_stands_for_the_picture(
    tiles_decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiled(thumbnails=[thumbnail(scene())])
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
    data = tiled(thumbnails=thumbnails, properties=properties)
    assert difference(pixels(data), by_libheif(data, monkeypatch)) < 3


def test_a_picture_in_one_piece_is_the_same_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    pillow_heif.from_pillow(scene()).save(stream, **GOOD)
    data = stream.getvalue()
    assert difference(pixels(data), by_libheif(data, monkeypatch)) < 3


def test_a_crop_is_left_to_libheif(tiles_decoded: list[int]) -> None:
    assert pixels(tiled(properties=[heics.cropped((500, 350))])).shape[:2] == (80, 114)
    assert tiles_decoded == []


def test_a_picture_that_is_needed_nearly_whole_is_left_to_libheif(
    tiles_decoded: list[int],
) -> None:
    pixels(tiled(), side_px=250)
    assert tiles_decoded == []


@pytest.mark.parametrize("at", [300, 1000, 5000, 20_000])
def test_a_broken_file_is_shown_as_libheif_shows_it_or_refused(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(tiled())
    data[at : at + 40] = bytes(40)
    try:
        due = by_libheif(bytes(data), monkeypatch)
    except Unreadable:
        with pytest.raises(Unreadable):
            pixels(bytes(data))
    else:
        assert pixels(bytes(data)).shape == due.shape


@pytest.mark.parametrize("has_pyav", [True, False])
def test_a_file_that_is_cut_short_is_refused(
    has_pyav: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiled()
    if not has_pyav:
        without_pyav(monkeypatch)
    with pytest.raises(Unreadable, match="cut short"):
        pixels(data[: len(data) // 2])


def test_one_that_is_above_the_limit_is_refused_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiled(thumbnails=[thumbnail(scene())])
    monkeypatch.setattr(picture, "MOST_HELD_PX", SIZE[0] * SIZE[1] - 1)
    assert pixels(data).shape[0] == SIDE_PX
    with pytest.raises(Unreadable, match="cut short"):
        pixels(data[: len(data) // 2])


def without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tigertag.media.heif.decoding", raising=False)
    for name in ("colours", "thumbnail", "tiles"):
        monkeypatch.delitem(sys.modules, f"tigertag.media.heif.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "av", None)


def test_without_pyav_libheif_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiled()
    due = by_libheif(data, monkeypatch)
    without_pyav(monkeypatch)
    assert difference(pixels(data), due) == 0


def test_colours_are_those_of_the_coded_picture_where_the_file_states_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coded = heics.tiles(
        scene(), TILE_PX, save_nclx_profile=False, matrix_coefficients=1, full_range_flag=0
    )
    data = heics.grid(SIZE, coded)
    assert difference(pixels(data), by_libheif(data, monkeypatch)) < 3


def test_a_tile_that_is_larger_than_the_file_says_is_left_to_libheif(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = heics.coded(scene((512, 512))).with_size((TILE_PX, TILE_PX))
    data = heics.grid(SIZE, [large] * 20)
    shown = [_shown(pixels, data), _shown(lambda data: by_libheif(data, monkeypatch), data)]
    assert shown[0] == shown[1]


def _shown(show: Callable[[bytes], NDArray[np.int16]], data: bytes) -> bytes:
    try:
        return show(data).tobytes()
    except Unreadable:
        return b"refused"


def test_a_tile_that_is_named_again_and_again_is_left_to_libheif(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = heics.grid(SIZE, [parts()[0]] * 20, is_shared=True)
    assert difference(pixels(data), by_libheif(data, monkeypatch)) == 0


@pytest.mark.parametrize("start", [0, 5_000])
def test_whatever_bits_are_flipped_it_gives_pixels_or_one_clear_word(start: int) -> None:
    whole = tiled(thumbnails=[thumbnail(scene())])
    random = np.random.default_rng(4)
    for _ in range(60):
        broken = bytearray(whole)
        broken[start + random.integers(2500)] ^= 1 << int(random.integers(8))
        assert _shown(pixels, bytes(broken))
