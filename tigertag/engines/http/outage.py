"""Tells a fault over one picture from an outage of the whole service."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import TypeVar

import numpy as np

from tigertag.contracts import Failed
from tigertag.engines.http.errors import RequestRefused, Service, ServiceUnavailable
from tigertag.errors import Unavailable
from tigertag.model import Frame, Media, Sample
from tigertag.net import is_cancelled, wait

_FAILING_OVER_A_PICTURE = frozenset({500, 501, 502, 504})
_MOST_UNREADABLE = 5
_POLL_S = 0.05
_PLAIN_SIDE_PX = 224
_NEVER = float("-inf")

T = TypeVar("T")
Probe = Callable[[], object]
"""Asks about a plain picture. Raises `RequestRefused` where even that is refused."""


class OutageDetector:
    """Knows when the service last answered. Thread-safe."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = Lock()
        self._answered_s = self._refused_s = _NEVER
        self._unreadable = 0
        self._probe: Future[bool] | None = None

    def answered(self) -> None:
        """Note that the service has answered for a sample."""
        with self._lock:
            self._answered_s = time.monotonic()
            self._unreadable = 0

    def unreadable(self) -> None:
        """Note an answer that cannot be read; from the fifth in a row on raise `Unavailable`."""
        with self._lock:
            self._unreadable += 1
            is_too_often = self._unreadable >= _MOST_UNREADABLE
        if is_too_often:
            raise Unavailable(
                f"{self._service.label} gave {_MOST_UNREADABLE} answers in a row that cannot be"
                " read; earlier results are kept, TigerTag tries again later."
            )

    def outcome(self, sample: str, ask: Callable[[], T], probe: Probe) -> T | Failed:
        """Ask about a sample; return `Failed` where the service fails over this picture alone.

        Otherwise what `ask` raises comes through: it concerns all pictures.
        """
        since_s = time.monotonic()
        try:
            return ask()
        except RequestRefused as exc:
            if not self.answers_for_others(probe, since_s=since_s):
                raise
            reason = f"{self._service.label} refused the picture ({exc.fault})."
            return Failed(sample, reason, retryable=exc.retryable)
        except ServiceUnavailable as exc:
            if is_cancelled() or not may_be_one_pictures(exc):
                raise
            # It may have gone down only just now, over this picture: ask about others now.
            if not self.answers_for_others(probe, since_s=time.monotonic()):
                raise
            reason = (
                f"{self._service.label} failed over the picture each time ({exc.fault}), and"
                " answers for others. It is asked again when the picture changes, or by a forced"
                " scan."
            )
            return Failed(sample, reason, retryable=False)

    def answers_for_others(self, probe: Probe, *, since_s: float) -> bool:
        """Whether the service, which has refused a sample, answers for others.

        `since_s` is when the sample was asked about, by `time.monotonic`. Where no other was
        answered since, a probe tells. It may cost something, so of several samples only one sends
        it, and the others wait for its result. Raises what `probe` raises, and `Unavailable` once
        cancelled.
        """
        with self._lock:
            if max(self._answered_s, self._refused_s) > since_s:
                return self._answered_s > self._refused_s
            running, is_mine = self._probe, self._probe is None
            if running is None:
                running = self._probe = Future()
        if is_mine:
            self._run(running, probe if not is_cancelled() else _stopped)
        while not running.done():
            if not wait(_POLL_S):
                _stopped()
        return running.result()

    def _run(self, running: "Future[bool]", probe: Probe) -> None:
        try:
            probe()
            is_answered = True
        except RequestRefused:
            is_answered = False
        except BaseException as exc:
            self._probe = None
            running.set_exception(exc)
            return
        with self._lock:
            if is_answered:
                self._answered_s = time.monotonic()
            else:
                self._refused_s = time.monotonic()
            self._probe = None
        running.set_result(is_answered)


def may_be_one_pictures(exc: ServiceUnavailable) -> bool:
    """Whether a service that is up may fail so over a picture, after all tries.

    A gateway answers for a worker that dies over it, or nobody answers at all.
    """
    fault = exc.fault
    if fault.retry_after_s is not None:
        return False
    return fault.status in _FAILING_OVER_A_PICTURE or (fault.status is None and fault.in_doubt)


def _stopped() -> None:
    raise Unavailable("It was stopped before it was clear what the service refuses.")


def plain(sample: str) -> Sample:
    """Return a picture that no service minds, asked about in the name of a sample."""
    grey = np.full((_PLAIN_SIDE_PX, _PLAIN_SIDE_PX, 3), 128, np.uint8)
    return Sample(sample, Media.PHOTO, (Frame(grey),))
