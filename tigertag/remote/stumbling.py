"""What a service meets over one sample, told from what it meets over all of them."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import numpy as np

from tigertag.errors import Unavailable
from tigertag.model import Frame, Media, Sample
from tigertag.net.patience import wait
from tigertag.remote.once import Passing

_OF_ITS_OWN = frozenset({500, 502, 504})
_LOOK_S = 0.05
_PLAIN_SIDE_PX = 224
_NEVER = float("-inf")


class Stumbling:
    """Knows what was answered meanwhile. Thread-safe.

    `since_s`: the time, by `time.monotonic`, at which the sample was asked about.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._answered_s = self._refused_s = _NEVER
        self._probe: Future[bool] | None = None

    def answered(self) -> None:
        with self._lock:
            self._answered_s = time.monotonic()

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


def may_be_of_one(exc: Passing) -> bool:
    """Whether a service that is up may answer so over a picture, after all tries.

    A gateway answers for a worker that dies over it, or nobody answers at all.
    """
    if exc.retry_after_s is not None:
        return False
    return exc.status in _OF_ITS_OWN or (exc.status is None and exc.in_doubt)


def stumbled(service: str, exc: Passing) -> str:
    """Say that a service that answers for other pictures has failed over one."""
    return (
        f"{service} failed over it each time ({exc.status or 'no answer'}), and answers for other"
        " pictures. It is asked again when the picture changes, or by a forced scan."
    )


def plain(sample: str) -> Sample:
    """A picture that no service minds, asked about in the name of a sample."""
    grey = np.full((_PLAIN_SIDE_PX, _PLAIN_SIDE_PX, 3), 128, np.uint8)
    return Sample(sample, Media.PHOTO, (Frame(grey),))
