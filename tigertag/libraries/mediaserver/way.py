"""The way to a server: found once, and anew when that was a while ago."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

_FRESH_S = 60.0

T = TypeVar("T")


class Way(Generic[T]):
    """What was reached. Thread-safe. Raises whatever `reach` does.

    A service runs for months, and by then another server may answer at the same address: who opens
    a way that is a minute old reaches it anew. Where that fails, it stays as it was.
    """

    def __init__(self, reach: Callable[[], T]) -> None:
        self._reach = reach
        self._lock = Lock()
        self._found: T | None = None
        self._since_s = 0.0

    def open(self) -> T:
        with self._lock:
            if self._found is None or time.monotonic() - self._since_s > _FRESH_S:
                self._found = self._reach()
                self._since_s = time.monotonic()
            return self._found

    @property
    def now(self) -> T:
        """What was reached last; only what never was is reached now."""
        return self.open() if self._found is None else self._found
