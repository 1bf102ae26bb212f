"""How many calls of a service may be under way at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

_RUN = 8


class Gate:
    """Lets at most `most` in at a time. Thread-safe.

    What the service refuses makes it narrower, a run of what it serves wider again.
    """

    def __init__(self, most: int) -> None:
        self._limit = self._most = max(1, most)
        self._inside = 0
        self._served = 0
        self._urgent = 0
        self._lock = Lock()
        self._first, self._others = Condition(self._lock), Condition(self._lock)

    @contextmanager
    def entered(self, *, first: bool = False) -> Iterator[int]:
        """Wait until there is room, and take it; give how many were let in. `first`: be next."""
        with self._lock:
            self._wait(first=first)
            self._inside += 1
            self._call_next()
            most = self._most
        try:
            yield most
        finally:
            with self._lock:
                self._inside -= 1
                self._call_next()

    @property
    def most(self) -> int:
        return self._most

    def allow(self, most: int) -> None:
        """Let so many in from now on, one at least; who is inside stays."""
        with self._lock:
            self._limit = self._most = max(1, most)
            self._served = 0
            self._call_next()

    def refused(self, most: int) -> None:
        """So many were too many for the service: let in one fewer, unless that was done since."""
        with self._lock:
            self._served = 0
            if most == self._most:
                self._most = max(1, most - 1)

    def served(self) -> None:
        """The service did what it was asked: after a run of this let in one more, up to `allow`."""
        with self._lock:
            if self._most == self._limit:
                return
            self._served += 1
            if self._served >= _RUN * self._most:
                self._served = 0
                self._most += 1
                self._call_next()

    def _wait(self, *, first: bool) -> None:
        if first:
            self._urgent += 1
            self._first.wait_for(self._has_room)
            self._urgent -= 1
        else:
            self._others.wait_for(lambda: self._has_room() and not self._urgent)

    def _has_room(self) -> bool:
        return self._inside < self._most

    def _call_next(self) -> None:
        """Wake one that waits, if there is room; it calls the next one."""
        if self._has_room():
            (self._first if self._urgent else self._others).notify()
