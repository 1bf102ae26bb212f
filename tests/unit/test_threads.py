"""Steps on threads."""

from threading import Event, Lock

import pytest

from tigertag import threads


def test_it_takes_steps_until_none_is_left() -> None:
    left, lock = [1] * 50, Lock()

    def step() -> bool:
        with lock:
            return bool(left) and bool(left.pop())

    threads.run(step, workers=3, stop=Event())
    assert left == []


def test_the_first_exception_stops_all_and_is_raised() -> None:
    stop = Event()

    def step() -> bool:
        if not stop.is_set():
            raise OSError("broken")
        return True

    with pytest.raises(OSError, match="broken"):
        threads.run(step, workers=3, stop=stop)


def test_it_takes_no_step_when_it_is_stopped() -> None:
    stop = Event()
    stop.set()
    steps: list[int] = []

    def step() -> bool:
        steps.append(1)
        return False

    threads.run(step, workers=2, stop=stop)
    assert steps == []
