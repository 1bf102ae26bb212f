"""An Imagga account's quota: the last reading of /usage, and own calls since."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from threading import Lock
from typing import Self

from tigertag.contracts import NOTICE, PluginState
from tigertag.errors import QuotaExhausted

READ_EVERY = 100
_FRESH_S = 60.0
_MILLISECONDS = 1e11


def _number(value: object) -> float | None:
    """Return a finite number, which may be a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _count(value: object, *, least: int) -> int | None:
    number = _number(value)
    return None if number is None or number < least else int(number)


def moment(value: object) -> datetime | None:
    """Read an ISO date or time, UTC unless it says otherwise, or (milli)seconds since 1970."""
    number = _number(value)
    try:
        if number is not None:
            seconds = number / 1000 if number > _MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
        at = datetime.fromisoformat(str(value).strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """Calls a month, calls made, calls at once, the month's end; None: no limit, or not known."""

    limit: int | None = None
    used: int | None = None
    at_once: int | None = None
    ends: datetime | None = None

    @classmethod
    def read(cls, result: Mapping[str, object]) -> Self:
        """Read the `result` of GET /usage; all of it may be missing, or of any shape."""
        concurrency = result.get("concurrency")
        most = concurrency.get("max") if isinstance(concurrency, Mapping) else None
        return cls(
            limit=_count(result.get("monthly_limit"), least=1),
            used=_count(result.get("monthly_processed"), least=0),
            at_once=_count(most, least=1),
            ends=moment(result.get("billing_period_end")),
        )

    def sentence(self, date_format: str, *, more: str = "") -> str:
        """Return the usage as people read it, without a full stop."""
        if self.used is None:
            calls = "the account reports no usage"
        elif self.limit is None:
            calls = f"{self.used} calls used this month, no limit reported"
        else:
            calls = f"{self.used} of {self.limit} calls used this month"
        renews = f"; renews on {self.ends:{date_format}}" if self.ends else ""
        return calls + more + renews


class Account:
    """Counts calls between two readings, and keeps one line about them. Thread-safe."""

    def __init__(self, kept: PluginState) -> None:
        self._kept = kept
        self._lock = Lock()
        self._usage = AccountUsage()
        self._since = 0
        self._read_at: float | None = None

    def update(self, usage: AccountUsage) -> None:
        """Take a new reading."""
        with self._lock:
            self._usage, self._since, self._read_at = usage, 0, time.monotonic()
        self.show()

    def show(self) -> None:
        """Keep the line that is shown beside the engine."""
        self._kept.put(NOTICE, self.usage.sentence("%Y-%m-%d"))

    def count(self) -> bool:
        """Count an own call; tell whether it is time for a reading."""
        with self._lock:
            self._since += 1
            return self._since % READ_EVERY == 0

    @property
    def usage(self) -> AccountUsage:
        """The last reading, and own calls since."""
        with self._lock:
            used = self._usage.used
            return replace(self._usage, used=None if used is None else used + self._since)

    @property
    def is_used_up(self) -> bool:
        usage = self.usage
        return usage.limit is not None and usage.used is not None and usage.used >= usage.limit

    @property
    def is_fresh(self) -> bool:
        """Whether the last reading is new, and no call was made since."""
        with self._lock:
            read_at, since = self._read_at, self._since
        return read_at is not None and since == 0 and time.monotonic() - read_at < _FRESH_S

    def error(self) -> QuotaExhausted:
        """Return the error for a month whose calls are used up, with when it ends."""
        usage = self.usage
        ends = usage.ends if usage.ends and usage.ends > datetime.now(UTC) else None
        calls = "calls" if usage.limit is None else f"{usage.limit} calls"
        when = f"on {ends:%-d %B %Y at %H:%M} (UTC)" if ends else "when the account's month is over"
        return QuotaExhausted(
            f"Imagga's {calls} of this month are used up; earlier results are kept. It continues"
            f" {when}.",
            resets_at=ends,
        )
