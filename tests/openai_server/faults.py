"""What the service may do wrong."""

from dataclasses import dataclass
from threading import Lock

KINDS = ("quota", "dropped", "lost", "cut", "html", "empty", "slow")
PLACES = frozenset(
    [
        "chat",
        "model",
        "models",
        "upload",
        "files",
        "delete",
        "content",
        "start",
        "batch",
        "batches",
        "cancel",
    ]
)


@dataclass(slots=True)
class _Fault:
    kind: int | str
    times: float


class Faults:
    """The faults to come, oldest first, for each kind of request."""

    def __init__(self) -> None:
        self._coming: dict[str, list[_Fault]] = {}
        self._lock = Lock()

    def add(self, at: str, kind: int | str, *, times: float) -> None:
        if at not in PLACES or (isinstance(kind, str) and kind not in KINDS):
            raise ValueError(f"{at!r} is none of {PLACES}, or {kind!r} none of {KINDS}")
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
