"""How long to wait, how often to try, and when to stop waiting."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import uniform
from threading import Lock
from typing import Any, TypeVar

import stamina

from tigertag.errors import Unavailable

T = TypeVar("T")

_STEP_S = 0.25
_cancelled: ContextVar[Callable[[], bool]] = ContextVar("cancelled", default=lambda: False)


@contextmanager
def heeding(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let whatever waits in here stop waiting, and try no more, once `cancelled`.

    It holds for this thread; others are given it by `contextvars.copy_context`.
    """
    outer = _cancelled.get()
    token = _cancelled.set(lambda: outer() or cancelled())
    try:
        yield
    finally:
        _cancelled.reset(token)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let what is done in here be done to its end: it hears of nothing that is cancelled."""
    token = _cancelled.set(lambda: False)
    try:
        yield
    finally:
        _cancelled.reset(token)


def is_cancelled() -> bool:
    """Whether what this thread is doing was cancelled."""
    return _cancelled.get()()


def wait(wait_s: float) -> bool:
    """Wait; False, soon, when cancelled."""
    until = time.monotonic() + wait_s
    while not is_cancelled():
        left_s = until - time.monotonic()
        if left_s <= 0:
            return True
        time.sleep(min(left_s, _STEP_S))
    return False


@contextmanager
def holding(lock: Lock) -> Iterator[None]:
    """Hold a lock under which a server may be asked.

    Raises `Unavailable`, soon, when cancelled while another holds it.
    """
    while not lock.acquire(timeout=_STEP_S):
        if is_cancelled():
            raise Unavailable("It was stopped while something else was being waited for.")
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to try."""

    connect_s: float = 5.0
    read_s: float = 30.0
    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def attempts_at(self, again: Callable[[Exception], bool | float]) -> Any:
        """Return the attempts, to be made one after the other, while `again` says so.

        It returns whether, or after how many seconds. None is made once cancelled (`heeding`).
        """
        waits = self._jittered()
        left = self.attempts

        def hook(exc: Exception) -> bool | float:
            # It waits here, in short steps: what stamina waits cannot be interrupted.
            nonlocal left
            left -= 1
            wanted = again(exc)
            if wanted is False or left <= 0:
                return False
            return 0.0 if wait(next(waits) if wanted is True else wanted) else False

        return stamina.retry_context(on=hook, attempts=self.attempts, timeout=None)

    def _jittered(self) -> Iterator[float]:
        """Full jitter: anything up to a bound that doubles (AWS, "Exponential Backoff and Jitter").

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        bound_s = self.first_wait_s
        while True:
            yield uniform(0, min(bound_s, self.longest_wait_s))
            bound_s *= 2

    def patiently(self, attempt: Callable[[], T], *, cancelled: Callable[[], bool]) -> T:
        """See `contracts.Http`."""

        def again(exc: Exception) -> bool | float:
            return isinstance(exc, Unavailable) and self.heeds(exc.retry_after_s)

        with heeding(cancelled):
            for one in self.attempts_at(again):
                with one:
                    return attempt()
        raise AssertionError("an attempt either returns or raises")

    def heeds(self, retry_after_s: float | None) -> bool | float:
        """Whether, or when, to try again if the server asks for this time: not if it is long."""
        if retry_after_s is None:
            return True
        return retry_after_s if retry_after_s <= self.longest_wait_s else False
