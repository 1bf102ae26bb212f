"""Items are loaded once, fetched and decoded; then one engine after the other looks at them.

What one engine needs and cannot be had, the picture or the metadata, fails for the engines that
need it, and only for them.

Knows no database: `SampleLoader` gives samples, `ask` one result for each, as it can be kept.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from contextvars import copy_context
from dataclasses import astuple, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import TypeVar

from tigertag import bounds, logs
from tigertag.contracts import (
    AnyEngine,
    Capabilities,
    DeferredEngine,
    Embedding,
    Engine,
    Failed,
    KnowingMetadata,
    Labelled,
    Library,
    Need,
    Outcome,
    Prepared,
    RunContext,
    Sampling,
    Source,
    Stream,
    is_deferred,
    is_prompt,
)
from tigertag.errors import EngineError, ItemError, LibraryError, StoreError, Unstorable
from tigertag.media import metadata, video
from tigertag.media.files import identity, opened
from tigertag.media.picture import decode
from tigertag.model import Answer, Box, Item, Label, Media, Metadata, Sample
from tigertag.net import cancellable
from tigertag.sequences import evenly
from tigertag.text import one_line, tidy

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FETCHERS = 8
_STREAM_HEAD_BYTES = 256 * 1024
_LOOK_S = 0.25
_ROUNDING = 0.001
_LONGEST_VECTOR_BYTES = 8192
"""Probabilities that were summed up may be a little out."""


@dataclass(frozen=True, slots=True)
class LoadedSample:
    """An item, decoded. `content` tells its file at another place (`media.files.identity`).

    It is "" where that is not known, or was not wanted. `no_frames`, `no_metadata`: why the sample
    is without what was wanted of it.
    """

    item: Item
    sample: Sample
    content: str
    no_frames: Failed | None = None
    no_metadata: Failed | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """What has come of the items of a chunk, by the names of their samples.

    `failed`: those of which there is nothing that any engine could look at.
    """

    loaded: dict[str, LoadedSample] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)

    @property
    def lacks_any(self) -> bool:
        """Whether something could not be had that may be there at another try."""
        lacking = (one.no_frames for one in self.loaded.values())
        return any(failed and failed.retryable for failed in (*self.failed.values(), *lacking))

    def of(self, engine: AnyEngine, names: Iterable[str]) -> "Samples":
        """Return those of these names as they are for one engine, and what it cannot look at."""
        able = engine.capabilities
        result = Samples()
        for name in names:
            if (failed := self.failed.get(name)) is not None:
                result.failed[name] = failed
            elif (one := self.loaded.get(name)) is not None:
                no_frames = one.no_frames if able.short_side_px else None
                lacks = no_frames or (one.no_metadata if able.gets_metadata else None)
                if lacks is None:
                    result.loaded[name] = one
                else:
                    result.failed[name] = lacks
        return result


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
                sample = self._sample(name, item, future)
                if self.run.cancelled():
                    # What failed now may have been cut short.
                    break
                if isinstance(sample, Failed):
                    samples.failed[name] = sample
                else:
                    samples.loaded[name] = sample
        return samples

    def _sample(self, name: str, item: Item, future: "Future[_Fetched]") -> LoadedSample | Failed:
        fetched = self._tried(name, future.result)
        if isinstance(fetched, Failed):
            return fetched
        footage: video.Footage | Failed = video.Footage(())
        with closing(fetched):
            if (no_source := fetched.no_source) is not None:
                footage = Failed(name, str(no_source), no_source.retryable)
            elif (source := fetched.source) is not None and self.need.short_side_px:
                footage = self._tried(name, lambda: self._footage(item, source))
        known, no_metadata = fetched.metadata, None
        if isinstance(known, ItemError):
            no_metadata, known = Failed(name, str(known), known.retryable), None
        if isinstance(footage, Failed):
            sample = Sample(name, item.media, (), metadata=known)
            loaded = LoadedSample(item, sample, fetched.content, footage, no_metadata)
            return footage if known is None else loaded
        if no_metadata is not None and not self.need.short_side_px:
            return no_metadata
        sample = Sample(name, item.media, footage.frames, footage.shots_s, known)
        return LoadedSample(item, sample, fetched.content, no_metadata=no_metadata)

    def _tried(self, name: str, step: Callable[[], T]) -> T | Failed:
        """Return what a step of loading gives, or what is wrong with the item."""
        with logs.about(item=name):
            try:
                return step()
            except ItemError as exc:
                return Failed(name, str(exc), exc.retryable)
            except LibraryError:
                raise
            except Exception:
                logger.exception("reading an item of library %s hit a bug", self.library.id)
                reason = "Reading it failed because of a bug; see the log."
                return Failed(name, reason, retryable=True)

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
    """A picture, what lets go of it, and what tells its content, "" where that is not wanted.

    `source`: None where nobody wants pixels, and the library knows the metadata without the file;
    or where it could not be fetched, for the reason `no_source`.
    """

    source: Source | None
    close: Callable[[], None]
    content: str
    metadata: Metadata | ItemError | None = None
    no_source: ItemError | None = None


def _fetch(library: Library, item: Item, need: Need, identifies: bool) -> _Fetched:
    if need.metadata and not need.short_side_px and isinstance(library, KnowingMetadata):
        return _Fetched(None, lambda: None, "", library.metadata(item))
    with ExitStack() as stack:
        try:
            source = stack.enter_context(library.fetch(item, need))
        except ItemError as exc:
            # A server may know the place of a picture that it cannot scale.
            if need.metadata and (apart := _known_apart(library, item)) is not None:
                return _Fetched(None, lambda: None, "", apart, exc)
            raise
        content = identity(source) if identifies else ""
        known = _metadata(library, item, source) if need.metadata else None
        return _Fetched(source, stack.pop_all().close, content, known)


def _known_apart(library: Library, item: Item) -> Metadata | None:
    """Return what the library knows without the file; None where it knows nothing."""
    with suppress(ItemError):
        return library.metadata(item) if isinstance(library, KnowingMetadata) else None
    return None


def _metadata(library: Library, item: Item, source: Source) -> Metadata | ItemError:
    """Return what the item's own file says of itself, by one small request at most.

    What is fetched instead of the file, a trailer or a scaled picture, says nothing of the item.
    """
    is_own = item.media is Media.PHOTO or not library.footage
    try:
        if isinstance(source, Path) and is_own:
            return metadata.read(source, item.media)
        if isinstance(library, KnowingMetadata):
            return library.metadata(item)
        if not is_own or (isinstance(source, bytes) and item.media is not Media.PHOTO):
            return Metadata()
        return metadata.read(source if isinstance(source, bytes) else _head(source), item.media)
    except ItemError as exc:
        return exc


def _head(source: Path | Stream) -> bytes:
    with opened(source) as stream:
        head = stream.read(_STREAM_HEAD_BYTES)
        stream.seek(0)
        return head


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What an engine said of a sample, or the request for it of one that answers later."""

    engine: str
    sample: str
    outcome: Outcome | Prepared
    content: str = ""


