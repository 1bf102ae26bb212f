"""Features of videos and pictures: extracted once, kept, and taken up where it was left."""

import contextlib
import logging
import os
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from secrets import token_hex
from threading import Event, Lock
from typing import Final

import numpy as np

from tigertag.contracts import Need, RunContext, Sampling, Source
from tigertag.errors import (
    ItemError,
    StoreError,
    StoreFull,
    StoreUnavailable,
    Unreadable,
    os_reason,
)
from tigertag.genres.features import Features, of_picture, of_video
from tigertag.genres.npz import DISK_FULL, open_regular, pack, unpack
from tigertag.genres.sources import MediaSource, SiteBreaker
from tigertag.inference.backbone import Backbone, Embedder
from tigertag.media import video
from tigertag.media.files import content_hash
from tigertag.media.picture import decode
from tigertag.model import Media
from tigertag.store import Store, answers
from tigertag.store.answers import FeatureKey, FeatureRow
from tigertag.text import clock

PICTURE: Final = ""
"""The sampler of what has one frame only."""
LARGEST_BYTES: Final = 1 << 28
_AHEAD: Final = 4
"""How many there are in hand for each worker: enough that none waits."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The outcome for the source of this number; no features: `reason` says why."""

    number: int
    features: Features | None
    content: str = ""
    reason: str = ""


class Extractor:
    """Embeds frames; loads its network when it is needed first. Thread-safe."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._lock = Lock()
        self._embedder: Embedder | None = None
        self.fingerprint = backbone.fingerprint()
        self.short_side_px = backbone.side_px

    @property
    def embedder(self) -> Embedder:
        with self._lock:
            if self._embedder is None:
                self._embedder = self._backbone.open("auto", "auto")
            return self._embedder

    def features(
        self, media: Media, source: Source, sampling: Sampling, run: RunContext
    ) -> Features:
        """Return the features. Raises `ItemError`, `LibraryError`, `ModelError`."""
        if media is not Media.VIDEO:
            return of_picture(self.embedder, decode(source, self.short_side_px))
        footage = video.footage(
            source,
            sampling,
            short_side_px=self.short_side_px,
            most=sampling.max_frames,
            cancelled=run.cancelled,
        )
        if footage.is_cut_short:
            end, duration = clock(footage.end_s), clock(footage.duration_s)
            raise Unreadable(f"The video is cut short: it ends at {end} of {duration}.")
        return of_video(self.embedder, footage.frames, footage.shots_s)


class FeatureStore:
    """Files of features, and an index of them in the database. Thread- and process-safe."""

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
        return read_features(self._folder, key)

    def put(self, key: FeatureKey, features: Features, origin: str, revision: str) -> None:
        """Keep features, in place of those there, and their origin. Raises `StoreError`."""
        size_bytes = write_features(self._folder, key, features)
        frames, dimensions = features.frames.shape
        row = FeatureRow(key, file_name(key), frames, dimensions, size_bytes, datetime.now(UTC))
        with self._store.write() as db:
            answers.put_features(db, row)
            answers.note_origin(db, origin, revision, key.content)


def file_name(key: FeatureKey) -> str:
    """Return the path of its file within the folder."""
    digest = sha256("\n".join(key.parts).encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:]}.npz"


def read_features(folder: Path, key: FeatureKey) -> Features | None:
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


def write_features(folder: Path, key: FeatureKey, features: Features) -> int:
    """Write the file, which is seen whole or not at all; return its size in bytes.

    Raises `StoreError`.
    """
    path = folder / file_name(key)
    data = pack(
        key=np.array(key.parts),
        frames=np.ascontiguousarray(features.frames, "<f2"),
        times_s=np.array(features.times_s, "<f8"),
        shots_s=np.array(features.shots_s, "<f8"),
    )
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


def extract(
    sources: Sequence[MediaSource],
    extractor: Extractor,
    sampling: Sampling,
    store: FeatureStore,
    *,
    workers: int = 0,
) -> Generator[Extracted, None, None]:
    """Yield one outcome for each, early and in any order; what is kept already is not opened.

    Whoever leaves before the end closes it: what was extracted by then is kept. Raises
    `LibraryError`, `EngineError`.
    """
    work = _Extraction(extractor, sampling, store)
    count = workers or (os.cpu_count() or 1) + 1
    waiting = iter(enumerate(sources))
    pool = ThreadPoolExecutor(count, thread_name_prefix="tigertag-features")
    try:
        busy: set[Future[Extracted]] = set()
        while True:
            more = islice(waiting, _AHEAD * count - len(busy))
            busy |= {pool.submit(work.extract, number, source) for number, source in more}
            if not busy:
                return
            done, busy = wait(busy, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        work.stop.set()
        pool.shutdown(cancel_futures=True)


class _Extraction:
    """Shared by the workers of one call."""

    def __init__(self, extractor: Extractor, sampling: Sampling, store: FeatureStore) -> None:
        self._extractor = extractor
        self._sampling = sampling
        self._store = store
        self._breaker = SiteBreaker()
        self.stop = Event()
        self._run = RunContext(cancelled=self.stop.is_set)

    def extract(self, number: int, source: MediaSource) -> Extracted:
        content = self._store.content_of(source.origin, source.revision)
        if content and (features := self._store.get(self._key(source, content))) is not None:
            return Extracted(number, features, content)
        try:
            with self._breaker.asking(source.site):
                return self._fetched(number, source)
        except ItemError as exc:
            return Extracted(number, None, reason=str(exc))

    def _fetched(self, number: int, source: MediaSource) -> Extracted:
        need = Need(self._extractor.short_side_px, self._sampling.max_frames)
        with source.fetch(need, self._run) as media:
            content = content_hash(media)
            key = self._key(source, content)
            features = self._store.get(key)
            if features is not None:
                self._store.note_origin(source.origin, source.revision, content)
                return Extracted(number, features, content)
            features = self._extractor.features(source.media, media, self._sampling, self._run)
        self._store.put(key, features, source.origin, source.revision)
        return Extracted(number, features, content)

    def _key(self, source: MediaSource, content: str) -> FeatureKey:
        sampler = self._sampling.name if source.media is Media.VIDEO else PICTURE
        return FeatureKey(content, self._extractor.fingerprint, sampler)
