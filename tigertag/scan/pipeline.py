"""Chunk → fetch → decode once → engines → outcomes. Knows no database."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from contextvars import copy_context
from dataclasses import astuple, dataclass, field, replace
from math import isfinite

from tigertag import bounds
from tigertag.contracts import (
    AnyEngine,
    Calls,
    DeferredEngine,
    Engine,
    Failed,
    Labelled,
    Library,
    Need,
    NoCalls,
    Outcome,
    Prepared,
    RunContext,
    Sampling,
    Source,
    evenly,
    is_deferred,
    is_prompt,
)
from tigertag.errors import EngineError, ItemError, LibraryError, StoreError, Unstorable
from tigertag.media import video
from tigertag.media.picture import decode
from tigertag.media.source import identity
from tigertag.model import Answer, Box, Item, Label, Media, Sample
from tigertag.net import cancellable
from tigertag.text import tidy

logger = logging.getLogger(__name__)

_FETCHERS = 8
_LOOK_S = 0.25
_SLACK = 0.001
"""Probabilities that were summed up may be a little out."""


@dataclass(frozen=True, slots=True)
class Ask:
    """An item, and the ids of the engines to be asked about it, under the name of its sample."""

    item: Item
    engines: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one engine said of one item, or the request for it of an engine that answers later.

    `content`: what tells the item's content (`media.source.identity`); "" where that is not known,
    or was not wanted.
    """

    item: Item
    engine: str
    outcome: Outcome | Prepared
    content: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """This engine cannot go on; its items of the chunk that have no outcome yet wait."""

    engine: str
    error: EngineError


@dataclass(frozen=True, slots=True)
class Terms:
    """How engines are asked. `ledger` gives the calls of an engine.

    `sampling`: how the frames of videos are chosen.

    `wanted` tells, when an engine's turn comes, which of the items (by key) it is to be asked
    about; all that the engines before it said has been yielded by then. `identify`: the items (by
    key) whose content is to be told. `is_over`: whether an engine is not to be waited for any more.
    """

    run: RunContext = field(default_factory=RunContext)
    ledger: Callable[[str], Calls] = lambda _engine: NoCalls()
    wanted: Callable[[str], Collection[str] | None] = lambda _engine: None
    sampling: Sampling = field(default_factory=Sampling)
    identify: Collection[str] = ()
    is_over: Callable[[str], bool] = lambda _engine: False


def ask(
    library: Library, engines: Mapping[str, AnyEngine], asks: Sequence[Ask], terms: Terms
) -> Iterator[Told | Stopped]:
    """Yield what the engines say of the items of one chunk, early, engine after engine.

    Exactly one `Told` an item and engine that is wanted, but for an engine that stopped or is over,
    and after `terms.run` was cancelled. Raises `LibraryError`.
    """
    run = terms.run
    need = needed([engines[name] for name in {name for one in asks for name in one.engines}])
    samples: dict[str, Sample] = {}
    contents: dict[str, str] = {}
    with _fetched_ahead(library, asks, need, terms.identify) as fetched:
        for one, source in zip(asks, fetched, strict=True):
            if not _has_come(source, run):
                return
            found = _sample(library, one, source, need, terms)
            if run.cancelled():
                # What failed now may have been cut short.
                return
            if isinstance(found, Sample):
                samples[one.item.key] = found
                contents[one.item.key] = source.result().content
            else:
                yield from (Told(one.item, name, found) for name in one.engines)
    for name, engine in engines.items():
        items = [one.item for one in asks if name in one.engines and one.item.key in samples]
        chosen = terms.wanted(name) if items else None
        most = engine.capabilities.max_frames
        batch = {
            samples[item.key].id: (item, _thinned(samples[item.key], most))
            for item in items
            if chosen is None or item.key in chosen
        }
        for said in _ask_engine(engine, batch, _run_of(name, terms)):
            if isinstance(said, Told):
                said = replace(said, content=contents[said.item.key])
            yield said


def _run_of(engine: str, terms: Terms) -> RunContext:
    run = terms.run
    return RunContext(lambda: run.cancelled() or terms.is_over(engine), terms.ledger(engine))


def needed(engines: Iterable[AnyEngine]) -> Need:
    """Return what these engines together need of an item."""
    wants = [engine.capabilities for engine in engines]
    return Need(
        short_side_px=max((want.short_side_px for want in wants), default=1),
        max_frames=max((want.max_frames for want in wants), default=1),
    )


@contextmanager
def _fetched_ahead(
    library: Library, asks: Sequence[Ask], need: Need, identify: Collection[str]
) -> Iterator[Sequence["Future[_Fetched]"]]:
    """Fetch the pictures of a chunk beside the decoding of those that are there already."""
    pool = ThreadPoolExecutor(min(_FETCHERS, len(asks)), thread_name_prefix="tigertag-fetch")
    futures = [
        pool.submit(copy_context().run, _fetch, library, one.item, need, one.item.key in identify)
        for one in asks
    ]
    try:
        yield futures
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        if not wait([one for one in futures if not one.cancelled()], _LOOK_S).not_done:
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


