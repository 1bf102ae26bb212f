"""How long to wait, and how often to try."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stamina


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to try."""

    connect_s: float = 5.0
    read_s: float = 30.0
    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def attempts_at(self, again: Callable[[Exception], bool | float]) -> Any:
        """Return the attempts, to be made one after the other, while `again` says so.

        It returns whether, or after how many seconds.
        """
        return stamina.retry_context(
            on=again,
            attempts=self.attempts,
            timeout=None,
            wait_initial=self.first_wait_s,
            wait_max=self.longest_wait_s,
            wait_jitter=self.first_wait_s,
        )

    def heeds(self, retry_after_s: float | None) -> bool | float:
        """Whether, or when, to try again if the server asks for this time: not if it is long."""
        if retry_after_s is None:
            return True
        return retry_after_s if retry_after_s <= self.longest_wait_s else False
