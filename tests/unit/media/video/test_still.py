import numpy as np
import pytest

from tests.unit.media.films import film, made, number, pictures
from tigertag.errors import Unreadable
from tigertag.media.video import still

pytestmark = pytest.mark.slow


def test_it_is_what_is_shown_at_a_time() -> None:
    result = still(film((100,)), short_side_px=96, at_s=1.5)
    assert (number(result.pixels), result.at_s) == (37, 1.48)


@pytest.mark.parametrize(("at_s", "expected"), [(-1.0, 0), (99.0, 49)])
def test_a_time_outside_gives_the_nearest(at_s: float, expected: int) -> None:
    assert number(still(film((50,)), short_side_px=96, at_s=at_s).pixels) == expected


def test_without_a_time_it_is_from_the_first_part() -> None:
    assert 5 <= number(still(film((100,), group=5), short_side_px=96).pixels) <= 20


def test_it_is_not_black_where_anything_is_not() -> None:
    black = [picture * 0 for picture in pictures((60,))]
    result = still(made([*black, *pictures((40,))]), short_side_px=96)
    assert np.asarray(result.pixels).mean() > 50


def test_it_is_black_where_all_is() -> None:
    black = [picture * 0 for picture in pictures((60,))]
    assert np.asarray(still(made(black), short_side_px=96).pixels).max() < 20


def test_it_is_of_the_size_asked_for() -> None:
    assert still(film((10,)), short_side_px=48).pixels.shape == (48, 64, 3)


def test_a_film_without_frames_has_none() -> None:
    whole = film(muxing=(("movflags", "frag_keyframe+empty_moov"),))
    with pytest.raises(Unreadable, match="No frame"):
        still(whole[: whole.index(b"moof") - 4], short_side_px=96)
