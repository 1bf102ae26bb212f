import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.unit.media.films import pictures
from tigertag.media.video import selection
from tigertag.model import Frame

TEXTURES = [Frame(picture, float(n)) for n, picture in enumerate(pictures((1, 1, 1)))]


def plain(level: int, spread: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).integers(-spread, spread + 1, (96, 128, 3))
    return (level + noise).clip(0, 255).astype(np.uint8)


def card() -> NDArray[np.uint8]:
    image = Image.new("RGB", (256, 144), (30, 60, 90))
    ImageDraw.Draw(image).text((60, 60), "THE DIRECTOR'S CUT", fill="white")
    return np.asarray(image)


@pytest.mark.parametrize(
    "picture",
    [plain(0), plain(12, 8), plain(255), plain(245, 9), plain(120, 2), card()],
    ids=["black", "nearly black", "white", "nearly white", "grey", "title card"],
)
def test_what_shows_nothing_is_dull(picture: NDArray[np.uint8]) -> None:
    assert selection.is_dull(Frame(picture))


def test_a_night_with_lights_is_not_dull() -> None:
    night = plain(15, 8)
    night[40:60, 20:60] = 180
    assert not selection.is_dull(Frame(night))


def test_a_bird_in_a_clear_sky_is_not_dull() -> None:
    sky = np.linspace(120, 200, 96)[:, None, None] + np.zeros((96, 128, 3))
    sky[40:56, 50:80] = 30
    assert not selection.is_dull(Frame(sky.astype(np.uint8)))


def test_bars_above_and_below_do_not_make_a_frame_dull() -> None:
    barred = np.asarray(TEXTURES[0].pixels).copy()
    barred[:16], barred[-16:] = 0, 0
    assert not selection.is_dull(Frame(barred))


def test_what_is_nearly_the_same_as_the_one_before_is_left_out() -> None:
    again = Frame(np.asarray(TEXTURES[0].pixels) // 64 * 64 + 32, 0.5)
    softer = Frame((np.asarray(TEXTURES[0].pixels) * 0.99).astype(np.uint8), 0.6)
    assert selection.good_frames([TEXTURES[0], softer, TEXTURES[1]]) == [TEXTURES[0], TEXTURES[1]]
    assert selection.good_frames([TEXTURES[0], again]) == [TEXTURES[0], again]


def test_what_comes_back_later_is_kept() -> None:
    again = Frame(TEXTURES[0].pixels, 9.0)
    assert selection.good_frames([*TEXTURES, again]) == [*TEXTURES, again]


def test_of_dull_frames_the_one_of_most_contrast_is_kept() -> None:
    black, carded = Frame(plain(0), 0.0), Frame(card(), 1.0)
    assert selection.good_frames([black, carded]) == [carded]
