import errno
import io
import os
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.unit.media.pictures import (
    BLUE,
    GREEN,
    ORIENTATION,
    RED,
    WHITE,
    encoded,
    halves,
    near,
    turned,
)
from tigertag.errors import ItemError, ItemGone, Unreadable
from tigertag.media import picture
from tigertag.media.picture import decode

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"]


def pixels(data: bytes, short_side_px: int = 32) -> NDArray[np.uint8]:
    return np.asarray(decode(data, short_side_px).pixels)


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        decode(data, 32)
    assert "\n" not in str(caught.value)
    assert not caught.value.retryable
    return caught.value


@pytest.mark.parametrize(
    "data",
    [b"plain text, whatever its name", b"<!DOCTYPE html><html></html>", b"\0" * 500],
    ids=["text", "page", "zeros"],
)
def test_it_refuses_what_is_no_picture(data: bytes) -> None:
    assert "not a picture" in str(refusal(data))


def test_it_refuses_an_empty_file() -> None:
    assert "empty" in str(refusal(b""))


def speckled() -> Image.Image:
    return Image.effect_noise((400, 300), 90).convert("RGB")


KINDS = [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 0}]


@pytest.mark.parametrize("side_px", [16, 64, 300])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_its_end_marker_is_whole(
    kind: dict[str, Any], missing: int, side_px: int
) -> None:
    data = encoded(speckled(), "JPEG", **kind)
    assert (pixels(data[:-missing], side_px) == pixels(data, side_px)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [8, 200, 5000])
def test_a_jpeg_that_lacks_more_is_cut_short(kind: dict[str, Any], missing: int) -> None:
    assert "cut short" in str(refusal(encoded(speckled(), "JPEG", **kind)[:-missing]))


