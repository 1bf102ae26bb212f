from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.media.films import film, made, number
from tests.unit.media.video.asking import frames
from tigertag.media.video.frames import HLG, PQ, FrameConverter, tone_mapped

LIMITED, FULL = 1, 2
BT709, BT601, BT2020 = 1, 6, 9


def shown(
    y: int, u: int, v: int, *, size: tuple[int, int] = (64, 48), colours: int = 2, range_: int = 0
) -> NDArray[np.uint8]:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, level in zip(frame.planes, (y, u, v), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    frame.colorspace, frame.color_range = colours, range_
    return np.asarray(FrameConverter(48, Fraction(1)).convert(frame)[10, 10])


@pytest.mark.parametrize(
    ("level", "range_", "expected"),
    [
        (16, LIMITED, 0),
        (235, LIMITED, 255),
        (0, FULL, 0),
        (255, FULL, 255),
        (16, 0, 0),
        (235, 0, 255),
    ],
)
def test_black_and_white_are_so_in_both_ranges(level: int, range_: int, expected: int) -> None:
    assert np.abs(shown(level, 128, 128, range_=range_).astype(int) - expected).max() <= 1


# Pure red, in limited range: BT.709 (ITU-R BT.709, 3) and BT.601 (ITU-R BT.601, 2.5).
@pytest.mark.parametrize(
    ("code", "colours", "size"),
    [
        ((63, 102, 240), BT709, (64, 48)),
        ((81, 90, 240), BT601, (64, 48)),
        ((63, 102, 240), 2, (1280, 720)),
        ((81, 90, 240), 2, (64, 48)),
    ],
    ids=["HD", "SD", "not said, HD", "not said, SD"],
)
def test_colours_are_those_of_their_matrix(
    code: tuple[int, int, int], colours: int, size: tuple[int, int]
) -> None:
    red = shown(*code, size=size, colours=colours, range_=LIMITED)
    assert np.abs(red.astype(int) - (255, 0, 0)).max() <= 3


def test_pixels_are_read_only_and_in_one_piece() -> None:
    pixels = np.asarray(frames(film())[0].pixels)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (96, 128, 3)
    assert pixels.flags.c_contiguous
    assert not pixels.flags.writeable


@pytest.mark.parametrize(("side_px", "shape"), [(48, (48, 64, 3)), (500, (96, 128, 3))])
def test_it_is_scaled_down_and_never_up(side_px: int, shape: tuple[int, ...]) -> None:
    assert frames(film(), short_side_px=side_px)[0].pixels.shape == shape


def quarters() -> Iterable[NDArray[np.uint8]]:
    """Red, green above; blue, white below."""
    picture = np.full((96, 128, 3), 255, np.uint8)
    picture[:48, :64], picture[:48, 64:], picture[48:, :64] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    return [picture]


def corners(data: bytes) -> str:
    pixels = np.asarray(frames(data)[0].pixels)
    height, width, _ = pixels.shape
    names = {(True, False, False): "r", (False, True, False): "g", (False, False, True): "b"}
    places = [(4, 4), (4, width - 5), (height - 5, 4), (height - 5, width - 5)]
    return "".join(names.get(tuple(pixels[place] > 120), "w") for place in places)


# The turn is counter-clockwise; then it is mirrored.
@pytest.mark.parametrize(
    ("turn", "flip", "expected"),
    [
        (0, False, "rgbw"),
        (90, False, "gwrb"),
        (180, False, "wbgr"),
        (270, False, "brwg"),
        (0, True, "grwb"),
        (90, True, "wgbr"),
        (180, True, "bwrg"),
        (270, True, "rbgw"),
    ],
)
def test_it_is_turned_upright(turn: int, flip: bool, expected: str) -> None:
    assert corners(made(quarters(), turn=turn, flip=flip)) == expected


def test_a_portrait_is_higher_than_wide() -> None:
    assert frames(film(turn=90))[0].pixels.shape == (128, 96, 3)


@pytest.mark.parametrize(
    ("aspect", "shape"), [(Fraction(3, 2), (96, 192, 3)), (Fraction(1, 2), (96, 64, 3))]
)
def test_pixels_that_are_not_square_are_made_so(aspect: Fraction, shape: tuple[int, ...]) -> None:
    assert frames(film(aspect=aspect))[0].pixels.shape == shape


def test_the_number_can_be_read_from_a_widened_frame() -> None:
    assert [number(each.pixels) for each in frames(film(aspect=Fraction(3, 2)))] == [
        0,
        10,
        20,
        30,
        40,
    ]


def nits(transfer: int, code: float) -> int:
    """The 8-bit grey that a signal of this height becomes."""
    signal = np.full((1, 1, 3), round(code * 65_535), np.uint16)
    grey = tone_mapped(signal, transfer)[0, 0]
    assert np.ptp(grey) <= 1
    return int(grey[1])


def test_pq_is_mapped_so_that_white_paper_is_bright_and_the_sun_is_white() -> None:
    # Codes of ST 2084 for 0, 203 (BT.2408, table 1: 58 %) and 1000 cd/m² (75 %).
    assert nits(PQ, 0.0) == 0
    assert 205 <= nits(PQ, 0.581) <= 230
    assert nits(PQ, 0.752) >= 253


def test_hlg_is_mapped_so_that_white_paper_is_bright_and_the_sun_is_white() -> None:
    # BT.2408, table 1: graphics white is at 75 % of HLG.
    assert nits(HLG, 0.0) == 0
    assert 205 <= nits(HLG, 0.75) <= 230
    assert nits(HLG, 1.0) >= 253


def test_a_colour_of_the_wide_gamut_keeps_its_hue() -> None:
    signal = np.array([[[0.55, 0.35, 0.35]]]) * 65_535
    red, green, blue = tone_mapped(signal.astype(np.uint16), PQ)[0, 0].astype(int)
    assert red > green + 40
    assert abs(green - blue) < 60


@pytest.mark.parametrize(("transfer", "code"), [("smpte2084", 16), ("arib-std-b67", 18)])
def test_a_film_in_hdr_is_tone_mapped(transfer: str, code: int) -> None:
    message = f"hdr10=1:repeat-headers=1:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    # With B-frames x265 reads times of frames that a film of one frame does not have.
    settings = f"keyint=12:bframes=0:frame-threads=1:pools=none:log-level=none:{message}"
    params = (("x265-params", settings),)
    grey = [np.full((96, 128, 3), 148, np.uint8)]
    data = made(grey, codec="libx265", pixel="yuv420p10le", coding=params, form="matroska")
    level = int(np.asarray(frames(data)[0].pixels)[50, 60, 1])
    assert abs(level - nits(code, 148 / 255)) <= 8