def ask(
    engine: AnyEngine, loaded: Mapping[str, LoadedSample], run: RunContext
) -> Iterator[EngineResult]:
    """Yield what an engine says of samples, by their names, early: one result for each.

    Fewer when cancelled. Raises `EngineError` when the engine cannot go on; samples without a
    result are to be asked about again then.
    """
    able = engine.capabilities
    samples = {name: _for_engine(one.sample, able) for name, one in loaded.items()}
    outcomes: Iterator[tuple[str, Outcome | Prepared]]
    if is_deferred(engine):
        outcomes = _prepared(engine, samples, run)
    elif is_prompt(engine):
        outcomes = _asked(engine, samples, run)
    else:
        return
    for name, outcome in outcomes:
        yield EngineResult(engine.id, name, outcome, loaded[name].content)


def _for_engine(sample: Sample, able: Capabilities) -> Sample:
    """Leave an engine as many frames as it looks at, and metadata only if it asks for them."""
    most = able.max_frames if able.short_side_px else 0
    known = sample.metadata if able.gets_metadata else None
    return replace(sample, frames=evenly(sample.frames, most), metadata=known)


def _prepared(
    engine: DeferredEngine, samples: Mapping[str, Sample], run: RunContext
) -> Iterator[tuple[str, Prepared | Failed]]:
    for name, sample in samples.items():
        if run.cancelled():
            return
        try:
            yield name, engine.prepare(sample)
        except EngineError:
            raise
        except Exception:
            logger.exception("engine %s has a bug", engine.id)
            yield name, _bug(engine, name)


def _asked(
    engine: Engine, samples: Mapping[str, Sample], run: RunContext
) -> Iterator[tuple[str, Outcome]]:
    waiting = dict(samples)
    size = max(1, engine.capabilities.max_batch)
    while waiting and not run.cancelled():
        batch = dict(list(waiting.items())[:size])
        for outcome in _outcomes(engine, batch, run):
            del waiting[outcome.sample]
            yield outcome.sample, bounded(engine.id, outcome)


def _outcomes(engine: Engine, batch: Mapping[str, Sample], run: RunContext) -> Iterator[Outcome]:
    """Yield one outcome for each sample of a batch, also where the engine has a bug."""
    missing = dict(batch)
    try:
        for outcome in _tagged(engine, list(batch.values()), run):
            if missing.pop(outcome.sample, None) is None:
                logger.error("engine %s answered twice, or what was not asked", engine.id)
                continue
            yield outcome
    except EngineError:
        raise
    except Exception as exc:
        if isinstance(exc, StoreError) and not isinstance(exc, Unstorable):
            # The ledger of calls cannot be reached: no fault of the engine.
            raise
        logger.exception("engine %s has a bug", engine.id)
        yield from _one_by_one(engine, missing, run)
        return
    if not run.cancelled():
        for name in missing:
            yield Failed(name, f"Engine {engine.id} returned no answer; try again.", retryable=True)


