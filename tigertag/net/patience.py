"""How long to wait, and how often to try."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import uniform
from typing import Any, TypeVar

import stamina

from tigertag.errors import Unavailable

T = TypeVar("T")


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

        It returns whether, or after how many seconds.
        """
        waits = self._jittered()

        def hook(exc: Exception) -> bool | float:
            wanted = again(exc)
            return next(waits) if wanted is True else wanted

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
            if not isinstance(exc, Unavailable) or cancelled():
                return False
            return self.heeds(exc.retry_after_s)

        for one in self.attempts_at(again):
            with one:
                return attempt()
        raise AssertionError("an attempt either returns or raises")

    def heeds(self, retry_after_s: float | None) -> bool | float:
        """Whether, or when, to try again if the server asks for this time: not if it is long."""
        if retry_after_s is None:
            return True
        return retry_after_s if retry_after_s <= self.longest_wait_s else False
