"""A stream as PyAV reads it."""

import io

from tigertag.contracts import Stream
from tigertag.media.video import faults


class Tap:
    """Reads of a stream, up to its first failure; from there on the stream seems to end.

    PyAV reads inside of C code, where an error would be lost or printed, also that of a bug in the
    library: it is kept in `failure`.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        if self.failure is not None:
            return b""
        try:
            return self._stream.read(size)[:size]
        except Exception as exc:
            self.failure = _told(exc)
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.failure is None:
            try:
                return self._stream.seek(offset, whence)
            except Exception as exc:
                self.failure = _told(exc)
        return max(0, offset)

    def tell(self) -> int:
        return 0 if self.failure is not None else self._stream.tell()


def _told(exc: Exception) -> Exception:
    return faults.from_disk(exc) if isinstance(exc, OSError) else exc
