"""Whether a server that refuses one picture answers for others."""

import time
from collections.abc import Callable
from threading import Lock

import numpy as np

from tigertag.errors import EngineError, QuotaExhausted, Unavailable
from tigertag.model import Frame, Media, Sample

_MOST_IN_A_ROW = 5
_REMEMBERED_S = 30.0
_SIDE_PX = 224


class Others:
    """What is known of the other pictures. Thread-safe.

    Where nothing is known, a plain picture is asked about, for as little as one costs.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._answered = False
        self._in_a_row = 0
        self._refused_at = float("-inf")

    def answered(self) -> None:
        """A picture was answered for."""
        self._answered, self._in_a_row = True, 0

    def are_answered(self, ask: Callable[[], object], *, anew: bool) -> bool:
        """Tell whether others are; `ask` asks about a plain picture, `anew` whatever is known.

        Raises `Unavailable` or `QuotaExhausted` where that cannot be told now.
        """
        with self._lock:
            self._in_a_row += 1
            if self._answered and not anew and self._in_a_row <= _MOST_IN_A_ROW:
                return True
            if time.monotonic() < self._refused_at + _REMEMBERED_S:
                return False
            self._answered = self._is_answered(ask)
            if not self._answered:
                self._refused_at = time.monotonic()
            self._in_a_row = 0
            return self._answered

    def _is_answered(self, ask: Callable[[], object]) -> bool:
        try:
            ask()
        except (Unavailable, QuotaExhausted):
            raise
        except EngineError:
            return False
        return True


def plain(sample: str) -> Sample:
    """A picture that no server minds, asked about in the name of a sample."""
    grey = np.full((_SIDE_PX, _SIDE_PX, 3), 128, np.uint8)
    return Sample(sample, Media.PHOTO, (Frame(grey),))