def _sample(
    library: Library, one: Ask, fetched: "Future[_Fetched]", need: Need, terms: Terms
) -> Sample | Failed:
    try:
        with closing(fetched.result()) as held:
            seen = _footage(one.item, held.source, need, terms)
            return Sample(one.name, one.item.media, seen.frames, seen.shots_s)
    except ItemError as exc:
        return Failed(one.name, str(exc), exc.retryable)
    except LibraryError:
        raise
    except Exception:
        logger.exception("item %s of library %s met a bug", one.item.key, library.id)
        return Failed(one.name, "Reading it met a bug; see the log.", retryable=True)


def _footage(item: Item, source: Source, need: Need, terms: Terms) -> video.Footage:
    if item.media is not Media.VIDEO:
        return video.Footage((decode(source, need.short_side_px),))
    return video.footage(
        source,
        terms.sampling,
        short_side_px=need.short_side_px,
        most=need.max_frames,
        cancelled=terms.run.cancelled,
    )


def _thinned(sample: Sample, most: int) -> Sample:
    """Leave an engine as many frames as it looks at."""
    return replace(sample, frames=evenly(sample.frames, most))


def _ask_engine(
    engine: AnyEngine, batch: Mapping[str, tuple[Item, Sample]], run: RunContext
) -> Iterator[Told | Stopped]:
    if is_deferred(engine):
        yield from _prepare(engine, batch, run)
    elif is_prompt(engine):
        yield from _ask_promptly(engine, batch, run)


def _prepare(
    engine: DeferredEngine, batch: Mapping[str, tuple[Item, Sample]], run: RunContext
) -> Iterator[Told | Stopped]:
    for name, (item, sample) in batch.items():
        if run.cancelled():
            return
        try:
            yield Told(item, engine.id, engine.prepare(sample))
        except EngineError as exc:
            yield Stopped(engine.id, exc)
            return
        except Exception:
            logger.exception("engine %s has a bug", engine.id)
            yield Told(item, engine.id, _bug(engine, name))


def _ask_promptly(
    engine: Engine, batch: Mapping[str, tuple[Item, Sample]], run: RunContext
) -> Iterator[Told | Stopped]:
    waiting = dict(batch)
    size = max(1, engine.capabilities.max_batch)
    try:
        while waiting and not run.cancelled():
            part = dict(list(waiting.items())[:size])
            for outcome in _outcomes(engine, part, run):
                item, _sample = waiting.pop(outcome.sample)
                yield Told(item, engine.id, bounded(engine.id, outcome))
    except EngineError as exc:
        yield Stopped(engine.id, exc)


def _outcomes(
    engine: Engine, part: dict[str, tuple[Item, Sample]], run: RunContext
) -> Iterator[Outcome]:
    """Yield one outcome for each sample of a batch, also where the engine has a bug."""
    missing = dict(part)
    try:
        for outcome in _tagged(engine, [sample for _item, sample in part.values()], run):
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
            yield Failed(name, f"Engine {engine.id} gave no answer; try again.", retryable=True)


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
    engine: Engine, missing: dict[str, tuple[Item, Sample]], run: RunContext
) -> Iterator[Outcome]:
    """Find the sample that the engine stumbles over; never pay twice to find it."""
    if len(missing) > 1 and engine.capabilities.local:
        for name, asked in missing.items():
            yield from _outcomes(engine, {name: asked}, run)
    else:
        yield from (_bug(engine, name) for name in missing)


def _bug(engine: AnyEngine, name: str) -> Failed:
    reason = f"Engine {engine.id} failed by a bug of its own; see the log."
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
        )
    except (TypeError, ValueError, ArithmeticError, AttributeError) as exc:
        logger.error("engine %s gave an answer that cannot be kept: %s", engine, exc)
        reason = f"Engine {engine} gave an answer that cannot be kept; it is not asked again."
        return Failed(outcome.sample, reason, retryable=False)


def answer(engine: str, fingerprint: str, labelled: Labelled) -> Answer:
    """The answer that a bounded outcome amounts to."""
    return Answer(
        engine,
        fingerprint,
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
        if name and -_SLACK <= confidence <= 1 + _SLACK:
            concept = label.concept and bounds.cut(label.concept, bounds.NAME)
            at_s = label.at_s if label.at_s is None or isfinite(label.at_s) else None
            yield Label(name, _share(confidence), concept, label.kind, _box(label.box), at_s)


def _share(number: float) -> float:
    """A probability. Raises `ValueError` for what is far from one."""
    if not -_SLACK <= number <= 1 + _SLACK:
        raise ValueError(f"{number!r} is no probability")
    return round(min(1.0, max(0.0, float(number))), 6)


def _amount(number: float) -> float:
    return float(number) if bounds.is_number(number) else 0.0


def _box(box: Box | None) -> Box | None:
    return box if box is not None and all(map(isfinite, astuple(box))) else None
