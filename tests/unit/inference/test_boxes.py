import numpy as np
import pytest
from numpy.typing import NDArray

from tigertag.inference.boxes import (
    MOST_PARTS,
    Detections,
    Part,
    clipped,
    parts,
    scaled,
    suppressed,
)


def found(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    """Return detections from rows of left, top, right, bottom, score and class."""
    numbers = np.array(rows, float).reshape(-1, 6)
    return Detections(numbers[:, :4], numbers[:, 4], numbers[:, 5].astype(np.int64))


def covered(several: tuple[Part, ...], width: int, height: int) -> NDArray[np.bool_]:
    seen = np.zeros((height, width), bool)
    for part in several:
        seen[part.top : part.top + part.height, part.left : part.left + part.width] = True
    return seen


@pytest.mark.parametrize(("width", "height"), [(4, 3), (239, 100), (1080, 2400), (1, 1)])
def test_a_photo_a_film_and_a_screenshot_are_looked_at_as_a_whole(width: int, height: int) -> None:
    assert parts(width, height) == (Part(0, 0, width, height),)


@pytest.mark.parametrize(
    ("width", "height"), [(1300, 500), (500, 1300), (4000, 1000), (20000, 500), (3000, 20), (99, 1)]
)
def test_the_parts_of_a_panorama_cover_it_and_are_few(width: int, height: int) -> None:
    several = parts(width, height)
    assert 2 <= len(several) <= MOST_PARTS
    assert covered(several, width, height).all()


def test_what_is_as_long_as_the_overlap_is_whole_in_one_part_of_a_panorama() -> None:
    several = parts(4000, 1000)
    assert len(several) == 4
    for left in range(3500):
        assert any(one.left <= left and left + 500 <= one.left + one.width for one in several)


def test_a_panorama_that_is_too_long_is_cut_into_longer_parts() -> None:
    several = parts(20000, 500)
    assert len(several) == MOST_PARTS
    assert {part.width for part in several} == {1819}


def test_scaling_down_takes_single_pixels_unless_it_is_to_average() -> None:
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[:, ::4] = 255
    sharp = scaled(stripes, 2, 2, antialias=False)
    smooth = scaled(stripes, 2, 2, antialias=True)
    assert set(sharp.ravel().tolist()) == {0}
    assert 40 < smooth.min() <= smooth.max() < 90


@pytest.mark.parametrize("antialias", [False, True])
def test_scaling_up_goes_from_middle_to_middle_of_the_pixels(antialias: bool) -> None:
    edge = np.array([[0, 0, 0], [200, 200, 200]], np.uint8).reshape(1, 2, 3)
    assert scaled(edge, 4, 1, antialias=antialias)[0, :, 0].tolist() == [0, 50, 150, 200]


def test_the_surest_of_boxes_that_overlap_stays() -> None:
    kept = suppressed(found((0, 0, 10, 10, 0.5, 0), (1, 0, 11, 10, 0.9, 0), (30, 0, 40, 9, 0.4, 0)))
    assert kept.scores.tolist() == [0.9, 0.4]


def test_boxes_of_different_classes_stay_beside_each_other() -> None:
    assert len(suppressed(found((0, 0, 10, 10, 0.5, 0), (0, 0, 10, 10, 0.9, 1)))) == 2


def test_a_box_that_was_suppressed_suppresses_no_other() -> None:
    kept = suppressed(found((0, 0, 10, 10, 0.9, 0), (3, 0, 13, 10, 0.8, 0), (6, 0, 16, 10, 0.7, 0)))
    assert kept.scores.tolist() == [0.9, 0.7]


def test_a_thing_that_is_cut_off_in_one_part_counts_once() -> None:
    cut_off, whole = (90, 0, 100, 10, 0.6, 0), (90, 0, 130, 10, 0.9, 0)
    assert len(suppressed(found(cut_off, whole))) == 2
    kept = suppressed(found(cut_off, whole), part_of=np.array([0, 1]))
    assert kept.scores.tolist() == [0.9]


def test_boxes_end_at_the_picture_and_those_outside_are_left_out() -> None:
    kept = clipped(found((-1, 0.5, 0.5, 2, 0.9, 0), (1.1, 0, 1.2, 1, 0.8, 0), (0, 0, 0, 1, 0.7, 0)))
    assert kept.boxes.tolist() == [[0, 0.5, 0.5, 1]]


def test_nothing_found_stays_nothing() -> None:
    assert len(clipped(suppressed(Detections.none()))) == 0
