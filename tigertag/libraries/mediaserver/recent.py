"""What was listed last, so that it need not be asked for again."""

from threading import Lock
from typing import Generic, TypeVar

_MOST = 100_000

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by the keys of their items, those listed last. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, T] = {}
        self._lock = Lock()

    def remember(self, key: str, value: T | None) -> None:
        """Keep a value in the place of the last one. None: there is nothing to be kept."""
        with self._lock:
            self._known.pop(key, None)
            if value is not None:
                self._known[key] = value
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]

    def find(self, key: str) -> T | None:
        return self._known.get(key)