def _tagged(engine: Engine, samples: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
    """Let what the engine waits for end once it is cancelled, but nothing that is done between."""
    with cancellable(run.cancelled):
        outcomes = iter(engine.tag(samples, run))
    while True:
        with cancellable(run.cancelled):
            outcome = next(outcomes, None)
        if outcome is None:
            return
        yield outcome


def _one_by_one(
    engine: Engine, missing: Mapping[str, Sample], run: RunContext
) -> Iterator[Outcome]:
    """Find the sample that the engine stumbles over; never pay twice to find it."""
    if len(missing) > 1 and engine.capabilities.local:
        for name, sample in missing.items():
            yield from _outcomes(engine, {name: sample}, run)
    else:
        yield from (_bug(engine, name) for name in missing)


def _bug(engine: AnyEngine, name: str) -> Failed:
    reason = f"Engine {engine.id} failed because of a bug; see the log."
    return Failed(name, reason, retryable=True)


def bounded(engine: str, outcome: Outcome) -> Outcome:
    """The outcome as far as it can be kept; what is of no shape at all fails this item for good.

    Names are tidied, confidences cut to six digits. A label whose confidence is no number from 0 to
    1 speaks for nothing, and is left out.
    """
    if isinstance(outcome, Failed):
        return outcome
    try:
        frames = tuple(float(at_s) for at_s in outcome.frames)
        if not all(map(isfinite, frames)):
            raise ValueError("a frame is at no time")
        return replace(
            outcome,
            labels=tuple(_tidied(outcome.labels)),
            model=bounds.cut(outcome.model, bounds.IDENTITY),
            remainder=None if outcome.remainder is None else _share(outcome.remainder),
            cost_usd=_amount(outcome.cost_usd),
            took_s=_amount(outcome.took_s),
            frames=frames,
            fingerprint=bounds.mark(outcome.fingerprint),
            embedding=_embedding(outcome.embedding),
        )
    except (TypeError, ValueError, ArithmeticError, AttributeError) as exc:
        logger.error("engine %s returned an answer that cannot be stored: %s", engine, exc)
        reason = f"Engine {engine} returned an answer that cannot be stored; it is not run again."
        return Failed(outcome.sample, reason, retryable=False)


def unstorable(engine: str, sample: str, exc: Unstorable) -> Failed:
    """Return the outcome in the place of one that the database does not take.

    It is final: asked again, it would be paid for again, and be the same.
    """
    reason = f"Engine {engine} returned an answer that cannot be stored: {exc}"
    return Failed(sample, reason, retryable=False)


def work_state(outcome: Outcome) -> tuple[str, str]:
    """Return the state in which an outcome leaves the work on its item, and the reason."""
    if isinstance(outcome, Failed):
        return "retryable" if outcome.retryable else "failed", one_line(outcome.reason)
    return "done", ""


def answer(engine: str, fingerprint: str, labelled: Labelled) -> Answer:
    """The answer that a bounded outcome amounts to."""
    return Answer(
        engine,
        labelled.fingerprint or fingerprint,
        labelled.model,
        labelled.labels,
        labelled.remainder,
        labelled.cost_usd,
        labelled.took_s,
        labelled.frames,
    )


def _tidied(labels: Iterable[Label]) -> Iterator[Label]:
    for label in labels:
        name, confidence = tidy(label.name), float(label.confidence)
        if name and -_ROUNDING <= confidence <= 1 + _ROUNDING:
            concept = label.concept and bounds.cut(label.concept, bounds.NAME)
            at_s = label.at_s if label.at_s is None or isfinite(label.at_s) else None
            note = bounds.cut(one_line(label.note), bounds.IDENTITY)
            box = _box(label.box)
            yield Label(name, _share(confidence), concept, label.kind, box, at_s, note)


def _share(number: float) -> float:
    """A probability. Raises `ValueError` for what is far from one."""
    if not -_ROUNDING <= number <= 1 + _ROUNDING:
        raise ValueError(f"{number!r} is no probability")
    return round(min(1.0, max(0.0, float(number))), 6)


def _embedding(given: Embedding | None) -> Embedding | None:
    """What can be kept: a vector of half-precision numbers. Raises `ValueError`, `TypeError`."""
    if given is None:
        return None
    if not 0 < len(given.vector) <= _LONGEST_VECTOR_BYTES or len(given.vector) % 2:
        raise ValueError("an embedding is of no length")
    return Embedding(bounds.mark(given.network), bytes(given.vector))


def _amount(number: float) -> float:
    return float(number) if bounds.is_number(number) else 0.0


def _box(box: Box | None) -> Box | None:
    return box if box is not None and all(map(isfinite, astuple(box))) else None
