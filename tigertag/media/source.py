"""What is read, a file, bytes or a stream: how it is opened, and what identifies its content."""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from tigertag.contracts import Source, Stream
from tigertag.errors import ItemError, ItemGone, Unreadable, os_reason

PART_BYTES: Final = 1 << 20
PARTS: Final = 16
_IDENTITY_PART: Final = 16 << 10
_IDENTITY_PARTS: Final = 4
_DIGEST_BYTES: Final = 20


@contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open what is not open, unbuffered; a stream is its library's to close.

    Raises as `opened_file` does.
    """
    if not isinstance(source, Path | bytes):
        yield source
        return
    with opened_file(source, buffering=0) as file:
        yield file


@contextmanager
def opened_file(source: Path | bytes, *, buffering: int = -1) -> Iterator[BinaryIO]:
    """Open a file or bytes.

    Raises `Unreadable`, also for a pipe or a device, which would block or never end, and
    `ItemGone`.
    """
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise Unreadable("This is not a regular file.")
        file = source.open("rb", buffering)
    except OSError as exc:
        raise disk_error(exc) from exc
    with file:
        yield file


def disk_error(exc: OSError) -> ItemError:
    """Return what is raised for an error of a file, or of what is beneath a stream."""
    if isinstance(exc, FileNotFoundError | NotADirectoryError):
        return ItemGone("The file is no longer there.")
    if isinstance(exc, PermissionError):
        reason = f"TigerTag is not permitted to read the file: {os_reason(exc)}."
        return Unreadable(reason, retryable=True)
    return Unreadable(f"The file could not be read: {os_reason(exc)}.", retryable=True)


def identity(source: Source) -> str:
    """Return what identifies the content of an item wherever it is moved; "" for a stream.

    At most 64 KiB of a file are hashed, for this is done to every photo that an engine looks at:
    512 KiB took 3 % of a scan. A file that differs in none of those parts nor in its length is
    another one only where pictures are kept uncompressed. A stream would cost requests. Raises as
    `content_hash` does.
    """
    if not isinstance(source, Path | bytes):
        return ""
    return _hashed(source, _IDENTITY_PART, _IDENTITY_PARTS)


def content_hash(source: Source) -> str:
    """Return hexadecimal digits that are the same for the same content, wherever it is.

    Up to 16 MiB are read as a whole; of what is longer its length and 16 parts of 1 MiB, spread
    evenly, the first and the last among them. A stream is left at its beginning. Raises
    `Unreadable`, its message one line that does not name the file, `ItemGone`, and what a stream
    raises.
    """
    return _hashed(source, PART_BYTES, PARTS)


def _hashed(source: Source, part_bytes: int, parts: int) -> str:
    with opened(source) as stream:
        try:
            size = stream.seek(0, io.SEEK_END)
            digest = blake2b(str(size).encode(), digest_size=_DIGEST_BYTES)
            for begin, length in _parts(size, part_bytes, parts):
                stream.seek(begin)
                for data in _read(stream, length):
                    digest.update(data)
            stream.seek(0)
        except OSError as exc:
            raise disk_error(exc) from exc
    return digest.hexdigest()


def _parts(size: int, part: int, number: int) -> list[tuple[int, int]]:
    if size <= part * number:
        return [(0, size)]
    last = size - part
    return [(last * nth // (number - 1), part) for nth in range(number)]


def _read(stream: Stream, length: int) -> Iterator[bytes]:
    """Yield so many bytes; a stream may give fewer at a time than it is asked for."""
    while length:
        data = stream.read(min(length, PART_BYTES))
        if not data:
            raise Unreadable("The file changed while it was read; try again.", retryable=True)
        length -= len(data)
        yield data
