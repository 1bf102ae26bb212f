"""Features of videos and pictures: taken once, kept, and taken up where it was left."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from threading import Event, Lock

from tigertag.contracts import Need, RunContext, Sampling, Source
from tigertag.errors import ItemError, Unreadable
from tigertag.genres import seeing
from tigertag.genres.features import Features
from tigertag.genres.found import Found
from tigertag.genres.patience import Patience
from tigertag.genres.records import Records
from tigertag.inference.backbone import Backbone, Embedder
from tigertag.media import video
from tigertag.media.picture import decode
from tigertag.media.source import content_hash
from tigertag.model import Media
from tigertag.store import Store, answers
from tigertag.store.answers import FeatureKey, FeatureRow
from tigertag.text import clock

PICTURE = ""
"""The sampler of what has one frame only."""

_AHEAD = 4
"""How many there are in hand for each worker: enough that none waits."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came of one of those that were to be looked at; no features: `reason` says why."""

    number: int
    features: Features | None
    content: str = ""
    reason: str = ""


class Extractor:
    """Embeds frames; loads its network when it is needed first. Thread-safe."""

    def __init__(self, backbone: Backbone, open_backbone: Callable[[], Embedder]) -> None:
        self._open = open_backbone
        self._lock = Lock()
        self._embedder: Embedder | None = None
        self.fingerprint = backbone.fingerprint()
        self.short_side_px = backbone.side_px

    @property
    def embedder(self) -> Embedder:
        with self._lock:
            if self._embedder is None:
                self._embedder = self._open()
            return self._embedder

    def features(
        self, found: Found, source: Source, sampling: Sampling, run: RunContext
    ) -> Features:
        """Return what is seen of it. Raises `ItemError`, `LibraryError`, `ModelError`."""
        if found.media is Media.VIDEO:
            return self._of_video(source, sampling, run)
        return seeing.of_picture(self.embedder, decode(source, self.short_side_px))

    def _of_video(self, source: Source, sampling: Sampling, run: RunContext) -> Features:
        seen = video.footage(
            source,
            sampling,
            short_side_px=self.short_side_px,
            most=sampling.max_frames,
            cancelled=run.cancelled,
        )
        if seen.is_cut_short:
            ends, told = clock(seen.end_s), clock(seen.duration_s)
            raise Unreadable(f"The video is cut short: it ends at {ends} of {told}.")
        return seeing.of_video(self.embedder, seen.frames, seen.shots_s)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where features are kept: files, and an index of them in the database."""

    records: Records
    store: Store


def extracted(
    found: Sequence[Found],
    extractor: Extractor,
    sampling: Sampling,
    shelf: Shelf,
    *,
    workers: int = 0,
) -> Generator[Extracted, None, None]:
    """Yield one result for each, early and in any order; what is kept already is not opened.

    Whoever leaves before the end closes it: what was taken by then is kept. Raises `LibraryError`,
    `EngineError`.
    """
    work = _Work(extractor, sampling, shelf)
    count = workers or (os.cpu_count() or 1) + 1
    waiting = iter(enumerate(found))
    pool = ThreadPoolExecutor(count, thread_name_prefix="tigertag-features")
    try:
        busy: set[Future[Extracted]] = set()
        while True:
            more = islice(waiting, _AHEAD * count - len(busy))
            busy |= {pool.submit(work.one, number, each) for number, each in more}
            if not busy:
                return
            done, busy = wait(busy, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        work.stop.set()
        pool.shutdown(cancel_futures=True)


class _Work:
    """What the workers of one call share."""

    def __init__(self, extractor: Extractor, sampling: Sampling, shelf: Shelf) -> None:
        self._extractor = extractor
        self._sampling = sampling
        self._shelf = shelf
        self._patience = Patience()
        self.stop = Event()
        self._run = RunContext(cancelled=self.stop.is_set)

    def one(self, number: int, found: Found) -> Extracted:
        try:
            return self._kept(number, found) or self._waited_for(number, found)
        except ItemError as exc:
            return Extracted(number, None, reason=str(exc))

    def _kept(self, number: int, found: Found) -> Extracted | None:
        with self._shelf.store.read() as db:
            content = answers.content_of(db, found.origin, found.revision)
        return self._on_shelf(number, found, content) if content else None

    def _on_shelf(self, number: int, found: Found, content: str) -> Extracted | None:
        features = self._shelf.records.get(self._key(found, content))
        return None if features is None else Extracted(number, features, content)

    def _waited_for(self, number: int, found: Found) -> Extracted:
        with self._patience.with_site(found.site):
            return self._taken(number, found)

    def _taken(self, number: int, found: Found) -> Extracted:
        need = Need(self._extractor.short_side_px, self._sampling.max_frames)
        with found.fetch(need, self._run) as source:
            content = content_hash(source)
            done = self._on_shelf(number, found, content)
            if done is not None:
                with self._shelf.store.write() as db:
                    answers.note_origin(db, found.origin, found.revision, content)
                return done
            features = self._extractor.features(found, source, self._sampling, self._run)
        self._keep(found, self._key(found, content), features)
        return Extracted(number, features, content)

    def _keep(self, found: Found, key: FeatureKey, features: Features) -> None:
        size_bytes = self._shelf.records.put(key, features)
        frames, dimensions = features.frames.shape
        file = self._shelf.records.name(key)
        row = FeatureRow(key, file, frames, dimensions, size_bytes, datetime.now(UTC))
        with self._shelf.store.write() as db:
            answers.put_features(db, row)
            answers.note_origin(db, found.origin, found.revision, key.content)

    def _key(self, found: Found, content: str) -> FeatureKey:
        sampler = self._sampling.name if found.media is Media.VIDEO else PICTURE
        return FeatureKey(content, self._extractor.fingerprint, sampler)
