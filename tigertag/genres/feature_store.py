"""Features that were extracted: files, and an index of them in the database."""

import contextlib
import logging
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final

import numpy as np

from tigertag.errors import StoreError, StoreFull, StoreUnavailable, os_reason
from tigertag.genres.features import Features
from tigertag.genres.npz import DISK_FULL, open_regular, pack, unpack
from tigertag.store import Store, answers
from tigertag.store.answers import FeatureKey, FeatureRow

LARGEST_BYTES: Final = 1 << 28

logger = logging.getLogger(__name__)


class FeatureStore:
    """Any number of threads and processes may use it at once."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store

    def content_of(self, origin: str, revision: str) -> str | None:
        """Return the hash of the content there; None where it is not known of this revision."""
        with self._store.read() as db:
            return answers.content_of(db, origin, revision)

    def note_origin(self, origin: str, revision: str, content: str) -> None:
        """Note which content is there, so that it need not be opened again."""
        with self._store.write() as db:
            answers.note_origin(db, origin, revision, content)

    def get(self, key: FeatureKey) -> Features | None:
        """Return the features; None where there are none, or the file is broken."""
        return read(self._folder, key)

    def put(self, key: FeatureKey, features: Features, origin: str, revision: str) -> None:
        """Keep features, in place of what is there, and where they came from.

        Raises `StoreError`.
        """
        size_bytes = write(self._folder, key, features)
        frames, dimensions = features.frames.shape
        row = FeatureRow(key, file_name(key), frames, dimensions, size_bytes, datetime.now(UTC))
        with self._store.write() as db:
            answers.put_features(db, row)
            answers.note_origin(db, origin, revision, key.content)


def file_name(key: FeatureKey) -> str:
    """Return the path of its file within the folder."""
    digest = sha256("\n".join(key.parts).encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:]}.npz"


def read(folder: Path, key: FeatureKey) -> Features | None:
    """Return the features; None where there are none, or the file is broken."""
    path = folder / file_name(key)
    try:
        with open_regular(path, most=LARGEST_BYTES) as file:
            return _unpacked(file.read(LARGEST_BYTES), key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        logger.warning("%s is no file of features any more, and is made again: %s", path, exc)
        return None


def write(folder: Path, key: FeatureKey, features: Features) -> int:
    """Write the file, which is seen whole or not at all; return its size in bytes.

    Raises `StoreError`.
    """
    path, data = folder / file_name(key), _packed(key, features)
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise _unwritable(folder, exc) from exc
    return len(data)


def _packed(key: FeatureKey, features: Features) -> bytes:
    return pack(
        key=np.array(key.parts),
        frames=np.ascontiguousarray(features.frames, "<f2"),
        times_s=np.array(features.times_s, "<f8"),
        shots_s=np.array(features.shots_s, "<f8"),
    )


def _unpacked(data: bytes, key: FeatureKey) -> Features:
    """Raises ValueError: these are no features, or those of another key."""
    parts, frames, times_s, shots_s = unpack(data, "key", "frames", "times_s", "shots_s")
    if parts.dtype.kind != "U" or tuple(parts.tolist()) != key.parts:
        raise ValueError("it is the record of something else")
    if frames.dtype != np.dtype("<f2") or frames.ndim != 2 or not frames.size:
        raise ValueError("its frames are no embeddings")
    if times_s.dtype != np.dtype("<f8") or times_s.shape not in ((0,), (len(frames),)):
        raise ValueError("its times are not those of its frames")
    if shots_s.dtype != np.dtype("<f8") or shots_s.ndim != 1:
        raise ValueError("its shots are no lengths")
    if not all(np.isfinite(array).all() for array in (frames, times_s, shots_s)):
        raise ValueError("it holds what is no number")
    return Features(frames, tuple(times_s.tolist()), tuple(shots_s.tolist()))


def _unwritable(folder: Path, exc: OSError) -> StoreError:
    if exc.errno in DISK_FULL:
        return StoreFull(
            f"There is no space left for features in {folder}; all that were extracted are kept."
            " Free space, then start again."
        )
    return StoreUnavailable(
        f"Features cannot be kept in {folder}: {os_reason(exc)}; make it writable, then start"
        " again."
    )
