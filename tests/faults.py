"""What a fake service may do wrong, by the place where it happens."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock


@dataclass(slots=True)
class _Fault:
    kind: int | str
    times: float


class Faults:
    """The faults to come, oldest first, for each kind of request: a status, or one of `kinds`."""

    def __init__(self, places: Collection[str], kinds: Collection[str]) -> None:
        self._places = places
        self._kinds = kinds
        self._coming: dict[str, list[_Fault]] = {}
        self._lock = Lock()

    def add(self, at: str, kind: int | str, *, times: float) -> None:
        if at not in self._places or (isinstance(kind, str) and kind not in self._kinds):
            raise ValueError(f"{at!r} is none of {self._places}, or {kind!r} none of {self._kinds}")
        with self._lock:
            self._coming.setdefault(at, []).append(_Fault(kind, times))

    def clear(self) -> None:
        with self._lock:
            self._coming.clear()

    def take(self, at: str) -> int | str | None:
        with self._lock:
            for fault in self._coming.get(at, []):
                if fault.times > 0:
                    fault.times -= 1
                    return fault.kind
        return None
