import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.engines.http.concurrency import RequestPool
from tigertag.errors import AuthFailed, Unavailable
from tigertag.model import Frame, Media, Sample

RUN = RunContext()


def samples(number: int) -> list[Sample]:
    frames = (Frame(np.zeros((1, 1, 3), np.uint8)),)
    return [Sample(str(one), Media.PHOTO, frames) for one in range(number)]


def answered(sample: Sample, _run: RunContext) -> Outcome:
    return Labelled(sample.id, (), "none")


@pytest.fixture
def pool() -> Iterator[RequestPool]:
    made = RequestPool("im", 3)
    yield made
    made.close()


def test_it_gives_one_outcome_a_sample(pool: RequestPool) -> None:
    outcomes = [one.sample for one in pool.tag(samples(9), answered, RUN)]
    assert sorted(outcomes) == [str(one) for one in range(9)]


def test_a_bug_fails_its_sample_alone_and_is_logged(
    pool: RequestPool, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(sample: Sample, run: RunContext) -> Outcome:
        return answered(sample, run) if sample.id != "1" else _stumble()

    outcomes = {one.sample: one for one in pool.tag(samples(3), ask, RUN)}
    assert isinstance(outcomes["1"], Failed)
    assert isinstance(outcomes["0"], Labelled)
    assert "ZeroDivisionError" in caplog.text


def test_after_an_error_no_more_is_begun_but_what_is_under_way_is_told(pool: RequestPool) -> None:
    begun: list[str] = []

    def ask(sample: Sample, run: RunContext) -> Outcome:
        begun.append(sample.id)
        if sample.id == "0":
            raise Unavailable("down")
        time.sleep(0.05)
        return answered(sample, run)

    told = list[str]()
    with pytest.raises(Unavailable, match="down"):
        told.extend(one.sample for one in pool.tag(samples(20), ask, RUN))
    assert set(told) == set(begun) - {"0"}
    assert len(begun) < 10


def test_after_an_error_no_more_is_begun_however_late_the_caller_hears_of_it(
    pool: RequestPool,
) -> None:
    begun: list[str] = []

    def ask(sample: Sample, run: RunContext) -> Outcome:
        begun.append(sample.id)
        if sample.id == "0":
            return answered(sample, run)
        raise Unavailable("down")

    outcomes = pool.tag(samples(60), ask, RUN)
    assert next(outcomes).sample == "0"
    # The caller commits what it has got; meanwhile the threads meet the error.
    time.sleep(0.1)
    with pytest.raises(Unavailable):
        list(outcomes)
    assert len(begun) <= 1 + 3


def test_the_first_error_is_raised(pool: RequestPool) -> None:
    def ask(sample: Sample, _run: RunContext) -> Outcome:
        if sample.id == "0":
            raise AuthFailed("refused")
        time.sleep(0.05)
        raise Unavailable("down")

    with pytest.raises(AuthFailed):
        list(pool.tag(samples(3), ask, RUN))


def test_a_cancelled_run_begins_no_more(pool: RequestPool) -> None:
    stop = threading.Event()

    def ask(sample: Sample, run: RunContext) -> Outcome:
        stop.set()
        return answered(sample, run)

    assert 1 <= len(list(pool.tag(samples(30), ask, RunContext(stop.is_set)))) <= 3


def test_who_stops_listening_stops_the_asking(pool: RequestPool) -> None:
    begun: list[str] = []

    def ask(sample: Sample, run: RunContext) -> Outcome:
        begun.append(sample.id)
        time.sleep(0.01)
        return answered(sample, run)

    outcomes = pool.tag(samples(30), ask, RUN)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    number = len(begun)
    time.sleep(0.05)
    assert len(begun) == number < 30


def test_no_more_than_so_many_are_asked_at_once(pool: RequestPool) -> None:
    inside, most = [0], [0]

    def ask(sample: Sample, run: RunContext) -> Outcome:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        inside[0] -= 1
        return answered(sample, run)

    assert len(list(pool.tag(samples(20), ask, RUN))) == 20
    assert most[0] <= 3


def test_it_works_again_after_it_was_closed(pool: RequestPool) -> None:
    list(pool.tag(samples(1), answered, RUN))
    pool.close()
    assert len(list(pool.tag(samples(2), answered, RUN))) == 2


def _stumble() -> Outcome:
    raise ZeroDivisionError
