"""Features of videos and pictures: extracted once, kept, and taken up where it was left."""

import os
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from threading import Event, Lock
from typing import Final

from tigertag.contracts import Need, RunContext, Sampling, Source
from tigertag.errors import ItemError, Unreadable
from tigertag.genres.feature_store import FeatureStore
from tigertag.genres.features import Features, of_picture, of_video
from tigertag.genres.sources import MediaSource
from tigertag.inference.backbone import Backbone, Embedder
from tigertag.media import video
from tigertag.media.files import content_hash
from tigertag.media.picture import decode
from tigertag.model import Media
from tigertag.store.answers import FeatureKey
from tigertag.text import clock

PICTURE: Final = ""
"""The sampler of what has one frame only."""
MOST_FAILURES: Final = 10
"""So many links in a row that might work at another time say that now is not the time."""
_AHEAD: Final = 4
"""How many there are in hand for each worker: enough that none waits."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came of the source of this number; no features: `reason` says why."""

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


def extract(
    sources: Sequence[MediaSource],
    extractor: Extractor,
    sampling: Sampling,
    store: FeatureStore,
    *,
    workers: int = 0,
) -> Generator[Extracted, None, None]:
    """Yield one result for each, early and in any order; what is kept already is not opened.

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
    """What the workers of one call share."""

    def __init__(self, extractor: Extractor, sampling: Sampling, store: FeatureStore) -> None:
        self._extractor = extractor
        self._sampling = sampling
        self._store = store
        self._breaker = SiteBreaker()
        self.stop = Event()
        self._run = RunContext(cancelled=self.stop.is_set)

    def extract(self, number: int, source: MediaSource) -> Extracted:
        content = self._store.content_of(source.origin, source.revision)
        features = self._store.get(self._key(source, content)) if content else None
        if content and features is not None:
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


@dataclass(slots=True)
class _SiteFailures:
    in_a_row: int = 0
    reason: str = ""


@dataclass(slots=True)
class SiteBreaker:
    """Stops asking a site that fails again and again. Thread-safe."""

    _lock: Lock = field(default_factory=Lock)
    _failures: dict[str, _SiteFailures] = field(default_factory=dict)

    @contextmanager
    def asking(self, site: str) -> Iterator[None]:
        """Let the block ask a site, unless it was given up; "" is no site and never given up.

        A site that is over its worst, or says no to one link for good, is not failing. Raises
        `Unreadable` where it was given up, and what the block raises.
        """
        if not site:
            yield
            return
        self._check(site)
        try:
            yield
        except ItemError as exc:
            self._note(site, str(exc) if exc.retryable else "")
            raise
        self._note(site, "")

    def _check(self, site: str) -> None:
        with self._lock:
            failures = self._failures.setdefault(site, _SiteFailures())
            if failures.in_a_row >= MOST_FAILURES:
                raise Unreadable(
                    f"Not tried, as {failures.in_a_row} links to {site} had failed in a row:"
                    f" {failures.reason}",
                    retryable=True,
                )

    def _note(self, site: str, reason: str) -> None:
        with self._lock:
            failures = self._failures[site]
            if failures.in_a_row >= MOST_FAILURES:
                return  # Others that were under way then change nothing.
            failures.in_a_row = failures.in_a_row + 1 if reason else 0
            failures.reason = reason
