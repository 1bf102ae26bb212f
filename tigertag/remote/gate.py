"""How many calls of a service may be under way at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Gate:
    """Lets at most `most` in at a time. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._changed = Condition()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Wait until there is room, and take it."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < self._most)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    @property
    def most(self) -> int:
        return self._most

    def allow(self, most: int) -> None:
        """Let so many in from now on, one at least; who is inside stays."""
        with self._changed:
            self._most = max(1, most)
            self._changed.notify_all()
