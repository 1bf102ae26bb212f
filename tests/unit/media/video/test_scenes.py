from pathlib import Path

import numpy as np
import pytest
import scenedetect

from tests.unit.media.films import film, made, pictures
from tests.unit.media.video.asking import EXACT, SCENES, Counted, frames, numbers, times
from tigertag.contracts import Sampling, Source
from tigertag.media.video.opening import opened
from tigertag.media.video.scenes import exact_cuts

pytestmark = pytest.mark.slow

SHOTS = (30, 60, 45, 75, 40)
BEGINS = (0, 30, 90, 135, 210, 250)


def cuts(source: Source, threshold: float) -> list[int]:
    with opened(source) as decoder:
        return [number for number, _at_s in exact_cuts(decoder, threshold)]


def shots_of(result: list[int], begins: tuple[int, ...] = BEGINS) -> list[int]:
    return [int(np.searchsorted(begins, each, side="right")) - 1 for each in result]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_exact_cuts_are_those_of_pyscenedetect(tmp_path: Path, codec: str) -> None:
    (tmp_path / "film.mp4").write_bytes(film(SHOTS, codec=codec))
    theirs = scenedetect.detect(str(tmp_path / "film.mp4"), scenedetect.ContentDetector())
    assert cuts(tmp_path / "film.mp4", 27.0) == [begin.frame_num for begin, _ in theirs][1:]
    assert len(theirs) == len(SHOTS)


def test_exact_cuts_of_a_film_with_uneven_times_are_those_of_pyscenedetect(tmp_path: Path) -> None:
    when = tuple(40 * n if n < 100 else 4000 + 80 * (n - 100) for n in range(sum(SHOTS)))
    (tmp_path / "film.mkv").write_bytes(film(SHOTS, form="matroska", times_ms=when))
    theirs = scenedetect.detect(str(tmp_path / "film.mkv"), scenedetect.ContentDetector())
    assert cuts(tmp_path / "film.mkv", 27.0) == [begin.frame_num for begin, _ in theirs][1:]


def test_exact_cuts_of_a_large_film_are_those_of_pyscenedetect(tmp_path: Path) -> None:
    data = film((20, 20), size=(960, 540), codec="mpeg4")
    (tmp_path / "film.mp4").write_bytes(data)
    theirs = scenedetect.detect(str(tmp_path / "film.mp4"), scenedetect.ContentDetector())
    assert cuts(data, 27.0) == [begin.frame_num for begin, _ in theirs][1:] == [20]


def test_the_exact_pass_gives_the_middle_of_each_shot() -> None:
    assert numbers(film(SHOTS), EXACT) == [15, 60, 112, 172, 230]


def test_the_threshold_decides_what_is_a_cut() -> None:
    assert cuts(film(SHOTS), 250.0) == []


@pytest.mark.parametrize("group", [12, 25, 50])
@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
def test_the_fast_pass_sees_every_shot_that_has_a_keyframe(form: str, group: int) -> None:
    shots = (30, 60, 45, 55, 50)
    begins = (0, 30, 90, 135, 190, 240)
    keys = {int(np.searchsorted(begins, at, side="right")) - 1 for at in range(0, 240, group)}
    assert keys <= set(shots_of(numbers(film(shots, group=group, form=form), SCENES), begins))


def test_a_clip_of_one_group_is_decoded_for_its_shots() -> None:
    assert shots_of(numbers(film(SHOTS, group=300), SCENES)) == [0, 1, 2, 3, 4]


def test_frames_come_from_within_the_shots_not_from_their_ends() -> None:
    for number, shot in zip(numbers(film(SHOTS, group=300), SCENES), range(5), strict=True):
        assert BEGINS[shot] + 5 < number < BEGINS[shot + 1] - 5


def test_of_many_shots_some_are_taken_from_all_over_the_film() -> None:
    result = numbers(film(SHOTS, group=12), Sampling(by="scenes", max_frames=2))
    assert len(result) == 2
    assert result[0] < 125 < result[1]


def test_black_shots_are_left_out() -> None:
    lit = list(pictures((40, 40)))
    black = [picture * 0 for picture in pictures((40,))]
    result = times(made([*black, *lit, *black]), SCENES)
    assert result
    assert all(1.6 <= (at_s or 0.0) < 4.8 for at_s in result)


def test_a_film_that_is_black_all_over_still_gives_one_frame() -> None:
    black = [picture * 0 for picture in pictures((40,))]
    assert len(frames(made(black), SCENES)) == 1


def test_a_long_film_is_looked_at_here_and_there() -> None:
    data = film((50,) * 5, form="mp4", group=5, times_ms=tuple(range(0, 2_500_000, 10_000)))
    asked = Counted()
    result = frames(data, Sampling(max_frames=2), cancelled=asked)
    assert len(result) == 2
    assert asked.count < 160


def test_what_is_nearly_the_same_is_given_once() -> None:
    still = list(pictures((1,))) * 100
    assert len(frames(made(still), SCENES)) == 1