# Which restart markers libjpeg passes over depends on the number of the one that is due.
@pytest.mark.parametrize("intervals", range(2, 12))
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0, 1, 2, 4])
def test_a_jpeg_that_lacks_its_last_restart_interval_is_cut_short(
    intervals: int, progressive: bool, kept: int
) -> None:
    picture = Image.effect_noise((64, 16 * intervals), 90).convert("RGB")
    data = encoded(picture, "JPEG", restart_marker_rows=1, progressive=progressive)
    last = max(data.rfind(b"\xff%c" % marker) for marker in range(0xD0, 0xD8))
    assert "cut short" in str(refusal(data[: last + kept]))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_it_refuses_a_picture_that_is_cut_short(kind: str, part: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    assert "cut short" in str(refusal(whole[: int(len(whole) * part)]))


def shape_or_refusal(data: bytes) -> int | str:
    try:
        return int(pixels(data).shape[2])
    except ItemError as exc:
        return "refused, try again" if exc.retryable else "refused for good"


@pytest.mark.parametrize("kind", FORMATS)
def test_it_gives_pixels_or_one_clear_word_whatever_bits_are_flipped(kind: str) -> None:
    whole = encoded(halves(), kind, **({"exif": turned(6)} if kind != "BMP" else {}))
    random = np.random.default_rng(2)
    for _ in range(150):
        broken = bytearray(whole)
        broken[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        assert shape_or_refusal(bytes(broken)) in (3, "refused for good")


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\0" * 4


def test_it_refuses_a_bomb_by_its_header() -> None:
    assert "20000 x 10000 pixels" in str(refusal(png_header(20_000, 10_000)))


@pytest.mark.parametrize(("progressive", "fits"), [(False, True), (True, False)])
def test_a_jpeg_may_be_larger_only_where_it_is_scaled_while_decoded(
    progressive: bool, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(halves(800, 800), "JPEG", progressive=progressive)
    monkeypatch.setattr(picture, "MOST_HELD_PX", 100_000)
    monkeypatch.setattr(picture, "MOST_SCALED_PX", 1_000_000)
    if fits:
        assert np.asarray(decode(data, 100).pixels).shape == (100, 100, 3)
    else:
        with pytest.raises(Unreadable, match="800 x 800"):
            decode(data, 100)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "JPEG"])
def test_other_formats_are_refused_above_the_limit_and_say_what_to_do(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "MOST_HELD_PX", 6_000)
    with pytest.raises(Unreadable, match=r"96 x 64 pixels.*Save it smaller"):
        decode(encoded(halves(), kind), 32)


@pytest.fixture
def _below_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_HELD_PX", 200_000)


def heic(thumbnail: int | None, orientation: int = 1) -> bytes:
    """A picture of 600 x 400 pixels, too many with `_below_heic`, and a thumbnail that long.

    It is green at the top left before it is turned.
    """
    image = halves(600, 400)
    image.paste(GREEN, (0, 0, 150, 100))
    file, stream = pillow_heif.from_pillow(image), io.BytesIO()
    file.info["exif"] = turned(orientation).tobytes()
    file.save(stream, quality=95, thumbnails=[thumbnail] if thumbnail else [])
    return stream.getvalue()


@pytest.mark.parametrize(
    ("orientation", "green"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))]
)
def test_a_heic_above_the_limit_is_decoded_upright_through_its_thumbnail(
    orientation: int, green: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = heic(96, orientation)
    full = np.asarray(decode(data, 48).pixels)
    monkeypatch.setattr(picture, "MOST_HELD_PX", 200_000)
    shown = np.asarray(decode(data, 48).pixels)
    assert shown.shape == full.shape == ((72, 48, 3) if orientation > 4 else (48, 72, 3))
    assert near(shown[green], GREEN)
    assert np.abs(shown.astype(int) - full).mean() < 4


@pytest.mark.usefixtures("_below_heic")
def test_a_thumbnail_that_is_just_large_enough_is_used() -> None:
    assert decode(heic(96), 64).pixels.shape == (64, 96, 3)


@pytest.mark.usefixtures("_below_heic")
@pytest.mark.parametrize(
    ("thumbnail", "short_side_px"),
    [(None, 48), (96, 66), (580, 48)],
    ids=["none", "too small", "above the limit itself"],
)
def test_a_heic_above_the_limit_without_a_usable_thumbnail_is_refused(
    thumbnail: int | None, short_side_px: int
) -> None:
    with pytest.raises(Unreadable, match=r"600 x 400 pixels.*Save it smaller"):
        decode(heic(thumbnail), short_side_px)


@pytest.mark.usefixtures("_below_heic")
@pytest.mark.parametrize("height", [412, 600], ids=["3 % more", "square"])
def test_a_thumbnail_of_another_shape_is_another_picture(height: int) -> None:
    size = struct.pack(">II", 600, 400)
    data = heic(320).replace(
        b"ispe\0\0\0\0" + size, b"ispe\0\0\0\0" + struct.pack(">II", 600, height)
    )
    with pytest.raises(Unreadable, match=f"600 x {height} pixels"):
        decode(data, 48)


def test_a_heic_within_the_limit_is_not_decoded_through_its_thumbnail() -> None:
    image = Image.effect_noise((600, 400), 90).convert("RGB")
    shown = {}
    for thumbnails in ([], [64]):
        stream = io.BytesIO()
        pillow_heif.from_pillow(image).save(stream, quality=95, thumbnails=thumbnails)
        shown[len(thumbnails)] = pixels(stream.getvalue())
    assert np.array_equal(shown[0], shown[1])


def test_a_file_that_went_away_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ItemGone):
        decode(tmp_path / "gone.jpg", 32)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(Unreadable, match="not a regular file"):
        decode(tmp_path / "pipe.jpg", 32)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_an_error_of_the_disk_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(halves(), "JPEG"))

    def fail(self: Path, mode: str, buffering: int) -> BinaryIO:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(Unreadable) as caught:
        decode(photo, 32)
    assert caught.value.retryable
    assert str(tmp_path) not in str(caught.value)


def test_heic_without_its_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(Unreadable, match="`heif`") as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64, 32)
    assert caught.value.retryable


