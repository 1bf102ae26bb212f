"""Tags for pictures outside any library: nothing is stored, nothing is written."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Lock, Thread

from tigertag import policy, threads
from tigertag.contracts import (
    Engine,
    Failed,
    Labelled,
    Library,
    RunContext,
    is_deferred,
    is_prompt,
)
from tigertag.core import Core, EngineEntry
from tigertag.errors import EngineError, RequestError
from tigertag.libraries import folder
from tigertag.media.files import media_of
from tigertag.model import Answer, Item, Media, Tag
from tigertag.net import cancellable
from tigertag.policy import Rules
from tigertag.scan import calls, engine_run
from tigertag.scan.context import needed
from tigertag.scan.engine_run import SampleLoader

_CHUNK = 16
_VIDEO_WEIGHT = 8
"""A video takes the room of as many photos."""
_DRAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to be tagged: an item of a library made for its folder."""

    path: Path
    library: Library
    item: Item


@dataclass(frozen=True, slots=True)
class Tagged:
    """What came of one picture. `errors`: what kept engines from looking at it."""

    path: Path
    answers: tuple[Answer, ...]
    tags: tuple[Tag, ...]
    errors: tuple[str, ...] = ()


def local_engines(core: Core, names: Sequence[str]) -> list[EngineEntry]:
    """Return the engines of these names; without names, those that keep pictures at home.

    Raises `RequestError` for one that answers in hours, or may see some sections only.
    """
    entries = core.usable_engines(names)
    for entry in entries:
        if names and entry.sections:
            raise RequestError(
                f"Engine {entry.id} may see the sections {', '.join(entry.sections)} only (its"
                " SECTIONS); a picture that is of no library is in none of them."
            )
        if names and entry.engine is not None and is_deferred(entry.engine):
            raise RequestError(
                f"Engine {entry.id} answers within hours (MODE=batch); use it with"
                " `tigertag scan` only."
            )
    if names:
        return entries
    return [
        entry for entry in entries if entry.engine is not None and entry.engine.capabilities.local
    ]


def pictures(core: Core, paths: Iterable[Path]) -> Iterator[Picture]:
    """Yield the pictures that the paths name: files, and all pictures below folders."""
    for number, path in enumerate(paths):
        root = path if path.is_dir() else path.parent
        library = folder.build(str(number), folder.Options(path=root), core.host)
        if path.is_dir():
            library.open()
            for section in library.sections():
                for item in library.items(section):
                    yield Picture(root / item.key, library, item)
        else:
            media = media_of(path.name) or Media.PHOTO
            yield Picture(path, library, Item(library.id, ".", path.name, "", media))


def tag(
    core: Core, entries: Sequence[EngineEntry], sources: Iterable[Picture]
) -> Generator[Tagged, None, None]:
    """Yield one result an item, early and in any order.

    An engine that cannot be opened is an error of each item, and the others look at it; where none
    can, it raises the first one's `EngineError`. Whoever leaves before the end closes it, so that
    its threads end.
    """
    engines = {
        entry.id: entry.engine
        for entry in entries
        if entry.engine is not None and is_prompt(entry.engine)
    }
    unopened = _open(engines)
    opened = {id: engine for id, engine in engines.items() if id not in unopened}
    stopped = tuple(f"{id}: {exc}" for id, exc in unopened.items())
    work = _Work(core, opened, {entry.id: entry for entry in entries}, iter(sources), stopped)
    yield from work.results()


def _open(engines: Mapping[str, Engine]) -> dict[str, EngineError]:
    """Open them; return why some cannot be. Raises `EngineError` where that is all of them."""
    errors: dict[str, EngineError] = {}
    for id, engine in engines.items():
        try:
            engine.open()
        except EngineError as exc:
            errors[id] = exc
    if errors and len(errors) == len(engines):
        raise next(iter(errors.values()))
    return errors


@dataclass
class _Work:
    """The workers of one call, and the queue through which their results come."""

    core: Core
    engines: Mapping[str, Engine]
    entries: Mapping[str, EngineEntry]
    sources: Iterator[Picture]
    unopened: tuple[str, ...] = ()
    """A line for each engine that could not be opened."""
    stop: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    ready: "Queue[Tagged | BaseException | None]" = field(default_factory=lambda: Queue(256))

    def results(self) -> Iterator[Tagged]:
        worker = Thread(target=self._run, name="tigertag-tagging")
        worker.start()
        try:
            while (result := self.ready.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            self.stop.set()
            # Whoever waits for room in the queue is let go.
            while worker.is_alive():
                with suppress(Empty):
                    self.ready.get(timeout=_DRAIN_S)

    def _run(self) -> None:
        try:
            threads.run(self._step, workers=self.core.workers, stop=self.stop)
        except Exception as exc:
            self.ready.put(exc)
        self.ready.put(None)

    def _step(self) -> bool:
        chunk = self._next()
        with cancellable(self.stop.is_set):
            for result in self._tag(chunk):
                self.ready.put(result)
        return bool(chunk)

    def _next(self) -> list[Picture]:
        chunk: list[Picture] = []
        room = _CHUNK
        with self.lock:
            while room > 0 and (one := next(self.sources, None)) is not None:
                chunk.append(one)
                room -= _VIDEO_WEIGHT if one.item.media is Media.VIDEO else 1
        return chunk

    def _tag(self, chunk: Sequence[Picture]) -> Iterator[Tagged]:
        by_library: dict[str, list[Picture]] = {}
        for picture in chunk:
            by_library.setdefault(picture.library.id, []).append(picture)
        for pictures_of_one in by_library.values():
            yield from self._tag_together(pictures_of_one)

    def _tag_together(self, pictures: Sequence[Picture]) -> Iterator[Tagged]:
        """Tag pictures of one library."""
        answers: dict[str, list[Answer]] = {str(one.path): [] for one in pictures}
        errors: dict[str, list[str]] = {str(one.path): [] for one in pictures}
        stopped: list[str] = []
        run = RunContext(self.stop.is_set)
        loader = SampleLoader(pictures[0].library, needed(self.engines.values()), run)
        samples = loader.load({str(one.path): one.item for one in pictures})
        for id, engine in self.engines.items():
            own = samples.of(engine, answers)
            for name, failed in own.failed.items():
                errors[name].append(failed.reason)
            calls_of = replace(calls.run_context(self.core, id), cancelled=run.cancelled)
            try:
                for result in engine_run.ask(engine, own.loaded, calls_of):
                    if isinstance(result.outcome, Failed):
                        errors[result.sample].append(result.outcome.reason)
                    elif isinstance(result.outcome, Labelled):
                        given = engine_run.answer(id, engine.fingerprint, result.outcome)
                        answers[result.sample].append(given)
            except EngineError as exc:
                stopped.append(f"{id}: {exc}")
        if run.cancelled():
            return
        for one in pictures:
            found = tuple(answers[str(one.path)])
            missing = stopped if len(found) < len(self.engines) else []
            reasons = tuple(dict.fromkeys([*self.unopened, *errors[str(one.path)], *missing]))
            yield Tagged(one.path, found, self._decide(found), reasons)

    def _decide(self, answers: Sequence[Answer]) -> tuple[Tag, ...]:
        limits = {name: entry.thresholds for name, entry in self.entries.items()}
        return policy.decide(answers, Rules(self.core.default_rules), limits, self.core.concepts)
