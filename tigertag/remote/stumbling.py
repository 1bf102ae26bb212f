"""What a service meets over one sample, told from what it meets over all of them."""

from collections import Counter
from threading import Lock

from tigertag.remote.once import Passing

_OF_ITS_OWN = 500
_ROUNDS = 3
_MOST_IN_A_ROW = 5


class Stumbling:
    """Knows what was answered meanwhile. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._refused_in_a_row = 0
        self._rounds: Counter[str] = Counter()
        self.answers = 0

    def answered(self, sample: str) -> None:
        with self._lock:
            self.answers += 1
            self._refused_in_a_row = 0
            self._rounds.pop(sample, None)

    def refuses_all(self) -> bool:
        """A sample was refused for good; tell whether so many were, and none answered between."""
        with self._lock:
            self._refused_in_a_row += 1
            if self._refused_in_a_row < _MOST_IN_A_ROW:
                return False
            self._refused_in_a_row = 0
            return True

    def is_alone(self, sample: str, exc: Passing, *, since: int) -> bool:
        """Whether the service fails over this sample, after all tries, but is not down.

        `since`: the count of answers when the sample was first asked about. Where nothing else is
        asked about, nobody can tell; after some rounds of tries the sample alone is given up.
        """
        if exc.status != _OF_ITS_OWN or exc.retry_after_s is not None:
            return False
        with self._lock:
            self._rounds[sample] += 1
            alone = self.answers > since or self._rounds[sample] >= _ROUNDS
            if alone:
                self._rounds.pop(sample)
            return alone
