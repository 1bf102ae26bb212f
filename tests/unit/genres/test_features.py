import numpy as np
import pytest

from tigertag.errors import Unreadable
from tigertag.genres.features import (
    Features,
    Pooling,
    _shot_statistics,
    pooled,
    pooled_width,
    without_each,
)

_RANDOM = np.random.default_rng(7)


def video(frames: int, *, dimensions: int = 5, shots_s: tuple[float, ...] = ()) -> Features:
    values = _RANDOM.gamma(1.0, 1.0, (frames, dimensions)).astype(np.float16)
    return Features(values, tuple(float(number) for number in range(frames)), shots_s)


@pytest.mark.parametrize("pooling", ["mean", "full"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_embeddings_that_are_no_numbers_are_refused(pooling: Pooling, value: float) -> None:
    broken = Features(np.array([[1.0, value]], np.float16))
    with pytest.raises(Unreadable, match=r"^The backbone gave no numbers for it\.$"):
        pooled(broken, pooling)


def test_nothing_cannot_be_pooled() -> None:
    with pytest.raises(Unreadable):
        pooled(Features(np.empty((0, 4), np.float16)), "mean")


@pytest.mark.parametrize("pooling", ["mean", "full"])
def test_a_vector_is_as_wide_as_it_is_said_to_be(pooling: Pooling) -> None:
    vector = pooled(video(3, dimensions=5), pooling)
    assert vector.dtype == np.float32
    assert len(vector) == pooled_width(pooling, 5) == {"mean": 5, "full": 19}[pooling]


def test_the_mean_of_a_picture_is_its_embedding() -> None:
    picture = Features(np.array([[1.0, 0.5, 0.25]], np.float16))
    assert pooled(picture, "mean").tolist() == [1.0, 0.5, 0.25]


def test_all_of_it_is_mean_deviation_maximum_and_cut() -> None:
    frames = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]], np.float16)
    vector = pooled(Features(frames, (0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 1.0, 4.0)), "full")
    np.testing.assert_allclose(vector[:3], [2.0, np.sqrt(2.0), 4.0], rtol=1e-6)
    np.testing.assert_allclose(vector[3:], _shot_statistics((1.0, 1.0, 4.0)), rtol=1e-6)


def test_shots_are_told_as_pace_length_its_spread_and_the_short_ones() -> None:
    told = _shot_statistics((1.0, 1.0, 4.0))
    lengths = np.log([1.0, 1.0, 4.0])
    np.testing.assert_allclose(told, [np.log(31), lengths.mean(), lengths.std(), 1 / 3])


@pytest.mark.parametrize("shots_s", [(), (0.0,), (-1.0, 0.0)])
def test_shots_that_are_not_known_are_not_made_up(shots_s: tuple[float, ...]) -> None:
    assert np.isnan(_shot_statistics(shots_s)).all()


def test_one_frame_has_no_spread_and_no_maximum_of_its_own() -> None:
    vector = pooled(video(1, dimensions=2, shots_s=(3.0,)), "full")
    assert np.isnan(vector).tolist() == [False] * 2 + [True] * 4 + [False] * 4


@pytest.mark.parametrize("pooling", ["mean", "full"])
@pytest.mark.parametrize("frames", [2, 3, 4, 11, 12, 60])
def test_what_is_left_without_a_frame_is_what_the_others_give(
    pooling: Pooling, frames: int
) -> None:
    whole = video(frames, shots_s=(1.0, 2.5))
    for number, vector in enumerate(without_each(whole, pooling)):
        others = np.delete(whole.frames, number, axis=0)
        rest = Features(others, whole.times_s[1:], whole.shots_s)
        np.testing.assert_allclose(vector, pooled(rest, pooling), rtol=1e-5, atol=1e-6)


def test_equal_frames_leave_the_same_behind() -> None:
    still = Features(np.ones((4, 3), np.float16), (0.0, 1.0, 2.0, 3.0))
    assert np.ptp(without_each(still, "full")[:, :9], axis=0).max() == 0
