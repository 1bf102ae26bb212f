"""Threads and limits with which engines ask a service, so that it is never idle nor overrun."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from threading import Condition, Event, Lock

from tigertag import logs
from tigertag.contracts import Failed, Outcome, RequestSlots, RunContext
from tigertag.errors import EngineError, StoreError, TigerTagError, Unavailable, Unstorable
from tigertag.model import Sample
from tigertag.net import cancellable, is_urgent, shielded

_SERVED_BEFORE_WIDENING = 8

AskOne = Callable[[Sample, RunContext], Outcome]

logger = logging.getLogger(__name__)


class ConcurrencyLimiter:
    """Lets at most `limit` requests run at a time. Thread-safe.

    A refusal for too many requests lowers the limit by one; a run of served ones raises it again.
    `shared`: requests of other machines count as well. Each process learns its limit from refusals
    of its own, and applies it to the requests of all.
    """

    def __init__(self, limit: int, shared: RequestSlots | None = None) -> None:
        self._allowed = self._limit = max(1, limit)
        self._running = 0
        self._served = 0
        self._urgent = 0
        self._changed = Condition()
        self._shared = shared

    @contextmanager
    def slot(self, *, urgent: bool = False) -> Iterator[int]:
        """Wait for a slot and hold it; give the limit.

        `urgent`: before all that are not, and whatever is cancelled meanwhile; before them, too,
        what a user waits for (`net.urgent`). Raises `Unavailable` when cancelled while other
        machines have all slots.
        """
        first = urgent or is_urgent()
        with self._changed:
            self._urgent += first
            self._changed.wait_for(lambda: self._has_room(first=first))
            self._urgent -= first
            self._running += 1
            limit = self._limit
            self._changed.notify_all()
        try:
            with self._counted(limit, first=first, shielding=urgent):
                yield limit
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _has_room(self, *, first: bool) -> bool:
        if first and self._shared is not None:
            # Ours may all be waiting for other machines: it goes ahead of them there.
            return True
        return self._running < self._limit and (first or not self._urgent)

    @contextmanager
    def _counted(self, limit: int, *, first: bool, shielding: bool) -> Iterator[None]:
        """Count with the requests of other machines; `shielding`: whatever is cancelled."""
        if self._shared is None:
            yield
            return
        with shielded() if shielding else nullcontext(), self._shared.slot(limit, urgent=first):
            yield

    @property
    def limit(self) -> int:
        return self._limit

    def allow(self, limit: int) -> None:
        """Allow so many from now on, one at least; those under way go on."""
        with self._changed:
            self._allowed = self._limit = max(1, limit)
            self._served = 0
            self._changed.notify_all()

    def refused(self, limit: int) -> None:
        """Note that the service refused a request under this limit: lower it by one.

        A burst of refusals under one limit lowers it once.
        """
        with self._changed:
            self._served = 0
            if limit == self._limit:
                self._limit = max(1, limit - 1)

    def served(self) -> None:
        """Note that the service did what it was asked; a run of this raises a lowered limit."""
        with self._changed:
            self._served = 0 if self._limit == self._allowed else self._served + 1
            if self._served >= _SERVED_BEFORE_WIDENING * self._limit:
                self._served = 0
                self._limit += 1
                self._changed.notify_all()


class _Threads:
    """A pool of threads that is made when it is first needed, and anew after it was closed."""

    _purpose = ""

    def __init__(self, engine: str, most: int) -> None:
        self._engine = engine
        self._most = most
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                name = f"tigertag-{self._engine}{self._purpose}"
                self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=name)
            return self._pool


class RequestPool(_Threads):
    """Asks about one sample a call, at most `most` calls at once; shared by all chunks."""

    def tag(self, batch: Sequence[Sample], ask: AskOne, run: RunContext) -> Iterator[Outcome]:
        """Yield outcomes as they come.

        After `run` was cancelled, or a call raised `EngineError`, no further call begins; those
        under way are waited for and their outcomes yielded, then the error is raised.
        """
        stop = Event()

        def ask_unless_stopped(sample: Sample) -> Outcome | None:
            if stop.is_set() or run.cancelled():
                return None
            try:
                return self._outcome(sample, ask, run)
            except (EngineError, StoreError) as exc:
                if isinstance(exc, Unavailable) and run.cancelled():
                    # What it waited for was cut short: that says nothing of the service.
                    return None
                # At once: until the loop below hears of it, each thread would begin another call.
                stop.set()
                raise

        submit = self._threads().submit
        futures = [submit(copy_context().run, ask_unless_stopped, sample) for sample in batch]
        error: EngineError | StoreError | None = None
        try:
            for future in as_completed(futures):
                try:
                    outcome = future.result()
                except (EngineError, StoreError) as exc:
                    error = error or exc
                    continue
                if outcome is not None:
                    yield outcome
        finally:
            stop.set()
            wait([future for future in futures if not future.cancel()])
        if error is not None:
            raise error

    def _outcome(self, sample: Sample, ask: AskOne, run: RunContext) -> Outcome:
        with logs.about(item=sample.id), cancellable(run.cancelled):
            try:
                return ask(sample, run)
            except Exception as exc:
                if isinstance(exc, EngineError | StoreError) and not isinstance(exc, Unstorable):
                    # A ledger of calls that cannot be reached is no fault of the engine.
                    raise
                logger.exception("engine %s has a bug", self._engine)
                reason = f"Engine {self._engine} failed because of a bug; see the log."
                return Failed(sample.id, reason, retryable=True)


class BackgroundJobs(_Threads):
    """Runs jobs that keep no answer waiting, at most `most` at once. Thread-safe."""

    _purpose = "-after"

    def submit(self, job: Callable[[], None]) -> None:
        """Run it soon; errors are logged."""
        self._threads().submit(self._run, job)

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except TigerTagError as exc:
            logger.warning("engine %s: %s", self._engine, exc)
        except Exception:
            logger.exception("engine %s has a bug", self._engine)
