"""What tells the content of one file from that of another."""

import io
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from tigertag.contracts import Source, Stream
from tigertag.errors import Unreadable
from tigertag.media.source import opened as opened_source
from tigertag.media.video import faults

WHOLE_BYTES: Final = 16 << 20
PART_BYTES: Final = 1 << 20
PARTS: Final = 16
_DIGEST_BYTES: Final = 20


def content_hash(source: Source) -> str:
    """Return hexadecimal digits that are the same for the same content, wherever it is.

    Up to 16 MiB are read as a whole; of what is longer its length and 16 parts of 1 MiB, spread
    evenly, the first and the last among them. A stream is left at its beginning. Raises
    `Unreadable`, its message one line that does not name the file, `ItemGone`, and what a stream
    raises.
    """
    try:
        with opened_source(source) as stream:
            size = stream.seek(0, io.SEEK_END)
            digest = blake2b(str(size).encode(), digest_size=_DIGEST_BYTES)
            for begin, length in _parts(size):
                stream.seek(begin)
                for data in _read(stream, length):
                    digest.update(data)
            stream.seek(0)
    except OSError as exc:
        raise faults.from_disk(exc) from exc
    return digest.hexdigest()


def _parts(size: int) -> list[tuple[int, int]]:
    if size <= WHOLE_BYTES:
        return [(0, size)]
    last = size - PART_BYTES
    return [(last * nth // (PARTS - 1), PART_BYTES) for nth in range(PARTS)]


def _read(stream: Stream, length: int) -> Iterator[bytes]:
    """Yield so many bytes; a stream may give fewer at a time than it is asked for."""
    while length:
        data = stream.read(min(length, PART_BYTES))
        if not data:
            raise Unreadable("The file changed while it was read; try again.", retryable=True)
        length -= len(data)
        yield data
