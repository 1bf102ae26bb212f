"""Threads on which an engine asks its service: shared by all chunks, so that it is never idle."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event, Lock

from tigertag.contracts import Failed, Outcome, RunContext
from tigertag.errors import EngineError, StoreError, Unstorable
from tigertag.model import Sample
from tigertag.net import cancellable

logger = logging.getLogger(__name__)

AskOne = Callable[[Sample, RunContext], Outcome]


class Crew:
    """Asks about one sample a call, at most `most` calls at once. Thread-safe."""

    def __init__(self, engine: str, most: int) -> None:
        self._engine = engine
        self._most = most
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def tag(self, batch: Sequence[Sample], ask: AskOne, run: RunContext) -> Iterator[Outcome]:
        """Yield outcomes as they come.

        After `run` was cancelled, or a call raised `EngineError`, no further call is begun; those
        under way are waited for and their outcomes yielded, then the error is raised.
        """
        stop = Event()

        def one(sample: Sample) -> Outcome | None:
            if stop.is_set() or run.cancelled():
                return None
            return self._asked(sample, ask, run)

        futures = [self._threads().submit(one, sample) for sample in batch]
        error: EngineError | StoreError | None = None
        try:
            for future in as_completed(futures):
                try:
                    outcome = future.result()
                except (EngineError, StoreError) as exc:
                    stop.set()
                    error = error or exc
                    continue
                if outcome is not None:
                    yield outcome
        finally:
            stop.set()
            _wait(futures)
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait for what is under way, and let go of the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _asked(self, sample: Sample, ask: AskOne, run: RunContext) -> Outcome:
        try:
            with cancellable(run.cancelled):
                return ask(sample, run)
        except EngineError:
            raise
        except Exception as exc:
            if isinstance(exc, StoreError) and not isinstance(exc, Unstorable):
                # The ledger of calls cannot be reached: no fault of the engine.
                raise
            logger.exception("engine %s has a bug", self._engine)
            reason = f"Engine {self._engine} failed by a bug of its own; see the log."
            return Failed(sample.id, reason, retryable=True)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                name = f"tigertag-{self._engine}"
                self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=name)
            return self._pool


def _wait(futures: Sequence["Future[Outcome | None]"]) -> None:
    for future in futures:
        future.cancel()
    for future in futures:
        if not future.cancelled():
            future.exception()
