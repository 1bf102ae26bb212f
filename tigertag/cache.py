"""Counts that are costly to make: kept for a moment, made by one thread at a time."""

import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, *tuple[Hashable, ...]]

_TIMES_ITS_COST = 10
_MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    until: float


class Memory:
    """Remembers values for a moment, by keys that begin with their kind. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}
        self._making: dict[Key, Lock] = {}
        self._turns: Counter[str] = Counter()
        """How often each kind was forgotten: what was being made meanwhile is not kept."""

    def recall(self, key: Key, make: Callable[[], T], *, keep_s: float) -> T:
        """Return what `make` returned at most `keep_s` ago, or ten times as long as making takes.

        While one thread makes it anew, the others get the old one.
        """
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept.until:
            return kept.value  # type: ignore[no-any-return]
        making = self._making.setdefault(key, Lock())
        if not making.acquire(blocking=kept is None):
            assert kept is not None
            return kept.value  # type: ignore[no-any-return]
        try:
            now_kept = self._kept.get(key)
            if now_kept is not None and now_kept is not kept:
                return now_kept.value  # type: ignore[no-any-return]
            return self._made(key, make, keep_s)
        finally:
            making.release()

    def forget(self, *kinds: str) -> None:
        """Forget the values whose keys begin with one of these: something was changed."""
        self._turns.update(kinds)
        # A copy is made at once; other threads put values in at any time.
        for key in [key for key in list(self._kept) if key[0] in kinds]:
            self._kept.pop(key, None)
            self._making.pop(key, None)

    def _made(self, key: Key, make: Callable[[], T], keep_s: float) -> T:
        begun, turn = time.monotonic(), self._turns[key[0]]
        value = make()
        if self._turns[key[0]] != turn:
            return value
        now = time.monotonic()
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
            self._making.clear()
        self._kept[key] = _Kept(value, now + max(keep_s, _TIMES_ITS_COST * (now - begun)))
        return value