def test_heic_is_read_with_its_extra() -> None:
    data = io.BytesIO()
    pillow_heif.from_pillow(halves()).save(data, quality=95)
    shown = pixels(data.getvalue())
    assert shown.shape == (32, 48, 3)
    assert near(shown[16, 4], RED)
    assert near(shown[16, 44], BLUE)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_whatever_its_name(kind: str, tmp_path: Path) -> None:
    photo = tmp_path / "misnamed.jpg"
    photo.write_bytes(encoded(halves(), kind))
    shown = np.asarray(decode(photo, 32).pixels)
    assert shown.dtype == np.uint8
    assert shown.shape == (32, 48, 3)
    assert shown.flags.c_contiguous
    assert near(shown[16, 4], RED)
    assert near(shown[16, 44], BLUE)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((997, 401), (64, 159)), ((401, 997), (159, 64)), ((64, 64), (64, 64)), ((1999, 64), None)],
)
def test_the_short_side_is_exact_and_never_scaled_up(
    size: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    wanted = expected or (size[1], size[0])
    assert pixels(encoded(halves(*size), "JPEG"), 64).shape[:2] == wanted
    assert pixels(encoded(halves(*size), "PNG"), 64).shape[:2] == wanted


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(kind: str, orientation: int) -> None:
    image = halves(640, 480)
    image.paste(GREEN, (0, 0, 160, 120))
    shown = pixels(encoded(image, kind, exif=turned(orientation)))
    upright = {
        1: (0, 0),
        2: (0, -1),
        3: (-1, -1),
        4: (-1, 0),
        5: (0, 0),
        6: (0, -1),
        7: (-1, -1),
        8: (-1, 0),
    }
    assert near(shown[upright[orientation]], GREEN)
    assert (shown.shape[0] > shown.shape[1]) == (orientation > 4)


def test_exif_that_cannot_be_read_turns_nothing() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 9
    assert pixels(encoded(halves(), "JPEG", exif=exif)).shape == (32, 48, 3)


def test_an_orientation_that_does_not_exist_turns_nothing() -> None:
    assert turned(77)[ORIENTATION] == 77
    assert pixels(encoded(halves(), "JPEG", exif=turned(77))).shape == (32, 48, 3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    deep = np.full((64, 96), 0x4000, dtype=np.uint16)
    deep[:, 48:] = 0xC000
    shown = pixels(encoded(Image.fromarray(deep), kind))
    assert near(shown[16, 4], (64, 64, 64))
    assert near(shown[16, 44], (192, 192, 192))


@pytest.mark.parametrize(
    ("values", "expected"), [((0.0, 0.5, 1.0), 128), ((-5.0, float("nan"), 255.0), 0)]
)
def test_floats_are_scaled_to_the_white_that_they_use(
    values: tuple[float, float, float], expected: int
) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    shown = pixels(encoded(image, "TIFF"))
    assert abs(int(shown[0, 1, 0]) - expected) <= 1
    assert tuple(shown[0, 2]) == WHITE


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "YCbCr", "LA", "RGBA", "P"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    grey = Image.new("L", (96, 64), 255).convert("RGB").convert(mode)
    assert near(pixels(encoded(grey, "TIFF" if mode in ("YCbCr", "CMYK") else "PNG"))[9, 9], WHITE)


def test_a_cmyk_jpeg_shows_its_colours() -> None:
    shown = pixels(encoded(halves().convert("CMYK"), "JPEG", quality=95))
    assert near(shown[16, 4], RED)
    assert near(shown[16, 44], BLUE)


def clear(mode: str) -> Image.Image:
    image = halves().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((*RED, 255), (0, 0, 48, 64))
    return image.convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF", "AVIF"])
def test_what_is_transparent_is_white(kind: str) -> None:
    shown = pixels(encoded(clear("RGBA"), kind))
    assert near(shown[16, 4], RED)
    assert near(shown[16, 44], WHITE)


@pytest.mark.parametrize(("mode", "key"), [("RGB", BLUE), ("P", 1)])
def test_a_transparent_colour_is_white(mode: str, key: object) -> None:
    image = halves() if mode == "RGB" else halves().quantize(2)
    key = image.getpixel((95, 0)) if mode == "P" else key
    assert near(pixels(encoded(image, "PNG", transparency=key))[16, 44], WHITE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_an_animation_the_first_picture_counts(kind: str) -> None:
    rest = [Image.new("RGB", (96, 64), GREEN)]
    assert near(pixels(encoded(halves(), kind, save_all=True, append_images=rest))[16, 4], RED)


def test_scaling_while_decoding_stays_near_the_full_way() -> None:
    random = np.random.default_rng(3)
    rough = random.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    photo = Image.fromarray(rough).resize((1600, 1200), Image.Resampling.BICUBIC)
    data = encoded(photo, "JPEG", quality=92)
    full = np.asarray(photo.resize((299, 224), Image.Resampling.BICUBIC))
    shown = pixels(data, 224)
    assert shown.shape == full.shape
    assert np.abs(shown.astype(int) - full).mean() < 3


def test_threads_decode_at_once() -> None:
    data = encoded(halves(400, 300), "JPEG")
    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(pixels, [data] * 64))
    assert all((each == shown[0]).all() for each in shown)
