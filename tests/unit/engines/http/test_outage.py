import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from typing import NoReturn

import pytest

from tigertag.contracts import Failed
from tigertag.engines.http.errors import Fault, RequestRefused, Service, ServiceUnavailable
from tigertag.engines.http.outage import OutageDetector, may_be_one_pictures
from tigertag.errors import Unavailable
from tigertag.net import cancellable

SERVICE = Service("A service", lambda _fault: "refused", "KEY", "URL", "MODEL")


def unavailable(status: int | None = 500, retry_after_s: float | None = None) -> ServiceUnavailable:
    return ServiceUnavailable("No.", Fault("no", status, retry_after_s=retry_after_s))


def raising(exc: Exception) -> Callable[[], NoReturn]:
    def ask() -> NoReturn:
        raise exc

    return ask


def refuse() -> None:
    raise RequestRefused("No.", Fault("no", 400))


def never() -> None:
    raise AssertionError("it is known already")


@pytest.mark.parametrize(
    "exc", [unavailable(500), unavailable(502), unavailable(504), unavailable(None)]
)
def test_a_service_that_falls_over_a_picture_may_answer_so(exc: ServiceUnavailable) -> None:
    assert may_be_one_pictures(exc)


@pytest.mark.parametrize(
    "exc",
    [
        unavailable(503),
        unavailable(429),
        unavailable(500, 60.0),
        ServiceUnavailable("No.", Fault("no", in_doubt=False)),
    ],
)
def test_a_service_that_is_down_or_busy_is_no_matter_of_the_picture(
    exc: ServiceUnavailable,
) -> None:
    assert not may_be_one_pictures(exc)


@pytest.mark.parametrize(("probe", "fails_alone"), [(lambda: None, True), (refuse, False)])
def test_a_suspected_picture_is_judged_by_a_probe(
    probe: Callable[[], None], fails_alone: bool
) -> None:
    detector = OutageDetector(SERVICE)
    ask = raising(unavailable())
    if fails_alone:
        assert isinstance(detector.outcome("1", ask, probe), Failed)
    else:
        with pytest.raises(ServiceUnavailable):
            detector.outcome("1", ask, probe)
    with pytest.raises(ServiceUnavailable):
        detector.outcome("1", raising(unavailable(503)), never)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_refusal_fails_the_picture_where_others_are_answered_for(retryable: bool) -> None:
    detector = OutageDetector(SERVICE)
    ask = raising(RequestRefused("No.", Fault("too dark", 400), retryable=retryable))
    with pytest.raises(RequestRefused):
        detector.outcome("1", ask, refuse)
    reason = "A service refused the picture (400: too dark)."
    assert detector.outcome("1", ask, lambda: None) == Failed("1", reason, retryable)


def test_nobody_is_asked_where_another_was_answered_since() -> None:
    detector, since_s = OutageDetector(SERVICE), time.monotonic()
    detector.answered()
    assert detector.answers_for_others(never, since_s=since_s)


def test_what_was_answered_before_says_nothing_of_now() -> None:
    detector = OutageDetector(SERVICE)
    detector.answered()
    assert not detector.answers_for_others(refuse, since_s=time.monotonic())


@pytest.mark.parametrize(("probe", "answers"), [(lambda: None, True), (refuse, False)])
def test_what_one_has_learnt_holds_for_all_that_were_asked_about_before(
    probe: Callable[[], None], answers: bool
) -> None:
    detector, since_s = OutageDetector(SERVICE), time.monotonic()
    assert detector.answers_for_others(probe, since_s=since_s) is answers
    assert detector.answers_for_others(never, since_s=since_s) is answers


def test_once_cancelled_no_probe_is_sent() -> None:
    with cancellable(lambda: True), pytest.raises(Unavailable):
        OutageDetector(SERVICE).answers_for_others(never, since_s=time.monotonic())


class Probed:
    """Somebody asks about a plain picture, and is not answered yet."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.detector, self.since_s = OutageDetector(SERVICE), time.monotonic()
        self.answer, self.at_it = Event(), Event()
        self.first = pool.submit(self.ask, self._probe)
        assert self.at_it.wait(5)

    def ask(self, probe: Callable[[], None] = never) -> bool:
        return self.detector.answers_for_others(probe, since_s=self.since_s)

    def _probe(self) -> None:
        self.at_it.set()
        if not self.answer.wait(20):
            raise Unavailable("It does not answer.")


def test_only_one_asks_at_a_time_and_the_others_wait_for_it() -> None:
    with ThreadPoolExecutor(4) as pool:
        probed = Probed(pool)
        others = [pool.submit(probed.ask) for _one in range(3)]
        probed.answer.set()
        assert [one.result(5) for one in (probed.first, *others)] == [True] * 4


def test_who_waits_for_what_another_asks_hears_that_it_is_cancelled() -> None:
    with ThreadPoolExecutor(2) as pool:
        probed, stop = Probed(pool), Event()
        with cancellable(stop.is_set):
            waiting = pool.submit(copy_context().run, probed.ask)
        stop.set()
        try:
            with pytest.raises(Unavailable):
                waiting.result(2)
            assert not probed.first.done()
        finally:
            probed.answer.set()


def test_what_cannot_be_told_now_is_asked_anew_by_the_next() -> None:
    detector, since_s = OutageDetector(SERVICE), time.monotonic()
    with pytest.raises(Unavailable):
        detector.answers_for_others(raising(Unavailable("It is down.")), since_s=since_s)
    assert detector.answers_for_others(lambda: None, since_s=since_s)


def test_from_the_fifth_unreadable_answer_in_a_row_on_the_service_is_left_alone() -> None:
    detector = OutageDetector(SERVICE)
    for _ in range(4):
        detector.unreadable()
    for _ in range(3):
        with pytest.raises(Unavailable):
            detector.unreadable()
    detector.answered()
    detector.unreadable()
