"""What a service meets over one sample, told from what it meets over all of them."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import numpy as np

from tigertag.errors import Unavailable
from tigertag.model import Frame, Media, Sample
from tigertag.net import wait
from tigertag.remote.once import Passing

_OF_ITS_OWN = 500
_ROUNDS = 3
_LOOK_S = 0.05
_PLAIN_SIDE_PX = 224
_NEVER = float("-inf")


class Stumbling:
    """Knows what was answered meanwhile. Thread-safe.

    `since_s`: the time, by `time.monotonic`, at which the sample was asked about.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rounds: Counter[str] = Counter()
        self._answered_s = self._refused_s = _NEVER
        self._probe: Future[bool] | None = None

    def answered(self, sample: str) -> None:
        with self._lock:
            self._answered_s = time.monotonic()
            self._rounds.pop(sample, None)

    def others_are_answered(self, ask: Callable[[], bool], *, since_s: float) -> bool:
        """Whether the service, which has refused a sample, answers for others.

        Where none was answered since, `ask` asks about a plain picture, and tells whether the
        service answers. That may cost something: of several samples only one asks, and the others
        wait for what it learns. Raises what `ask` raises, and `Unavailable` once cancelled.
        """
        with self._lock:
            if max(self._answered_s, self._refused_s) > since_s:
                return self._answered_s > self._refused_s
            probe, is_mine = self._probe, self._probe is None
            if probe is None:
                probe = self._probe = Future()
        if is_mine:
            self._make(probe, ask)
        while not probe.done():
            if not wait(_LOOK_S):
                raise Unavailable("It was stopped before it was clear what the service refuses.")
        return probe.result()

    def _make(self, probe: "Future[bool]", ask: Callable[[], bool]) -> None:
        try:
            is_answered = ask()
        except BaseException as exc:
            self._probe = None
            probe.set_exception(exc)
            return
        with self._lock:
            now_s = time.monotonic()
            if is_answered:
                self._answered_s = now_s
            else:
                self._refused_s = now_s
            self._probe = None
        probe.set_result(is_answered)

    def is_alone(self, sample: str, exc: Passing, *, since_s: float) -> bool:
        """Whether the service fails over this sample, after all tries, but is not down.

        Where nothing else is asked about, nobody can tell; after some rounds of tries the sample
        alone is given up.
        """
        if exc.status != _OF_ITS_OWN or exc.retry_after_s is not None:
            return False
        with self._lock:
            self._rounds[sample] += 1
            alone = self._answered_s > since_s or self._rounds[sample] >= _ROUNDS
            if alone:
                self._rounds.pop(sample)
            return alone


def plain(sample: str) -> Sample:
    """A picture that no service minds, asked about in the name of a sample."""
    grey = np.full((_PLAIN_SIDE_PX, _PLAIN_SIDE_PX, 3), 128, np.uint8)
    return Sample(sample, Media.PHOTO, (Frame(grey),))
