import threading

import pytest

from tigertag.engines.http.concurrency import BackgroundJobs
from tigertag.errors import Unavailable


def test_who_asks_for_it_does_not_wait() -> None:
    jobs, gate, done = BackgroundJobs("im", 1), threading.Event(), threading.Event()
    jobs.submit(lambda: done.set() if gate.wait(5) else None)
    assert not done.is_set()
    gate.set()
    jobs.close()
    assert done.is_set()


def test_closing_waits_for_all_of_it() -> None:
    jobs, done = BackgroundJobs("im", 2), list[int]()
    for number in range(50):
        jobs.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    jobs.close()
    assert sorted(done) == list(range(50))


@pytest.mark.parametrize(
    ("error", "logged"),
    [(Unavailable("Down for now."), "engine im: Down for now."), (ValueError("?"), "has a bug")],
)
def test_what_goes_wrong_is_logged_and_the_rest_is_done(
    caplog: pytest.LogCaptureFixture, error: Exception, logged: str
) -> None:
    def fails() -> None:
        raise error

    jobs, done = BackgroundJobs("im", 1), threading.Event()
    jobs.submit(fails)
    jobs.submit(done.set)
    jobs.close()
    assert done.is_set()
    assert logged in caplog.text


def test_it_works_again_after_it_was_closed() -> None:
    jobs, done = BackgroundJobs("im", 1), threading.Event()
    jobs.close()
    jobs.submit(done.set)
    jobs.close()
    assert done.is_set()
