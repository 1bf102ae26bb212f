"""Features that were extracted, kept as files."""

import contextlib
import errno
import io
import logging
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import StoreError, StoreFull, StoreUnavailable, os_reason
from tigertag.genres.features import Features
from tigertag.store.answers import FeatureKey

LARGEST_BYTES: Final = 1 << 28

logger = logging.getLogger(__name__)

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


class Records:
    """Files of features in a folder. Any number of threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name(self, key: FeatureKey) -> str:
        """Return the path of its file within the folder."""
        digest = sha256("\n".join(key.parts).encode()).hexdigest()
        return f"{digest[:2]}/{digest[2:]}.npz"

    def get(self, key: FeatureKey) -> Features | None:
        """Return the features; None where there are none, or the file is no record of them."""
        path = self._folder / self.name(key)
        try:
            return _unpacked(path, key)
        except FileNotFoundError:
            return None
        except _BROKEN as exc:
            logger.warning("%s is no record of features any more, and is made anew: %s", path, exc)
            return None

    def put(self, key: FeatureKey, features: Features) -> int:
        """Keep features, in place of what is there; return the size of the file in bytes.

        The file is seen whole or not at all. Raises `StoreError`.
        """
        path, data = self._folder / self.name(key), _packed(key, features)
        draft = path.with_name(f".{path.name}.{token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _unwritable(self._folder, exc) from exc
        return len(data)


def _packed(key: FeatureKey, features: Features) -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        allow_pickle=False,
        key=np.array(key.parts),
        frames=np.ascontiguousarray(features.frames, "<f2"),
        times_s=np.array(features.times_s, "<f8"),
        shots_s=np.array(features.shots_s, "<f8"),
    )
    return file.getvalue()


def _unpacked(path: Path, key: FeatureKey) -> Features:
    """Read a record. Raises what is in `_BROKEN`."""
    with zipfile.ZipFile(io.BytesIO(_bytes(path))) as archive:
        told = _array(archive, "key")
        frames = _array(archive, "frames")
        times_s, shots_s = _array(archive, "times_s"), _array(archive, "shots_s")
    if told.dtype.kind != "U" or tuple(told.tolist()) != key.parts:
        raise ValueError("it is the record of something else")
    if frames.dtype != np.dtype("<f2") or frames.ndim != 2 or not frames.size:
        raise ValueError("its frames are no embeddings")
    if times_s.dtype != np.dtype("<f8") or times_s.shape not in ((0,), (len(frames),)):
        raise ValueError("its times are not those of its frames")
    if shots_s.dtype != np.dtype("<f8") or shots_s.ndim != 1:
        raise ValueError("its shots are no lengths")
    if not all(np.isfinite(one).all() for one in (frames, times_s, shots_s)):
        raise ValueError("it holds what is no number")
    return Features(frames, tuple(times_s.tolist()), tuple(shots_s.tolist()))


def _bytes(path: Path) -> bytes:
    with open(path, "rb", opener=_straight) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no file")
        if found.st_size > LARGEST_BYTES:
            raise ValueError("it is larger than any record")
        return file.read(LARGEST_BYTES)


def _straight(name: str, flags: int) -> int:
    # A link is not followed, and a pipe not waited for.
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read an entry as it is written here: not compressed, so that it cannot grow on reading."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError("it is compressed")
    array: NDArray[Any] = np.lib.format.read_array(
        io.BytesIO(archive.read(entry)), allow_pickle=False
    )
    return array


def _unwritable(folder: Path, exc: OSError) -> StoreError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"There is no space left for features in {folder}; all that were extracted are kept."
            " Free space, then start again."
        )
    reason = os_reason(exc)
    return StoreUnavailable(
        f"Features cannot be kept in {folder}: {reason}; make it writable, then start again."
    )
