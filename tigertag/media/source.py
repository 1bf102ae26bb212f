"""What is read, opened: a file, bytes, or a stream that is open already."""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tigertag.contracts import Source, Stream
from tigertag.errors import Unreadable


@contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open what is not open; a stream is its library's to close.

    Raises `Unreadable` for a pipe or a device, which would block or never end, and OSError.
    """
    if not isinstance(source, Path | bytes):
        yield source
        return
    if isinstance(source, Path) and not stat.S_ISREG(source.stat().st_mode):
        raise Unreadable("This is not a regular file.")
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb", 0) as stream:
        yield stream
