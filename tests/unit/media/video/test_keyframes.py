import pytest

from tests.unit.media.films import film
from tests.unit.media.video.asking import KEYFRAMES, Counted, frames, numbers
from tigertag.contracts import Sampling

pytestmark = pytest.mark.slow

FORMS = [
    ("mp4", "libx264"),
    ("mp4", "libx265"),
    ("matroska", "libx264"),
    ("mpegts", "libx264"),
    ("avi", "mpeg4"),
    ("flv", "libx264"),
    ("h264", "libx264"),
]


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_it_gives_the_frames_that_are_stored_whole(form: str, codec: str) -> None:
    result = numbers(film((100,), form=form, codec=codec, group=20), KEYFRAMES)
    assert result[:5] == [0, 20, 40, 60, 80]


def test_nothing_else_is_decoded() -> None:
    asked = Counted()
    data = film((100,), group=20)
    assert len(frames(data, KEYFRAMES, cancelled=asked)) == 5
    assert asked.count < 10


def test_too_many_are_thinned_evenly() -> None:
    result = numbers(film((100,), group=5), Sampling(by="keyframes", max_frames=4))
    assert result == [10, 35, 60, 85]
