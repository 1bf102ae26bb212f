"""What is known of an account's quota: the last reading of /usage, and own calls since."""

import time
from datetime import UTC, datetime
from threading import Lock

from tigertag.contracts import NOTICE, PluginState
from tigertag.engines.imagga.usage import Usage
from tigertag.errors import QuotaExhausted

READ_EVERY = 100
_FRESH_S = 60.0


class Account:
    """Counts calls between two readings, and keeps one line about them. Thread-safe."""

    def __init__(self, kept: PluginState) -> None:
        self._kept = kept
        self._lock = Lock()
        self._usage = Usage()
        self._since = 0
        self._read_at: float | None = None

    def learn(self, usage: Usage) -> None:
        """Take a new reading."""
        with self._lock:
            self._usage, self._since, self._read_at = usage, 0, time.monotonic()
        self.tell()

    def tell(self) -> None:
        """Keep the line that is shown beside the engine."""
        self._kept.put(NOTICE, _sentence(self.usage, "%Y-%m-%d"))

    def count(self) -> bool:
        """Count an own call; tell whether it is time for a reading."""
        with self._lock:
            self._since += 1
            return self._since % READ_EVERY == 0

    @property
    def usage(self) -> Usage:
        """The last reading, and own calls since."""
        with self._lock:
            used = self._usage.used
            counted = None if used is None else used + self._since
            return Usage(self._usage.limit, counted, self._usage.at_once, self._usage.ends)

    @property
    def used_up(self) -> bool:
        now = self.usage
        return now.limit is not None and now.used is not None and now.used >= now.limit

    @property
    def fresh(self) -> bool:
        """Whether the last reading still tells how it is: it is new, and nothing was done since."""
        with self._lock:
            read_at, since = self._read_at, self._since
        return read_at is not None and since == 0 and time.monotonic() - read_at < _FRESH_S

    def error(self) -> QuotaExhausted:
        """Say that the month's calls are used up, and when it goes on."""
        usage = self.usage
        ends = usage.ends if usage.ends and usage.ends > datetime.now(UTC) else None
        calls = "calls" if usage.limit is None else f"{usage.limit} calls"
        goes_on = (
            f"on {ends:%-d %B %Y at %H:%M} (UTC)" if ends else "when the account's month is over"
        )
        return QuotaExhausted(
            f"Imagga's {calls} of this month are used up; what was answered is kept. It goes on"
            f" {goes_on}.",
            resets_at=ends,
        )


def found(usage: Usage) -> str:
    """Say in a sentence what /usage told."""
    at_once = "" if usage.at_once is None else f", {usage.at_once} at once"
    return f"Imagga: {_sentence(usage, '%-d %B %Y', more=at_once)}."


def _sentence(usage: Usage, date: str, *, more: str = "") -> str:
    if usage.used is None:
        used = "the account tells no usage"
    elif usage.limit is None:
        used = f"{usage.used} calls used this month, no limit is told"
    else:
        used = f"{usage.used} of {usage.limit} calls used this month"
    renews = f"; renews on {usage.ends:{date}}" if usage.ends else ""
    return used + more + renews
