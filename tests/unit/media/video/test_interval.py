import numpy as np
import pytest

from tests.unit.media.films import film, made, pictures
from tests.unit.media.video.asking import Counted, frames, numbers, times
from tigertag.contracts import Sampling
from tigertag.errors import Unreadable
from tigertag.media.video.frames import FrameReader
from tigertag.media.video.opening import opened

pytestmark = pytest.mark.slow

FORMS = [
    ("mp4", "libx264"),
    ("mp4", "libx265"),
    ("mov", "mpeg4"),
    ("matroska", "libx264"),
    ("webm", "libvpx-vp9"),
    ("webm", "libsvtav1"),
    ("mpegts", "libx264"),
    ("mpegts", "mpeg2video"),
    ("avi", "mpeg4"),
    ("avi", "libx264"),
    ("flv", "libx264"),
    ("asf", "wmv2"),
    ("ogg", "libvpx"),
    ("h264", "libx264"),
]


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_it_gives_what_is_shown_at_each_time(form: str, codec: str) -> None:
    data = film((100,), form=form, codec=codec)
    # The length that an FLV tells counts from zero, not from its first frame.
    assert numbers(data)[:10] == list(range(0, 100, 10))


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_it_tells_from_when_on_each_is_shown(form: str, codec: str) -> None:
    data = film((100,), form=form, codec=codec)
    assert times(data)[:10] == pytest.approx([n * 0.4 for n in range(10)], abs=0.0011)


def test_a_time_between_two_frames_shows_the_one_before() -> None:
    assert numbers(film((50,)), Sampling(by="interval", interval_s=0.5)) == [0, 12, 25, 37]


def test_frames_that_come_unevenly_are_found_by_their_times() -> None:
    when = (0, 40, 80, 1000, 1010, 1020, 1030, 2500, 2540, 4000)
    data = film((10,), form="matroska", times_ms=when, group=4)
    assert numbers(data, Sampling(by="interval", interval_s=1.0)) == [0, 3, 6, 8, 9]


def test_a_frame_that_is_shown_for_long_is_given_once() -> None:
    data = film((3,), form="matroska", times_ms=(0, 5000, 10_000))
    assert times(data, Sampling(by="interval", interval_s=1.0)) == [0.0, 5.0, 10.0]


def test_frames_that_are_shown_for_long_do_not_end_the_film() -> None:
    when = (0, 40, 50_000, 50_040, 75_000, 95_000)
    data = film((6,), form="matroska", times_ms=when, group=2)
    assert numbers(data, Sampling(by="interval", interval_s=10.0)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_what_is_left_undecoded_leaves_no_trace(codec: str) -> None:
    data = film((100,), form="matroska", codec=codec, group=25)
    with opened(data) as whole:
        reader = FrameReader(whole, 96)
        every = {frame.at_s: frame for frame in map(reader.see, whole.every())}
    assert len(every) == 100
    for frame in frames(data):
        assert np.array_equal(np.asarray(frame.pixels), np.asarray(every[frame.at_s].pixels))


def test_too_many_are_spread_over_the_film() -> None:
    result = numbers(film((100,)), Sampling(by="interval", interval_s=0.04, max_frames=4))
    assert result == [12, 37, 62, 87]


def test_never_more_are_given_than_asked_for() -> None:
    assert numbers(film((100,)), most=2) == [20, 70]


def test_a_film_of_one_frame_gives_it() -> None:
    assert times(film((1,))) == [0.0]


def test_a_video_that_begins_late_keeps_its_times() -> None:
    when = tuple(range(10_000, 12_000, 40))
    data = film((50,), form="mpegts", times_ms=when)
    assert times(data)[0] == 0.0


def test_others_are_taken_for_those_that_are_left_out() -> None:
    black = [picture * 0 for picture in pictures((50,))]
    data = made([*black, *pictures((50,))])
    result = times(data, Sampling(by="interval", interval_s=0.2, max_frames=4))
    assert len(result) == 4
    assert min(each or 0.0 for each in result) >= 2.0


def decoded(data: bytes, times_s: list[float]) -> int:
    """How many packets were decoded to see what is shown at these times."""
    asked = Counted()
    with opened(data, asked) as opened_film:
        assert len(list(opened_film.shown_at(times_s))) == len(times_s)
    return asked.count


def test_one_group_of_frames_is_decoded_once() -> None:
    assert decoded(film((100,), group=200), [n * 0.4 for n in range(10)]) <= 101


def test_frames_before_the_keyframe_are_not_decoded() -> None:
    assert decoded(film((200,), group=25), [1.0, 4.0, 7.2]) < 30


def test_the_work_can_be_stopped() -> None:
    with pytest.raises(Unreadable, match="stopped") as caught:
        frames(film((50,)), cancelled=Counted(3))
    assert caught.value.retryable
