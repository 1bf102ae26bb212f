"""Files that are read with suspicion, and written whole or not at all."""

import errno
import io
import os
import shutil
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError, StoreError, StoreFull, StoreUnavailable, os_reason

_PIECE: Final = 1 << 20
FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_UNKNOWN: Final = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}
"""What a file system says that cannot lock a folder (NFS), or be told to write it."""

# What zipfile and numpy really raise for broken files, found by cutting and flipping bytes.
_BROKEN: Final = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
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
    array: NDArray[Any] = np.lib.format.read_array(
        io.BytesIO(archive.read(entry)), allow_pickle=False
    )
    return array


class OpenFolder:
    """A folder that is held open: it stays the same one, also when it is renamed meanwhile."""

    def __init__(self, place: int) -> None:
        self._place = place

    def names(self) -> list[str]:
        """Return what is in it. Raises `ModelError`."""
        try:
            return sorted(os.listdir(self._place))
        except OSError as exc:
            raise ModelError(f"its folder cannot be read: {os_reason(exc)}") from exc

    def read(self, name: str, *, most: int) -> bytes:
        """Return the file. Raises `ModelError`: none is there, it is a link, or it is too large."""
        return b"".join(self._pieces(name, most))

    def examined(self, name: str, *, most: int) -> tuple[str, bytes]:
        """Return the file's SHA-256 and its first bytes. Raises `ModelError` as `read` does."""
        digest, head = sha256(), b""
        for piece in self._pieces(name, most):
            head = head or piece[:16]
            digest.update(piece)
        return digest.hexdigest(), head

    def _pieces(self, name: str, most: int) -> Iterator[bytes]:
        try:
            with open_regular(name, most=most, folder=self._place) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except FileNotFoundError as exc:
            raise ModelError(f"its {name} is missing") from exc
        except ValueError as exc:
            raise ModelError(f"its {name} {exc}") from exc
        except OSError as exc:
            link = exc.errno == errno.ELOOP
            problem = "is a link" if link else f"cannot be read: {os_reason(exc)}"
            raise ModelError(f"its {name} {problem}") from exc


@contextmanager
def open_regular(path: str | Path, *, most: int, folder: int | None = None) -> Iterator[BinaryIO]:
    """Open a file of at most so many bytes; `folder` is one that is held open.

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


@contextmanager
def opened(folder: Path) -> Iterator[OpenFolder]:
    """Hold a folder open. Raises FileNotFoundError, and `ModelError`: it is a link or no folder."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ModelError(f"its folder cannot be opened: {os_reason(exc)}") from exc
    try:
        yield OpenFolder(place)
    finally:
        os.close(place)


def replace(
    folder: Path, name: str, files: Mapping[str, bytes], *, check: Callable[[Path], None]
) -> None:
    """Make `folder/name` hold these files; what was there until now is kept as `name.before`.

    One process at a time, where the file system can lock a folder. `check` looks at the new folder
    before it takes the other's place, and may raise. Where it is killed, either `name` or
    `name.before` is whole. Raises `StoreError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            for left_over in folder.glob(f".{name}.*"):
                _remove(left_over)
            draft = folder / f".{name}.{token_hex(4)}"
            try:
                _write(draft, files)
                check(draft)
                _swap(draft, folder / name)
            finally:
                with suppress(OSError):
                    _remove(draft)
    except OSError as exc:
        raise _unwritable(folder, exc) from exc


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _where_known(partial(flock, place, LOCK_EX))
        yield
        _where_known(partial(os.fsync, place))
    finally:
        os.close(place)


def _where_known(ask: Callable[[], None]) -> None:
    """Ask for what not every file system can do with a folder: what was learned is kept without."""
    try:
        ask()
    except OSError as exc:
        if exc.errno not in _UNKNOWN:
            raise


def _write(draft: Path, files: Mapping[str, bytes]) -> None:
    draft.mkdir()
    for name, data in files.items():
        with (draft / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    place = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _where_known(partial(os.fsync, place))
    finally:
        os.close(place)


def _swap(draft: Path, target: Path) -> None:
    before = target.with_name(f"{target.name}.before")
    # Where a kill left no target, the one before is all that there is.
    if os.path.lexists(target):
        _remove(before)
        target.rename(before)
    draft.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _unwritable(folder: Path, exc: OSError) -> StoreError:
    kind = StoreFull if exc.errno in FULL else StoreUnavailable
    return kind(
        f"The genre model cannot be kept in {folder}: {os_reason(exc)}; what was there stays."
    )
