import numpy as np
import pytest

from tests.unit.media.films import film, made, pictures
from tests.unit.media.video.asking import (
    EXACT,
    INTERVAL,
    KEYFRAMES,
    SAMPLINGS,
    SCENES,
    footage,
    times,
)
from tigertag.contracts import Sampling
from tigertag.media.video import Footage, is_dull
from tigertag.model import Frame

pytestmark = pytest.mark.slow

SHOTS = (30, 60, 45, 75, 40)
LENGTHS_S = [1.2, 2.4, 1.8, 3.0, 1.6]


def shots_s(result: Footage) -> list[float]:
    return list(result.shots_s)


@pytest.mark.parametrize("sampling", [SCENES, INTERVAL, KEYFRAMES])
def test_who_does_not_look_at_every_frame_tells_no_shots(sampling: Sampling) -> None:
    assert footage(film(SHOTS), sampling).shots_s == ()


def test_the_exact_pass_tells_how_long_each_shot_is() -> None:
    assert shots_s(footage(film(SHOTS), EXACT)) == pytest.approx(LENGTHS_S, abs=0.05)


@pytest.mark.parametrize("group", [12, 300])
@pytest.mark.parametrize("most", [2, 50])
def test_all_shots_together_are_as_long_as_the_film(group: int, most: int) -> None:
    result = footage(film(SHOTS, group=group), EXACT, most=most)
    assert sum(result.shots_s) == pytest.approx(10.0, abs=0.05)


def test_a_film_of_one_shot_tells_its_length() -> None:
    assert shots_s(footage(film((50,)), EXACT)) == pytest.approx([2.0], abs=0.05)


def test_a_film_of_one_frame_tells_one_shot_at_most() -> None:
    assert len(footage(film((1,)), EXACT).shots_s) <= 1


@pytest.mark.parametrize(("interval_s", "count"), [(1.0, 50), (0.5, 100)])
def test_a_short_clip_is_seen_once_or_twice_a_second(interval_s: float, count: int) -> None:
    data = film((50,) * 10, times_ms=tuple(range(0, 50_000, 100)), form="matroska")
    sampling = Sampling("interval", interval_s, max_frames=120)
    result = times(data, sampling, most=120)
    assert result == pytest.approx([n * interval_s for n in range(count)], abs=0.11)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("form", ["mp4", "matroska"])
def test_a_video_that_ends_before_its_time_is_cut_short(form: str, sampling: Sampling) -> None:
    first = (("movflags", "+faststart"),) if form == "mp4" else ()
    whole = film((50,) * 5, form=form, muxing=first)
    assert not footage(whole, sampling).is_cut_short
    result = footage(whole[: len(whole) * 6 // 10], sampling)
    assert result.is_cut_short
    assert result.duration_s == pytest.approx(10.0, abs=0.05)
    assert 4.0 < result.end_s < 8.0


def test_who_looks_at_the_beginning_only_does_not_say_that_the_end_is_missing() -> None:
    whole = film((50,) * 5, muxing=(("movflags", "+faststart"),))
    result = footage(whole[: len(whole) * 9 // 10], INTERVAL, most=1)
    assert not result.is_cut_short


def test_a_last_picture_that_is_shown_for_long_is_not_missing() -> None:
    times_ms = (*range(0, 2_000, 40), 9_000)
    data = made(pictures((51,)), times_ms=times_ms, form="matroska", group=300)
    assert not footage(data, Sampling("interval", 0.4, max_frames=50)).is_cut_short


def test_a_black_frame_is_dull() -> None:
    (lit,) = pictures((1,))
    assert is_dull(Frame(np.zeros((96, 128, 3), np.uint8)))
    assert not is_dull(Frame(lit))


def test_a_film_that_is_black_all_over_is_told_as_one_shot() -> None:
    black = [picture * 0 for picture in pictures((50,))]
    assert shots_s(footage(made(black), EXACT)) == pytest.approx([2.0], abs=0.05)
