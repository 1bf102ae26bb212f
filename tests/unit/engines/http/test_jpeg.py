import io

import numpy as np
import pytest
from PIL import Image

from tigertag.engines.http.jpeg import to_jpeg
from tigertag.model import Frame


def frame(width_px: int, height_px: int) -> Frame:
    noise = np.random.default_rng(0).integers(0, 255, (height_px, width_px, 3), np.uint8)
    return Frame(noise)


def size(encoded: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(encoded)) as image:
        image.load()
        assert image.format == "JPEG"
        return image.size


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((800, 600), (400, 300)),
        ((600, 800), (300, 400)),
        ((300, 300), (300, 300)),
        ((200, 100), (200, 100)),
        ((1, 1), (1, 1)),
        ((4000, 20), (1000, 5)),
    ],
)
def test_it_is_as_small_as_asked_and_never_larger_than_it_was(
    given: tuple[int, int], sent: tuple[int, int]
) -> None:
    assert size(to_jpeg(frame(*given), short_side_px=300, max_side_px=1000)) == sent


@pytest.mark.parametrize("max_bytes", [40_000, 8_000, 2_000])
def test_it_weighs_no_more_than_it_may(max_bytes: int) -> None:
    encoded = to_jpeg(frame(400, 300), short_side_px=300, max_bytes=max_bytes)
    assert len(encoded) <= max_bytes
    assert size(encoded) <= (400, 300)


def test_what_cannot_be_made_light_enough_ends_at_one_pixel() -> None:
    assert size(to_jpeg(frame(9, 7), short_side_px=300, max_bytes=10)) == (1, 1)


def test_it_carries_pixels_and_nothing_else() -> None:
    with Image.open(io.BytesIO(to_jpeg(frame(20, 10), short_side_px=300))) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_picture_is_the_one_that_was_given() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, 32:] = 255
    with Image.open(io.BytesIO(to_jpeg(Frame(stripes), short_side_px=32))) as image:
        shown = np.asarray(image.convert("L"))
    assert shown[:, 3].max() < 16
    assert shown[:, 28].min() > 240


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((25, 512), (64, 512)),
        ((30, 40), (64, 64)),
        ((64, 64), (64, 64)),
        ((80, 60), (80, 64)),
        ((1000, 62), (1000, 64)),
        ((2000, 64), (1000, 64)),
    ],
)
def test_a_side_that_is_too_short_for_models_is_made_longer(
    given: tuple[int, int], sent: tuple[int, int]
) -> None:
    encoded = to_jpeg(frame(*given), short_side_px=300, max_side_px=1000, min_side_px=64)
    assert size(encoded) == sent


def test_a_strip_is_put_on_a_ground_and_not_distorted() -> None:
    white = Frame(np.full((16, 512, 3), 255, np.uint8))
    with Image.open(io.BytesIO(to_jpeg(white, short_side_px=300, min_side_px=64))) as image:
        rows = np.asarray(image.convert("L"))[:, 256]
    assert (rows[32], rows[4] < 140) == (255, True)
