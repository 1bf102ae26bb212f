import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event

import pytest

from tigertag.errors import Unavailable
from tigertag.net import heeding
from tigertag.remote.once import Passing
from tigertag.remote.stumbling import Stumbling, may_be_of_one


def fault(status: int | None = 500, retry_after_s: float | None = None) -> Passing:
    return Passing("No.", in_doubt=True, status=status, retry_after_s=retry_after_s)


def never() -> bool:
    raise AssertionError("it is known already")


@pytest.mark.parametrize("exc", [fault(500), fault(502), fault(504), fault(None)])
def test_what_a_service_answers_that_falls_over_a_picture_may_be_of_one(exc: Passing) -> None:
    assert may_be_of_one(exc)


@pytest.mark.parametrize(
    "exc", [fault(503), fault(429), fault(500, 60.0), Passing("No.", in_doubt=False)]
)
def test_a_service_that_is_down_or_busy_is_no_matter_of_the_sample(exc: Passing) -> None:
    assert not may_be_of_one(exc)


def test_nobody_is_asked_where_another_was_answered_since() -> None:
    stumbling, since_s = Stumbling(), time.monotonic()
    stumbling.answered()
    assert stumbling.others_are_answered(never, since_s=since_s)


def test_what_was_answered_before_says_nothing_of_now() -> None:
    stumbling = Stumbling()
    stumbling.answered()
    assert not stumbling.others_are_answered(lambda: False, since_s=time.monotonic())


@pytest.mark.parametrize("answered", [True, False])
def test_what_one_has_learnt_holds_for_all_that_were_asked_about_before(answered: bool) -> None:
    stumbling, since_s = Stumbling(), time.monotonic()
    assert stumbling.others_are_answered(lambda: answered, since_s=since_s) is answered
    assert stumbling.others_are_answered(never, since_s=since_s) is answered


class Probed:
    """Somebody asks about a plain picture, and is not answered yet."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.stumbling, self.since_s = Stumbling(), time.monotonic()
        self.answer, self.at_it = Event(), Event()
        self.first = pool.submit(self.ask, self._probe)
        assert self.at_it.wait(5)

    def ask(self, probe: object = never) -> bool:
        return self.stumbling.others_are_answered(probe, since_s=self.since_s)  # type: ignore[arg-type]

    def _probe(self) -> bool:
        self.at_it.set()
        if not self.answer.wait(20):
            raise Unavailable("It does not answer.")
        return True


def test_only_one_asks_at_a_time_and_the_others_wait_for_it() -> None:
    with ThreadPoolExecutor(4) as pool:
        probed = Probed(pool)
        others = [pool.submit(probed.ask) for _one in range(3)]
        probed.answer.set()
        assert [one.result(5) for one in (probed.first, *others)] == [True] * 4


def test_who_waits_for_what_another_asks_hears_that_it_is_cancelled() -> None:
    with ThreadPoolExecutor(2) as pool:
        probed, stop = Probed(pool), Event()
        with heeding(stop.is_set):
            waiting = pool.submit(copy_context().run, probed.ask)
        stop.set()
        try:
            with pytest.raises(Unavailable):
                waiting.result(2)
            assert not probed.first.done()
        finally:
            probed.answer.set()


def test_what_cannot_be_told_now_is_asked_anew_by_the_next() -> None:
    stumbling, since_s = Stumbling(), time.monotonic()

    def down() -> bool:
        raise Unavailable("It is down.")

    with pytest.raises(Unavailable):
        stumbling.others_are_answered(down, since_s=since_s)
    assert stumbling.others_are_answered(lambda: True, since_s=since_s)
