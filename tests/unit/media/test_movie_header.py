"""The header at the end of an MP4 or QuickTime file."""

import io
from fractions import Fraction

import av
import pytest

from tests.unit.libraries.plex.films import film
from tigertag.media.movie_header import last_header

FILM = film()
HEADER = FILM[FILM.index(b"moov") - 4 :]


def test_letters_in_a_picture_are_no_header() -> None:
    assert last_header(b"\x00\x00\x00\x14moov....trak1234") == b""


@pytest.mark.parametrize("cut", [HEADER[1:], HEADER[:-1], b"", HEADER + b"\x00\x00\x00\x01free"])
def test_a_header_that_is_not_whole_is_none(cut: bytes) -> None:
    assert last_header(cut) == b""


def test_the_header_is_found_whatever_stands_before_and_after_it() -> None:
    free = b"\x00\x00\x00\x0cfree1234"
    assert last_header(b"..moov.." + HEADER + free) == last_header(HEADER) != b""


def test_it_is_a_file_that_says_what_the_whole_says() -> None:
    with av.open(io.BytesIO(last_header(FILM[-len(HEADER) - 99 :]))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (96, 48)
        assert stream.average_rate == Fraction(5)
