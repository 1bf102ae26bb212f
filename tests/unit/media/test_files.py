import io
from os import mkfifo
from pathlib import Path

import pytest

from tigertag.errors import ItemGone, LibraryUnavailable, Unreadable
from tigertag.media import files
from tigertag.media.files import content_hash, identity

PART, PARTS = 100, 16
WHOLE = PART * PARTS


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as long is short here."""
    monkeypatch.setattr(files, "PART_BYTES", PART)


class Remote:
    """A stream that gives at most so many bytes at a time, and counts them."""

    def __init__(self, data: bytes, at_once: int = 64, failure: Exception | None = None) -> None:
        self._file = io.BytesIO(data)
        self._at_once = at_once
        self._failure = failure
        self.loaded = 0

    def read(self, size: int = -1, /) -> bytes:
        if self._failure is not None:
            raise self._failure
        data = self._file.read(min(size, self._at_once))
        self.loaded += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        raise AssertionError("a stream is its library's to close")


def data(size: int) -> bytes:
    return bytes(n * 7 % 251 for n in range(size))


def test_a_file_that_is_gone_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ItemGone):
        content_hash(tmp_path / "gone.mp4")


@pytest.mark.parametrize("make", [Path.mkdir, mkfifo])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "odd")
    with pytest.raises(Unreadable, match="not a regular file"):
        content_hash(tmp_path / "odd")


def test_what_a_stream_raises_comes_through() -> None:
    with pytest.raises(LibraryUnavailable):
        content_hash(Remote(data(50), failure=LibraryUnavailable()))


def test_a_disk_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(Unreadable, match="Input/output error") as caught:
        content_hash(Remote(data(50), failure=OSError(5, "Input/output error")))
    assert caught.value.retryable


def test_a_stream_that_ends_too_early_is_not_hashed() -> None:
    class Cut(Remote):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            return super().seek(offset, whence) + (50 if whence else 0)

    with pytest.raises(Unreadable, match="changed while it was read") as caught:
        content_hash(Cut(data(100)))
    assert caught.value.retryable


@pytest.mark.parametrize("size", [0, 1, WHOLE, WHOLE + 1, 5 * WHOLE])
def test_it_is_the_same_wherever_the_content_is(tmp_path: Path, size: int) -> None:
    (tmp_path / "film.mp4").write_bytes(data(size))
    result = content_hash(tmp_path / "film.mp4")
    assert content_hash(data(size)) == content_hash(Remote(data(size))) == result
    assert len(result) == 40


@pytest.mark.parametrize("size", [WHOLE, 5 * WHOLE])
@pytest.mark.parametrize("place", [0, PART - 1, -PART, -1])
def test_other_content_has_another_hash(size: int, place: int) -> None:
    changed = bytearray(data(size))
    changed[place] ^= 1
    assert content_hash(bytes(changed)) != content_hash(data(size))


def test_a_short_file_is_read_to_the_last_bit() -> None:
    result = {content_hash(data(WHOLE))}
    for place in range(0, WHOLE, 97):
        changed = bytearray(data(WHOLE))
        changed[place] ^= 1
        result.add(content_hash(bytes(changed)))
    assert len(result) == 1 + len(range(0, WHOLE, 97))


def test_files_of_other_lengths_differ_although_their_parts_do_not() -> None:
    assert content_hash(bytes(2 * WHOLE)) != content_hash(bytes(2 * WHOLE + 1))


def test_of_a_long_stream_only_parts_are_read_and_it_is_left_at_its_beginning() -> None:
    stream = Remote(data(50 * WHOLE))
    content_hash(stream)
    assert stream.loaded == PARTS * PART
    assert stream.tell() == 0


def test_items_of_which_no_pixels_were_asked_for_are_not_one_and_the_same() -> None:
    assert identity(b"") == ""
