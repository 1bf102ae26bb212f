import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tigertag.remote.gate import Gate


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.001)


class Visitors:
    """Threads that go through a gate, and stay inside until they are let go."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.came = 0
        self._leave = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(16)

    def come(self, *names: str, first: bool = False) -> None:
        for name in names:
            self._pool.submit(self._visit, name, first=first)

    def settle(self, *inside: str) -> None:
        """Wait until these have come in, in this order, and no one else."""
        until(lambda: len(self.inside) >= len(inside))
        time.sleep(0.01)
        assert self.inside == list(inside)

    def let_go(self, number: int = 1) -> None:
        self._leave.release(number)

    def close(self) -> None:
        self.let_go(100)
        self._pool.shutdown()

    def _visit(self, name: str, *, first: bool) -> None:
        with self.gate.entered(first=first):
            self.inside.append(name)
            self._leave.acquire()


def test_no_more_than_so_many_are_inside() -> None:
    visitors = Visitors(Gate(2))
    visitors.come("a", "b", "c")
    until(lambda: len(visitors.inside) == 2)
    time.sleep(0.01)
    assert len(visitors.inside) == 2
    visitors.let_go()
    until(lambda: len(visitors.inside) == 3)
    visitors.close()


def test_many_threads_never_overrun_it() -> None:
    gate, inside, most = Gate(3), [0], [0]

    def visit(number: int) -> None:
        with gate.entered(first=number % 5 == 0):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.0001)
            inside[0] -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(visit, range(500)))
    assert most[0] <= 3


def test_who_must_be_first_is_next() -> None:
    visitors = Visitors(Gate(1))
    visitors.come("a")
    visitors.settle("a")
    visitors.come("b")
    time.sleep(0.01)
    visitors.come("urgent", first=True)
    time.sleep(0.01)
    visitors.let_go()
    visitors.settle("a", "urgent")
    visitors.let_go()
    visitors.settle("a", "urgent", "b")
    visitors.close()


def test_more_are_let_in_as_soon_as_that_is_allowed() -> None:
    visitors = Visitors(Gate(1))
    visitors.come("a", "b", "c")
    until(lambda: len(visitors.inside) == 1)
    visitors.gate.allow(3)
    until(lambda: len(visitors.inside) == 3)
    visitors.close()


@pytest.mark.parametrize("most", [0, -3])
def test_one_at_least_is_let_in(most: int) -> None:
    gate = Gate(most)
    gate.allow(most)
    with gate.entered() as now:
        assert now == gate.most == 1


def test_what_raises_inside_leaves_its_place() -> None:
    gate = Gate(1)
    with pytest.raises(ValueError, match="mine"), gate.entered():
        raise ValueError("mine")
    with gate.entered() as most:
        assert most == 1


def test_a_burst_of_refusals_narrows_it_by_one() -> None:
    gate = Gate(8)
    for _one in range(8):
        gate.refused(8)
    assert gate.most == 7
    gate.refused(7)
    assert gate.most == 6


def test_it_never_closes() -> None:
    gate = Gate(1)
    gate.refused(1)
    assert gate.most == 1


def test_it_widens_after_a_run_without_refusals_up_to_what_is_allowed() -> None:
    gate = Gate(2)
    gate.refused(2)
    for _one in range(7):
        gate.served()
    gate.refused(99)
    for _one in range(7):
        gate.served()
    assert gate.most == 1
    for _one in range(100):
        gate.served()
    assert gate.most == 2
