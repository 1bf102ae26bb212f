"""When to stop asking a site that fails again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from tigertag.errors import ItemError, Unreadable

MOST_IN_A_ROW: Final = 10
"""So many links in a row that might work at another time say that now is not the time."""


@dataclass(slots=True)
class _Row:
    """Failures in a row, and what was said of the last one."""

    failures: int = 0
    reason: str = ""


@dataclass(slots=True)
class Patience:
    """Counts how often each site failed in a row. Thread-safe."""

    _lock: Lock = field(default_factory=Lock)
    _rows: dict[str, _Row] = field(default_factory=dict)

    @contextmanager
    def with_site(self, site: str) -> Iterator[None]:
        """Let the block ask a site, unless it was given up; "" is no site and never given up.

        A site that is over its worst, or says no to one link for good, is not failing. Raises
        `Unreadable` where it was given up, and what the block raises.
        """
        if not site:
            yield
            return
        self._refuse(site)
        try:
            yield
        except ItemError as exc:
            self._note(site, str(exc) if exc.retryable else "")
            raise
        self._note(site, "")

    def _refuse(self, site: str) -> None:
        with self._lock:
            row = self._rows.setdefault(site, _Row())
            if row.failures >= MOST_IN_A_ROW:
                raise Unreadable(
                    f"Not tried, as {row.failures} links to {site} had failed in a row:"
                    f" {row.reason}",
                    retryable=True,
                )

    def _note(self, site: str, reason: str) -> None:
        with self._lock:
            row = self._rows[site]
            if row.failures >= MOST_IN_A_ROW:
                return  # Others that were under way then change nothing.
            row.failures = row.failures + 1 if reason else 0
            row.reason = reason
