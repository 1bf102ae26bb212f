"""A stream as PyAV reads it."""

import io

from tigertag.contracts import Stream
from tigertag.errors import TigerTagError


class Tap:
    """Reads of a stream, up to its first failure; from there on the stream seems to end.

    PyAV reads inside of C code, where an error would be lost or printed: it is kept in `failure`.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: TigerTagError | OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        if self.failure is not None:
            return b""
        try:
            return self._stream.read(size)[:size]
        except (TigerTagError, OSError) as exc:
            self.failure = exc
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.failure is None:
            try:
                return self._stream.seek(offset, whence)
            except (TigerTagError, OSError) as exc:
                self.failure = exc
        return max(0, offset)

    def tell(self) -> int:
        return 0 if self.failure is not None else self._stream.tell()
