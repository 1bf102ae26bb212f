"""The pool of ten connections to the database, and how upserts of tags starve it for good."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CONNECTIONS = 10
_ALONE_S, _FOR_EACH_OTHER_S = 0.001, 0.03


class Severed(Exception):
    """The server ends while a request waits: there is no answer."""


class Pool:
    """An upsert holds one connection while it asks for a second: ten at once wait for ever.

    `hung`: then all that needs the database waits too, until `restart`.
    """

    def __init__(self, blame_for: Callable[[str], None]) -> None:
        self._blame_for = blame_for
        self.hung = False
        self._lock = threading.Lock()
        self._holding = 0
        self._restarted = threading.Event()

    @contextmanager
    def upsert(self) -> Iterator[None]:
        with self._lock:
            self._holding += 1
            others = self._holding - 1
            if self._holding >= _CONNECTIONS:
                self.hung = True
        try:
            time.sleep(_ALONE_S + _FOR_EACH_OTHER_S * others)
            self.wait()
            if others:
                self._blame_for("PUT /tags was sent while another was under way: many hang Immich")
            yield
        finally:
            with self._lock:
                self._holding -= 1

    def wait(self) -> None:
        """Wait where the pool is used up. Raises `Severed` once the server has been restarted."""
        restarted = self._restarted
        if self.hung:
            restarted.wait()
            raise Severed

    def restart(self) -> None:
        with self._lock:
            self.hung = False
            self._restarted.set()
            self._restarted = threading.Event()
