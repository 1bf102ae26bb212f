import threading

import pytest

from tigertag.errors import Unavailable
from tigertag.remote.afterwards import Afterwards


def test_who_asks_for_it_does_not_wait() -> None:
    afterwards, gate, done = Afterwards("im", 1), threading.Event(), threading.Event()
    afterwards.do(lambda: done.set() if gate.wait(5) else None)
    assert not done.is_set()
    gate.set()
    afterwards.close()
    assert done.is_set()


def test_closing_waits_for_all_of_it() -> None:
    afterwards, done = Afterwards("im", 2), list[int]()
    for number in range(50):
        afterwards.do(lambda number=number: done.append(number))  # type: ignore[misc]
    afterwards.close()
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

    afterwards, done = Afterwards("im", 1), threading.Event()
    afterwards.do(fails)
    afterwards.do(done.set)
    afterwards.close()
    assert done.is_set()
    assert logged in caplog.text


def test_it_works_again_after_it_was_closed() -> None:
    afterwards, done = Afterwards("im", 1), threading.Event()
    afterwards.close()
    afterwards.do(done.set)
    afterwards.close()
    assert done.is_set()
