"""Limits of requests at once, over several processes that share a database."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.counted import CountedCalls
from tests.imagga import KEY, SECRET, ImaggaServer
from tests.unit.engines.imagga.imaggas import HASTE, photos
from tests.waiting import wait_until
from tests.world import World
from tigertag.contracts import Host, Labelled, RunContext
from tigertag.engines import imagga
from tigertag.engines.http.concurrency import ConcurrencyLimiter, RequestPool
from tigertag.errors import StoreUnavailable, Unavailable
from tigertag.model import Media, Sample
from tigertag.net import HttpClient, cancellable, urgent
from tigertag.scan.request_slots import Places, SharedSlots
from tigertag.store import Store, request_slots, schema
from tigertag.store.request_slots import Place

LEASE_S = 1.0
ENGINE = "service"
PATIENCE = replace(HASTE, read_s=30.0)
"""Whoever gives a request up sends another while the service is still at the first."""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = World(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
def url(world: World) -> str:
    return world.store.url.render_as_string(hide_password=False)


@pytest.fixture
def process(url: str) -> Iterator[Callable[..., SharedSlots]]:
    """Make the slots of one more process, with a database of its own."""
    with ExitStack() as stack:

        def another(*, lease_s: float = LEASE_S) -> SharedSlots:
            store = Store(url)
            stack.callback(store.close)
            return SharedSlots(Places(store, "process", lease_s=lease_s), ENGINE)

        yield another


def places(url: str) -> int:
    store = Store(url)
    with store.read() as db:
        rows = list(db.scalars(select(schema.request_slots.c.id)))
    store.close()
    return len(rows)


class Service:
    """Counts those who are inside at once."""

    def __init__(self, *, takes_s: float = 0.01) -> None:
        self.takes_s = takes_s
        self.most = self.asked = self._now = 0
        self._lock = threading.Lock()

    def ask(self) -> None:
        with self._lock:
            self._now += 1
            self.asked += 1
            self.most = max(self.most, self._now)
        time.sleep(self.takes_s)
        with self._lock:
            self._now -= 1


def test_processes_together_keep_to_the_limit(
    url: str, process: Callable[..., SharedSlots]
) -> None:
    service = Service()
    limiters = [ConcurrencyLimiter(3, process(lease_s=10.0)) for _ in range(3)]

    def ask(number: int) -> None:
        with limiters[number % 3].slot():
            service.ask()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(60)))
    assert service.asked == 60
    assert service.most <= 3
    assert places(url) == 0


def test_a_process_that_waits_is_not_overtaken(
    url: str, process: Callable[..., SharedSlots]
) -> None:
    # A lease that runs out on a busy machine would cost a process its place.
    mine, other, order = process(lease_s=60.0), process(lease_s=60.0), list[str]()

    def ask(slots: SharedSlots, name: str) -> None:
        with slots.slot(1):
            order.append(name)

    with ThreadPoolExecutor(2) as pool, mine.slot(1):
        pool.submit(ask, other, "other")
        wait_until(lambda: places(url) == 2)
        pool.submit(ask, mine, "mine")
        wait_until(lambda: places(url) == 3)
    assert order == ["other", "mine"]


@pytest.mark.parametrize("own", [True, False])
def test_an_urgent_request_goes_before_all_that_wait(
    url: str, process: Callable[..., SharedSlots], own: bool
) -> None:
    mine, other, order = process(lease_s=60.0), process(lease_s=60.0), list[str]()
    limiter = ConcurrencyLimiter(1, mine)
    asking = limiter if own else ConcurrencyLimiter(1, other)

    def ask(limiter: ConcurrencyLimiter, name: str, *, urgent: bool) -> None:
        with limiter.slot(urgent=urgent):
            order.append(name)

    with ThreadPoolExecutor(2) as pool, other.slot(1):
        pool.submit(ask, limiter, "waits", urgent=False)
        wait_until(lambda: places(url) == 2)
        pool.submit(ask, asking, "urgent", urgent=True)
        wait_until(lambda: places(url) == 3)
        assert order == []
    assert order == ["urgent", "waits"]


def test_what_a_user_waits_for_is_urgent(url: str, process: Callable[..., SharedSlots]) -> None:
    mine, order = process(lease_s=60.0), list[str]()
    limiter = ConcurrencyLimiter(1, mine)

    def ask(name: str, meanwhile: AbstractContextManager[None]) -> None:
        with meanwhile, limiter.slot():
            order.append(name)

    with ThreadPoolExecutor(2) as pool, process(lease_s=60.0).slot(1):
        pool.submit(ask, "scan", nullcontext())
        wait_until(lambda: places(url) == 2)
        pool.submit(ask, "user", urgent())
        wait_until(lambda: places(url) == 3)
    assert order == ["user", "scan"]


def test_a_slot_of_a_process_that_died_is_free_when_its_lease_ends(
    url: str, process: Callable[..., SharedSlots]
) -> None:
    store, began = Store(url), time.monotonic()
    with store.write() as db:
        request_slots.enter(db, ENGINE, owner="dead", lease_s=LEASE_S, limit=1)
    store.close()
    with process().slot(1):
        waited_s = time.monotonic() - began
    assert LEASE_S * 0.9 < waited_s < LEASE_S + 5


def test_a_request_that_takes_longer_than_a_lease_keeps_its_slot(
    url: str, process: Callable[..., SharedSlots]
) -> None:
    mine, other, ended = process(), process(), list[float]()

    def ask() -> None:
        with mine.slot(1):
            time.sleep(2 * LEASE_S)
            ended.append(time.monotonic())

    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask)
        wait_until(lambda: places(url) == 1)
        with other.slot(1):
            assert ended


def test_who_is_stopped_while_he_waits_gives_up_his_place(
    url: str, process: Callable[..., SharedSlots]
) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with process().slot(1):
        with pytest.raises(Unavailable), cancellable(stop.is_set), process().slot(1):
            raise AssertionError("a slot that another holds")
        assert places(url) == 1


def test_a_run_that_is_stopped_meanwhile_says_nothing_of_the_service(
    process: Callable[..., SharedSlots],
) -> None:
    stop, limiter = threading.Event(), ConcurrencyLimiter(1, process())
    pool = RequestPool(ENGINE, 2)

    def ask(sample: Sample, _run: RunContext) -> Labelled:
        with limiter.slot():
            return Labelled(sample.id, (), "model")

    batch = [Sample(str(number), Media.PHOTO, ()) for number in range(4)]
    threading.Timer(0.1, stop.set).start()
    with process().slot(1):
        assert list(pool.tag(batch, ask, RunContext(stop.is_set))) == []
    pool.close()


def test_an_answer_is_not_lost_with_the_database(
    process: Callable[..., SharedSlots], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_given: object) -> None:
        raise StoreUnavailable("It is away.")

    slots = process()
    with slots.slot(1):
        monkeypatch.setattr(request_slots, "leave", unreachable)


def test_one_that_looks_late_counts_those_that_came_later_and_are_under_way(world: World) -> None:
    def enter(*, urgent: bool = False) -> tuple[Place, int]:
        with world.store.write() as db:
            return request_slots.enter(
                db, ENGINE, owner="one", lease_s=60.0, limit=2, urgent=urgent
            )

    def begin(place: Place) -> int | None:
        with world.store.write() as db:
            return request_slots.begin(db, place, 2)

    under_way, late, next_one = [enter()[0], enter()[0]], enter()[0], enter()[0]
    with world.store.write() as db:
        for place in under_way:
            request_slots.leave(db, place)
    assert begin(next_one) == 1
    urgent_one, ahead = enter(urgent=True)
    assert ahead == 1
    assert begin(late) == 2
    with world.store.write() as db:
        request_slots.leave(db, urgent_one)
    assert begin(late) == 1


@pytest.mark.slow
def test_imagga_is_never_asked_more_often_at_once_than_the_account_allows(
    process: Callable[..., SharedSlots], tmp_path: Path
) -> None:
    with ImaggaServer(concurrency=2, latency_s=0.02, other_latency_s=0.01) as server:
        given = {"api_url": server.url, "api_key": KEY, "api_secret": SECRET}
        options, http = imagga.Options.model_validate(given), HttpClient(PATIENCE)
        engines = [
            imagga.build("im", options, Host(tmp_path, http, slots=process(lease_s=60.0)))
            for _ in range(3)
        ]
        run = RunContext(calls=CountedCalls())
        for engine in engines:
            engine.open()
        with ThreadPoolExecutor(3) as pool:
            outcomes = list(pool.map(lambda each: list(each.tag(photos(8), run)), engines))
        for engine in engines:
            engine.close()
        http.close()
        assert sum(map(len, outcomes)) == 24
        assert server.most_at_once <= 2
        assert (server.refused, server.uploads) == (0, {})
