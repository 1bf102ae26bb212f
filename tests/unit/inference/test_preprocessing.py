import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tigertag.inference.preprocessing import middle, short_side_px


def picture(height: int, width: int) -> NDArray[np.uint8]:
    small = np.random.default_rng(4).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_refused(pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="not uint8"):
        middle(pixels, 224)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50_000), (40_000, 2), (3, 300)])
def test_tiny_and_thin_pictures_are_scaled_without_a_huge_copy(height: int, width: int) -> None:
    pixels = np.full((height, width, 3), 77, np.uint8)
    view = middle(pixels, 224)
    assert view.shape == (224, 224, 3)
    assert (view == 77).all()


@pytest.mark.parametrize(("height", "width"), [(256, 400), (391, 256), (256, 256)])
def test_a_picture_of_the_right_size_is_cut_and_not_scaled(height: int, width: int) -> None:
    pixels = picture(height, width)
    top, left = (height - 224) // 2, (width - 224) // 2
    expected = pixels[top : top + 224, left : left + 224]
    np.testing.assert_array_equal(middle(pixels, 224), expected)


@pytest.mark.parametrize(("height", "width"), [(512, 1024), (1024, 512), (300, 300), (64, 128)])
def test_other_pictures_are_scaled_as_a_whole_and_then_cut(height: int, width: int) -> None:
    pixels, scale = picture(height, width), 256 / min(height, width)
    size = (round(width * scale), round(height * scale))
    whole = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    difference = middle(pixels, 224).astype(int) - middle(whole, 224).astype(int)
    assert np.abs(difference).max() <= 2


def test_the_crop_is_224_of_256() -> None:
    assert short_side_px(224) == 256
