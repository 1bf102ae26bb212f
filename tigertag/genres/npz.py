"""Arrays in files that are not trusted: nothing in them is run, and nothing grows on reading."""

import errno
import io
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DISK_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
# What zipfile and numpy really raise for broken files, found by cutting and flipping bytes.
_BROKEN: Final = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, SyntaxError, MemoryError),
    *(OverflowError, RuntimeError, struct.error, tokenize.TokenError),
    *(zlib.error, zipfile.BadZipFile),
)


def pack(**arrays: NDArray[Any]) -> bytes:
    """Return an `.npz` of the arrays. The same arrays always give the same bytes."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(data: bytes, *names: str) -> list[NDArray[Any]]:
    """Return these arrays of an `.npz`. Raises ValueError, whatever is wrong with it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [_array(archive, name) for name in names]
    except _BROKEN as exc:
        raise ValueError(f"it is no file of these arrays: {exc}") from exc


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    entry = archive.getinfo(f"{name}.npy")
    # `pack` does not compress, so nothing can grow on reading.
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError("it is compressed")
    data = io.BytesIO(archive.read(entry))
    array: NDArray[Any] = np.lib.format.read_array(data, allow_pickle=False)
    return array


@contextmanager
def open_regular(
    path: str | Path, *, most: int, folder: int | None = None
) -> Iterator[BufferedReader]:
    """Open a file of at most `most` bytes; `folder` is the descriptor that `path` is relative to.

    A link is not followed. Raises OSError, and ValueError: it is no file, or too large.
    """

    def opener(name: str, flags: int) -> int:
        # Not blocking: a pipe in place of the file would be waited for.
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)

    with open(path, "rb", opener=opener) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is no file")
        if status.st_size > most:
            raise ValueError(f"is larger than any ({status.st_size} bytes)")
        yield file
