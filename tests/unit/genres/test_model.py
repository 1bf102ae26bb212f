from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.genres.kept_models import kept
from tigertag.errors import ModelError, Unreadable
from tigertag.genres.features import Features
from tigertag.genres.model import GenreModel


@pytest.fixture
def model(tmp_path: Path) -> GenreModel:
    """The logits of a film are the mean of its embeddings: Action, Drama, Western."""
    return kept(tmp_path)


def video(frames: list[list[float]], *, every_s: float = 5.0) -> Features:
    values: NDArray[np.float16] = np.array(frames, np.float16)
    return Features(values, tuple(number * every_s for number in range(len(frames))))


def test_features_of_another_backbone_are_refused(model: GenreModel) -> None:
    with pytest.raises(ModelError, match="takes vectors of 3 numbers, not 1 x 4"):
        model.probabilities([video([[0.1, 0.2, 0.3, 0.4]])])


def test_features_without_numbers_are_refused(model: GenreModel) -> None:
    with pytest.raises(Unreadable):
        model.evidence_times(video([[np.nan, 0.2, 0.3], [0.1, 0.1, 0.1]]))


def test_each_film_gets_a_row_of_probabilities(model: GenreModel) -> None:
    said = model.probabilities([video([[0.0, 0.5, 1.0], [0.5, 0.5, 0.0]]), video([[0.25] * 3])])
    assert said == pytest.approx(1 / (1 + np.exp([[-0.25, -0.5, -0.5], [-0.25] * 3])))
    assert model.probabilities([]).shape == (0, 3)


def test_the_frames_that_speak_most_for_a_genre_are_told(model: GenreModel) -> None:
    frames = [[0.1, 0.5, 0.5], [0.9, 0.5, 0.1], [0.2, 0.5, 0.4], [0.6, 0.5, 0.3]]
    action, drama, western = model.evidence_times(video(frames))
    assert action == (5.0, 15.0)
    assert drama == ()
    assert western == (0.0, 10.0)


def test_no_more_times_are_told_than_asked_for(model: GenreModel) -> None:
    frames = [[0.9, 0.5, 0.5], [0.8, 0.5, 0.5], [0.1, 0.5, 0.5], [0.1, 0.5, 0.5]]
    assert model.evidence_times(video(frames), most=1)[0] == (0.0,)


def test_moments_that_are_near_to_each_other_are_told_once(model: GenreModel) -> None:
    frames = [[0.8, 0.5, 0.5], [0.9, 0.5, 0.5], [0.7, 0.5, 0.5], [0.6, 0.5, 0.5]] + [[0.1] * 3] * 9
    assert model.evidence_times(video(frames, every_s=1.0))[0] == (1.0, 3.0)


def test_a_picture_has_no_times(model: GenreModel) -> None:
    picture = Features(np.array([[0.5, 0.5, 0.5]], np.float16))
    assert model.evidence_times(picture) == ((), (), ())


def test_the_only_frame_of_a_video_is_the_one_that_tells(model: GenreModel) -> None:
    assert model.evidence_times(video([[0.1, 0.2, 0.3]])) == ((0.0,),) * 3
