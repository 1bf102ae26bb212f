"""What a server may do wrong, once, some times, or from now on."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

KINDS = (
    "maintenance",
    "html",
    "empty",
    "reset",
    "silent",
    "short",
    "twice",
    "cut",
    "garbled",
    "whole",
)


@dataclass(slots=True)
class Fault:
    """A status or a kind for the next `times` requests that match, `after` some that may pass."""

    kind: int | str
    at: str
    after: int
    times: float


class Faults:
    """The faults to come, each for the requests whose `METHOD /path?query` holds its `at`."""

    def __init__(self, kinds: Collection[str] = KINDS) -> None:
        self._kinds = kinds
        self._coming: list[Fault] = []
        self._lock = Lock()

    def add(self, kind: int | str, *, at: str, after: int, times: float) -> None:
        if isinstance(kind, str) and kind not in self._kinds:
            raise ValueError(f"{kind!r} is none of {self._kinds}")
        self._coming.append(Fault(kind, at, after, times))

    def clear(self) -> None:
        with self._lock:
            self._coming.clear()

    def take(self, line: str) -> int | str | None:
        """The fault that this request meets, if any."""
        with self._lock:
            for fault in self._coming:
                if fault.at not in line or fault.times <= 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault.kind
        return None
