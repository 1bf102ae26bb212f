"""Budgets hold over all processes that share a database, to the last call."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.world import World
from tigertag.errors import QuotaExhausted
from tigertag.scan.calls import LedgerCalls
from tigertag.store import Store, usage
from tigertag.store.usage import Amount, Limits

PROCESSES, THREADS = 4, 3
ASKING = """
import sys
from tigertag.errors import QuotaExhausted
from tigertag.scan.calls import LedgerCalls
from tigertag.store import Store
from tigertag.store.usage import Limits

calls = LedgerCalls(Store(sys.argv[1]), "paid", Limits(units=40), of_items=False)
made = 0
try:
    while True:
        call = calls.reserve("photo", host="service", size_bytes=1, units=1)
        call.settle(units=1, cost_usd=0.0)
        made += 1
except QuotaExhausted:
    print(made)
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = World(tmp_path, database_url)
    yield made
    made.close()


def ask_all(world: World, limits: Limits, bound: Amount, took: Amount) -> int:
    """Let threads with stores of their own ask until nothing may be asked; return how often."""
    url, made, lock = world.store.url.render_as_string(hide_password=False), [0], threading.Lock()

    def ask(calls: LedgerCalls) -> None:
        while True:
            try:
                call = calls.reserve(
                    "photo", host="h", size_bytes=1, units=bound.units, cost_usd=bound.cost_usd
                )
            except QuotaExhausted:
                return
            with lock:
                made[0] += 1
            call.settle(units=took.units, cost_usd=took.cost_usd)

    with ExitStack() as stack, ThreadPoolExecutor(PROCESSES * THREADS) as pool:
        stores = [Store(url) for _ in range(PROCESSES)]
        for store in stores:
            stack.callback(store.close)
        asking = [LedgerCalls(store, "paid", limits, of_items=False) for store in stores] * THREADS
        list(pool.map(ask, asking))
    return made[0]


def taken(world: World) -> Amount:
    with world.store.read() as db:
        return usage.of_month(db, datetime.now(UTC))["paid"]


def test_a_monthly_limit_is_used_up_to_the_last_call_and_never_overrun(world: World) -> None:
    assert ask_all(world, Limits(units=40), Amount(units=1), Amount(units=1)) == 40
    assert taken(world) == Amount(units=40)


def test_a_cost_limit_is_never_overrun_whatever_calls_turn_out_to_cost(world: World) -> None:
    bound, took = Amount(1, 0.03), Amount(1, 0.01)
    made = ask_all(world, Limits(cost_usd=0.4), bound, took)
    assert taken(world).cost_usd == pytest.approx(made * 0.01)
    # The last ones that asked were refused by what others had reserved, and not yet settled.
    at_most_reserved = PROCESSES * THREADS * bound.cost_usd
    assert 0.4 - at_most_reserved <= made * took.cost_usd <= 0.4


@pytest.mark.slow
def test_processes_share_a_monthly_limit(postgres_url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, postgres_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert sum(int(process.communicate(timeout=60)[0]) for process in started) == 40
