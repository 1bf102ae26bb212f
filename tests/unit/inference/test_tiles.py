import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tigertag.inference.preprocessing import tiles

SIDE_PX = 32


def slope(height: int, width: int) -> NDArray[np.uint8]:
    """Brighter towards the end of the long side."""
    values = np.linspace(0, 250, max(height, width)).astype(np.uint8)
    along = values[:, None] if height > width else values[None, :]
    return np.ascontiguousarray(np.broadcast_to(along[..., None], (height, width, 3)))


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
        tiles(pixels, SIDE_PX)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50_000), (40_000, 2), (3, 300)])
def test_tiny_and_thin_pictures_are_scaled_without_a_huge_copy(height: int, width: int) -> None:
    for tile in tiles(np.full((height, width, 3), 77, np.uint8), SIDE_PX):
        assert tile.shape == (SIDE_PX, SIDE_PX, 3)
        assert (tile == 77).all()


@pytest.mark.parametrize(
    ("long", "count"),
    [(100, 1), (105, 1), (106, 2), (150, 2), (178, 2), (205, 2), (206, 3), (240, 3), (900, 4)],
)
def test_there_are_as_many_as_it_takes_to_see_the_long_side(long: int, count: int) -> None:
    assert len(tiles(slope(100, long), SIDE_PX)) == count
    assert len(tiles(slope(long, 100), SIDE_PX)) == count


@pytest.mark.parametrize("shape", [(SIDE_PX, 80), (80, SIDE_PX)])
def test_they_reach_from_edge_to_edge(shape: tuple[int, int]) -> None:
    frame = slope(*shape)
    first, _, last = tiles(frame, SIDE_PX)
    assert first.flat[0] == frame.flat[0]
    assert last.flat[-1] == frame.flat[-1]


def test_one_alone_is_in_the_middle() -> None:
    frame = slope(200, 208)
    (tile,) = tiles(frame, 200)
    np.testing.assert_array_equal(tile, frame[:, 4:204])


def test_a_frame_of_the_right_size_is_cut_and_not_scaled() -> None:
    frame = slope(80, SIDE_PX)
    begins = (0, 24, 48)
    for tile, begin in zip(tiles(frame, SIDE_PX), begins, strict=True):
        np.testing.assert_array_equal(tile, frame[begin : begin + SIDE_PX])


def test_a_larger_frame_gives_nearly_what_it_gives_when_it_was_scaled_before() -> None:
    frame = slope(96, 240)
    size = (80, SIDE_PX)
    small = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
    for each, other in zip(tiles(frame, SIDE_PX), tiles(small, SIDE_PX), strict=True):
        assert np.abs(each.astype(int) - other.astype(int)).max() <= 3
