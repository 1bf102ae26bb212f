import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.waiting import wait_until
from tigertag.engines.http.concurrency import ConcurrencyLimiter


class Visitors:
    """Threads that go through a limiter, and stay inside until they are let go."""

    def __init__(self, limiter: ConcurrencyLimiter) -> None:
        self.limiter = limiter
        self.inside: list[str] = []
        self.came = 0
        self._leave = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(16)

    def come(self, *names: str, urgent: bool = False) -> None:
        for name in names:
            self._pool.submit(self._visit, name, urgent=urgent)

    def settle(self, *inside: str) -> None:
        """Wait until these have come in, in this order, and no one else."""
        wait_until(lambda: len(self.inside) >= len(inside))
        time.sleep(0.01)
        assert self.inside == list(inside)

    def let_go(self, number: int = 1) -> None:
        self._leave.release(number)

    def close(self) -> None:
        self.let_go(100)
        self._pool.shutdown()

    def _visit(self, name: str, *, urgent: bool) -> None:
        with self.limiter.slot(urgent=urgent):
            self.inside.append(name)
            self._leave.acquire()


def test_no_more_than_so_many_are_inside() -> None:
    visitors = Visitors(ConcurrencyLimiter(2))
    visitors.come("a", "b", "c")
    wait_until(lambda: len(visitors.inside) == 2)
    time.sleep(0.01)
    assert len(visitors.inside) == 2
    visitors.let_go()
    wait_until(lambda: len(visitors.inside) == 3)
    visitors.close()


def test_many_threads_never_overrun_it() -> None:
    limiter, inside, most = ConcurrencyLimiter(3), [0], [0]

    def visit(number: int) -> None:
        with limiter.slot(urgent=number % 5 == 0):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.0001)
            inside[0] -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(visit, range(500)))
    assert most[0] <= 3


def test_who_must_be_first_is_next() -> None:
    visitors = Visitors(ConcurrencyLimiter(1))
    visitors.come("a")
    visitors.settle("a")
    visitors.come("b")
    time.sleep(0.01)
    visitors.come("urgent", urgent=True)
    time.sleep(0.01)
    visitors.let_go()
    visitors.settle("a", "urgent")
    visitors.let_go()
    visitors.settle("a", "urgent", "b")
    visitors.close()


def test_more_are_let_in_as_soon_as_that_is_allowed() -> None:
    visitors = Visitors(ConcurrencyLimiter(1))
    visitors.come("a", "b", "c")
    wait_until(lambda: len(visitors.inside) == 1)
    visitors.limiter.allow(3)
    wait_until(lambda: len(visitors.inside) == 3)
    visitors.close()


@pytest.mark.parametrize("most", [0, -3])
def test_one_at_least_is_let_in(most: int) -> None:
    limiter = ConcurrencyLimiter(most)
    limiter.allow(most)
    with limiter.slot() as now:
        assert now == limiter.limit == 1


def test_what_raises_inside_leaves_its_place() -> None:
    limiter = ConcurrencyLimiter(1)
    with pytest.raises(ValueError, match="mine"), limiter.slot():
        raise ValueError("mine")
    with limiter.slot() as most:
        assert most == 1


def test_a_burst_of_refusals_narrows_it_by_one() -> None:
    limiter = ConcurrencyLimiter(8)
    for _one in range(8):
        limiter.refused(8)
    assert limiter.limit == 7
    limiter.refused(7)
    assert limiter.limit == 6


def test_it_never_closes() -> None:
    limiter = ConcurrencyLimiter(1)
    limiter.refused(1)
    assert limiter.limit == 1


def test_it_widens_after_a_run_without_refusals_up_to_what_is_allowed() -> None:
    limiter = ConcurrencyLimiter(2)
    limiter.refused(2)
    for _one in range(7):
        limiter.served()
    limiter.refused(99)
    for _one in range(7):
        limiter.served()
    assert limiter.limit == 1
    for _one in range(100):
        limiter.served()
    assert limiter.limit == 2
