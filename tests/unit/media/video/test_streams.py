import errno
import io
from functools import cache

import numpy as np
import pytest

from tests.unit.media.films import film, made, number
from tests.unit.media.video.asking import SAMPLINGS, Counted, frames, numbers, times
from tests.unit.media.video.serving import served
from tigertag.contracts import Sampling
from tigertag.errors import ItemGone, LibraryUnavailable, TigerTagError, Unreadable
from tigertag.media.video import still

pytestmark = pytest.mark.slow

SHOTS = (25, 25, 25, 25)


@cache
def noise() -> bytes:
    """Return a film of some megabytes, all of whose frames are stored whole."""
    random = np.random.default_rng(1)
    each = (random.integers(0, 255, (480, 640, 3), np.uint8) for _ in range(60))
    return made(each, size=(640, 480), codec="mjpeg", pixel="yuvj420p")


class Failing(io.BytesIO):
    """A stream that fails from some read on."""

    def __init__(self, data: bytes, error: Exception, *, after: int) -> None:
        super().__init__(data)
        self._error = error
        self._left = after

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize(
    "error", [ItemGone(), LibraryUnavailable("The server is away."), Unreadable("cut")]
)
def test_what_a_stream_raises_comes_through(
    error: TigerTagError, after: int, sampling: Sampling, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = Failing(film(SHOTS, form="mpegts", coding=(("crf", "1"),)), error, after=after)
    with pytest.raises(type(error)) as caught:
        frames(stream, sampling)
    assert caught.value is error
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
def test_an_error_of_the_disk_beneath_a_stream_may_be_tried_again(code: int) -> None:
    stream = Failing(film(SHOTS, form="mpegts"), OSError(code, "it failed"), after=2)
    with pytest.raises(Unreadable, match="it failed") as caught:
        frames(stream)
    assert caught.value.retryable


def test_a_bug_in_a_stream_is_not_taken_for_a_bad_video() -> None:
    with pytest.raises(ZeroDivisionError):
        frames(Failing(film(SHOTS), ZeroDivisionError(), after=1))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
def test_a_film_behind_http_gives_the_frames_of_the_file(form: str, sampling: Sampling) -> None:
    data = film(SHOTS, form=form)
    with served(data) as (_, stream):
        assert times(stream, sampling) == times(data, sampling)


def test_a_server_that_refuses_ranges_is_named() -> None:
    with (
        served(film(), ranges=False) as (_, stream),
        pytest.raises(Unreadable, match="does not give parts"),
    ):
        frames(stream)


def test_a_film_that_vanishes_midway_is_gone() -> None:
    with served(noise(), most=2) as (_, stream), pytest.raises(ItemGone):
        frames(stream)


def test_a_connection_that_is_cut_may_be_tried_again() -> None:
    with served(noise(), cuts=2) as (_, stream), pytest.raises(Unreadable) as caught:
        frames(stream)
    assert caught.value.retryable


def test_of_a_film_behind_http_only_a_part_is_read() -> None:
    with served(noise()) as (_, stream):
        assert len(frames(stream, Sampling(by="keyframes", max_frames=2))) == 2
        assert stream.loaded_bytes < len(noise()) / 3


def test_a_still_of_a_film_behind_http_is_what_is_shown_then() -> None:
    with served(film(SHOTS)) as (_, stream):
        assert number(still(stream, short_side_px=96, at_s=2.0).pixels) == 50


def test_a_stream_is_left_open() -> None:
    stream = io.BytesIO(film())
    assert numbers(stream)
    assert not stream.closed


def test_the_work_on_a_stream_can_be_stopped() -> None:
    with pytest.raises(Unreadable, match="stopped"):
        frames(io.BytesIO(film()), cancelled=Counted(2))
