"""What the service may do wrong."""

from dataclasses import dataclass
from threading import Lock

KINDS = ("dropped", "cut", "html", "slow", "malformed")


@dataclass(slots=True)
class _Fault:
    kind: int | str
    times: float


class Faults:
    """The faults to come, oldest first, for each of "uploads", "tags", "delete" and "usage"."""

    def __init__(self) -> None:
        self._coming: dict[str, list[_Fault]] = {}
        self._lock = Lock()

    def add(self, at: str, kind: int | str, *, times: float) -> None:
        if isinstance(kind, str) and kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {KINDS}")
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
