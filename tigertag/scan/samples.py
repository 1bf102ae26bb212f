"""Fetch → decode once: what engines are shown of the items of a chunk. Knows no database."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field

from tigertag.contracts import Failed, Library, Need, RunContext, Sampling, Source
from tigertag.errors import ItemError, LibraryError
from tigertag.media import video
from tigertag.media.files import identity
from tigertag.media.picture import decode
from tigertag.model import Item, Media, Sample

logger = logging.getLogger(__name__)

_FETCHERS = 8
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class LoadedSample:
    """An item, decoded. `content` tells its file at another place (`media.source.identity`).

    It is "" where that is not known, or was not wanted.
    """

    item: Item
    sample: Sample
    content: str


@dataclass(frozen=True, slots=True)
class Samples:
    """What has come of the items of a chunk, by the names of their samples."""

    loaded: dict[str, LoadedSample] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleLoader:
    """How the items of a library are fetched and decoded. `sampling`: of videos."""

    library: Library
    need: Need
    run: RunContext = field(default_factory=RunContext)
    sampling: Sampling = field(default_factory=Sampling)

    def load(self, items: Mapping[str, Item], identify: Collection[str] = ()) -> Samples:
        """Load items, by the names of their samples; when cancelled, those that came until then.

        `identify`: the names of those whose content is to be told. Raises `LibraryError`.
        """
        samples = Samples()
        with _fetched_ahead(self.library, items, self.need, identify) as fetched:
            for (name, item), future in zip(items.items(), fetched, strict=True):
                if not _has_come(future, self.run):
                    break
                sample = self._decoded(name, item, future)
                if self.run.cancelled():
                    # What failed now may have been cut short.
                    break
                if isinstance(sample, Sample):
                    content = future.result().content
                    samples.loaded[name] = LoadedSample(item, sample, content)
                else:
                    samples.failed[name] = sample
        return samples

    def _decoded(self, name: str, item: Item, fetched: "Future[_Fetched]") -> Sample | Failed:
        try:
            with closing(fetched.result()) as held:
                footage = self._footage(item, held.source)
                return Sample(name, item.media, footage.frames, footage.shots_s)
        except ItemError as exc:
            return Failed(name, str(exc), exc.retryable)
        except LibraryError:
            raise
        except Exception:
            logger.exception("item %s of library %s met a bug", item.key, self.library.id)
            return Failed(name, "Reading it met a bug; see the log.", retryable=True)

    def _footage(self, item: Item, source: Source) -> video.Footage:
        if item.media is not Media.VIDEO:
            return video.Footage((decode(source, self.need.short_side_px),))
        return video.footage(
            source,
            self.sampling,
            short_side_px=self.need.short_side_px,
            most=self.need.max_frames,
            cancelled=self.run.cancelled,
        )


@contextmanager
def _fetched_ahead(
    library: Library, items: Mapping[str, Item], need: Need, identify: Collection[str]
) -> "Iterator[list[Future[_Fetched]]]":
    """Fetch the pictures of a chunk beside the decoding of those that are there already."""
    pool = ThreadPoolExecutor(
        max(1, min(_FETCHERS, len(items))), thread_name_prefix="tigertag-fetch"
    )
    futures = [
        pool.submit(copy_context().run, _fetch, library, item, need, name in identify)
        for name, item in items.items()
    ]
    try:
        yield futures
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        begun = [future for future in futures if not future.cancelled()]
        if not wait(begun, _LOOK_S).not_done:
            pool.shutdown()
        # Else a server hangs, which holds up nobody who has stopped: what comes is thrown away.
        for future in futures:
            future.add_done_callback(_let_go)


def _has_come(fetched: "Future[_Fetched]", run: RunContext) -> bool:
    """Wait for a picture, or what came instead of it; False when cancelled."""
    while not run.cancelled():
        if wait([fetched], _LOOK_S).done:
            return True
    return False


def _let_go(fetched: "Future[_Fetched]") -> None:
    if not fetched.cancelled() and fetched.exception() is None:
        fetched.result().close()


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A picture, what lets go of it, and what tells its content, "" where that is not wanted."""

    source: Source
    close: Callable[[], None]
    content: str


def _fetch(library: Library, item: Item, need: Need, identifies: bool) -> _Fetched:
    with ExitStack() as stack:
        source = stack.enter_context(library.fetch(item, need))
        content = identity(source) if identifies else ""
        return _Fetched(source, stack.pop_all().close, content)
