"""Counts that are costly to make: kept for a moment, made by one thread at a time."""

import time
from collections import Counter
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, *tuple[Hashable, ...]]

_TIMES_ITS_COST = 10
_MOST_KEPT = 500


class TtlCache:
    """Keeps values for a moment, by keys that begin with their kind. Thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[Key, tuple[Any, float]] = {}
        """By key, a value and until when (`time.monotonic`) it is fresh."""
        self._making: dict[Key, Lock] = {}
        self._forgotten: Counter[str] = Counter()
        """How often each kind was forgotten: what was being made meanwhile is not kept."""

    def get(self, key: Key, make: Callable[[], T], *, keep_s: float) -> T:
        """Return what `make` returned at most `keep_s` ago, or ten times as long as making takes.

        While one thread makes it again, the others get the old one.
        """
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() < entry[1]:
            return entry[0]  # type: ignore[no-any-return]
        making = self._making.setdefault(key, Lock())
        if not making.acquire(blocking=entry is None):
            assert entry is not None
            return entry[0]  # type: ignore[no-any-return]
        try:
            latest = self._entries.get(key)
            if latest is not None and latest is not entry:
                return latest[0]  # type: ignore[no-any-return]
            return self._make(key, make, keep_s)
        finally:
            making.release()

    def forget(self, *kinds: str) -> None:
        """Forget the values whose keys begin with one of these: something was changed."""
        self._forgotten.update(kinds)
        # A copy is made at once; other threads put values in at any time.
        for key in [key for key in list(self._entries) if key[0] in kinds]:
            self._entries.pop(key, None)
            self._making.pop(key, None)

    def _make(self, key: Key, make: Callable[[], T], keep_s: float) -> T:
        begun, forgotten = time.monotonic(), self._forgotten[key[0]]
        value = make()
        if self._forgotten[key[0]] == forgotten:
            if len(self._entries) >= _MOST_KEPT:
                self._entries.clear()
                self._making.clear()
            now = time.monotonic()
            fresh_until = now + max(keep_s, _TIMES_ITS_COST * (now - begun))
            self._entries[key] = (value, fresh_until)
        return value
