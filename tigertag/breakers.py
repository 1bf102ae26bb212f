"""Engines that are down are left alone for a while, longer each time; then one worker tries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from threading import Lock

_TRY_S = 10.0


@dataclass
class _Circuit:
    until: datetime
    reason: str
    failures: int = 0


class CircuitBreakers:
    """One circuit an engine, for all scans of a process. Thread-safe."""

    def __init__(self, *, first_s: float = 30.0, longest_s: float = 900.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._lock = Lock()
        self._open: dict[str, _Circuit] = {}
        self._proven: set[str] = set()

    def fail(self, engine: str, reason: str, *, retry_after_s: float | None = None) -> datetime:
        """The engine is down; return when it may be tried again."""
        with self._lock:
            self._proven.discard(engine)
            circuit = self._open.setdefault(engine, _Circuit(datetime.now(UTC), reason))
            bound_s = min(self._longest_s, self._first_s * 2**circuit.failures)
            circuit.failures = min(circuit.failures + 1, 30)
            wait_s = max(retry_after_s or 0.0, uniform(bound_s / 2, bound_s))
            circuit.until = datetime.now(UTC) + timedelta(seconds=wait_s)
            circuit.reason = reason
            return circuit.until

    def close(self, engine: str) -> bool:
        """The engine answers; False when it had not been down."""
        with self._lock:
            self._proven.add(engine)
            return self._open.pop(engine, None) is not None

    def forget(self, engine: str) -> None:
        """Let the engine be tried now; nobody knows whether it answers."""
        with self._lock:
            self._open.pop(engine, None)

    def is_proven(self, engine: str) -> bool:
        """Whether the engine has answered since it was down last, or since the program started."""
        with self._lock:
            return engine in self._proven

    def waits(self, engine: str) -> tuple[str, datetime] | None:
        """Return why and until when the engine is left alone; None: the caller may ask it.

        Of several who ask after the time has come, one may, and the others wait for what it finds.
        """
        now = datetime.now(UTC)
        with self._lock:
            circuit = self._open.get(engine)
            if circuit is None:
                return None
            if circuit.until > now:
                return circuit.reason, circuit.until
            circuit.until = now + timedelta(seconds=min(_TRY_S, self._first_s))
            return None
