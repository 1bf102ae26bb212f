"""How often to try, how long to wait in between, and when to stop waiting."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import uniform
from threading import Lock
from typing import TypeVar

from tigertag.errors import Unavailable

T = TypeVar("T")

# What waits must hear of a cancellation within a second.
_STEP_S = 0.25
_cancelled: ContextVar[Callable[[], bool]] = ContextVar("cancelled", default=lambda: False)
_urgent: ContextVar[bool] = ContextVar("urgent", default=False)


@contextmanager
def cancellable(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let all waiting and retrying in here stop once `cancelled`.

    It holds for this thread; pass it on to others with `contextvars.copy_context`.
    """
    outer = _cancelled.get()
    token = _cancelled.set(lambda: outer() or cancelled())
    try:
        yield
    finally:
        _cancelled.reset(token)


@contextmanager
def shielded() -> Iterator[None]:
    """Let what is done in here be done to its end, whatever is cancelled meanwhile."""
    token = _cancelled.set(lambda: False)
    try:
        yield
    finally:
        _cancelled.reset(token)


@contextmanager
def urgent() -> Iterator[None]:
    """Let requests in here go before others that wait: a user waits for them.

    As with `cancellable`, it holds for this thread.
    """
    token = _urgent.set(True)
    try:
        yield
    finally:
        _urgent.reset(token)


def is_urgent() -> bool:
    """Whether a user waits for what this thread is doing."""
    return _urgent.get()


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
            raise Unavailable("Stopped while waiting for another request to end.")
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait for an answer, and how often to try."""

    connect_s: float = 5.0
    read_s: float = 30.0
    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    @property
    def timeout_s(self) -> tuple[float, float]:
        """The timeouts as `requests` takes them."""
        return self.connect_s, self.read_s

    def run(self, attempt: Callable[[], T], again: Callable[[Exception], bool | float]) -> T:
        """Call until it raises nothing, or an error that `again` does not want tried again.

        `again` returns whether, or after how many seconds, to try again. The last error comes
        through, at once when cancelled (`cancellable`).
        """
        waits_s = self._jittered()
        for left in reversed(range(self.attempts)):
            try:
                return attempt()
            except Exception as exc:
                wanted = again(exc)
                if wanted is False or not left:
                    raise
                if not wait(next(waits_s) if wanted is True else wanted):
                    raise
        raise AssertionError("an attempt either returns or raises")

    def retry(self, attempt: Callable[[], T], *, cancelled: Callable[[], bool]) -> T:
        """See `contracts.Http`."""

        def again(exc: Exception) -> bool | float:
            return isinstance(exc, Unavailable) and self.after(exc.retry_after_s)

        with cancellable(cancelled):
            return self.run(attempt, again)

    def after(self, retry_after_s: float | None) -> bool | float:
        """Whether, or when, to try again if the server asks for this time: not if it is long."""
        if retry_after_s is None:
            return True
        return retry_after_s if retry_after_s <= self.longest_wait_s else False

    def _jittered(self) -> Iterator[float]:
        """Full jitter: anything up to a bound that doubles (AWS, "Exponential Backoff and Jitter").

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        bound_s = self.first_wait_s
        while True:
            yield uniform(0, min(bound_s, self.longest_wait_s))
            bound_s *= 2
