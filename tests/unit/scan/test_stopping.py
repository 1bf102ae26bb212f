"""A scan stops waiting for an engine, or goes on without it: nobody is blamed, all is made up."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest

from tests.colours import ColourEngine
from tests.imagga import KEY, SECRET, ImaggaServer
from tests.world import World
from tigertag.contracts import Host, Outcome, RunContext
from tigertag.engines import imagga
from tigertag.errors import Unavailable
from tigertag.model import Sample
from tigertag.net import HttpClient, RetryPolicy
from tigertag.services import scan_status, scans
from tigertag.store import engine_state

pytestmark = pytest.mark.slow


@dataclass
class Busy(ColourEngine):
    """Its service asks to be left alone for a minute, when it is `busy_at`."""

    http: HttpClient = field(default_factory=HttpClient)
    busy_at: str = ""
    waited: Event = field(default_factory=Event)

    def open(self) -> None:
        self._meet("open")
        super().open()

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        self._meet("tag")
        yield from super().tag(batch, run)

    def _meet(self, at: str) -> None:
        if at == self.busy_at:
            self.http.retry(self._refuse)

    def _refuse(self) -> None:
        self.waited.set()
        raise Unavailable("Too many requests.", retry_after_s=60)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("at", ["open", "tag"])
def test_a_pause_is_heard_while_an_engine_asks_to_wait(world: World, at: str, local: bool) -> None:
    engine = Busy(busy_at=at, local=local)
    world.engine, world.engines = engine, [engine]
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    worker = Thread(target=scans.run(world.core, scan_id).run)
    worker.start()
    assert engine.waited.wait(5)
    scans.pause(world.core, scan_id)
    since_s = time.monotonic()
    worker.join(30)
    assert time.monotonic() - since_s < 2
    status = scan_status.status(world.core, scan_id)
    assert (status.scan.state, status.failed) == ("paused", 0)
    assert world.circuits.waits(engine.id) is None
    with world.store.read() as db:
        assert not engine_state.stops(db)
    engine.busy_at = ""
    scans.resume(world.core, scan_id)
    status = world.run(scan_id)
    assert (status.scan.state, status.failed, world.tags("a.png")) == ("done", 0, {"red"})


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("at", ["open", "tag"])
def test_finishing_without_an_engine_ends_its_wait(world: World, at: str, local: bool) -> None:
    engine = Busy("busy", busy_at=at, local=local)
    world.engines.append(engine)
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    worker = Thread(target=scans.run(world.core, scan_id).run)
    worker.start()
    assert engine.waited.wait(5)
    scans.finish_without(world.core, scan_id, "busy")
    since_s = time.monotonic()
    worker.join(30)
    assert time.monotonic() - since_s < 2
    status = scan_status.status(world.core, scan_id)
    assert (status.scan.state, status.failed, world.tags("a.png")) == ("done", 0, {"red"})
    assert world.circuits.waits("busy") is None
    engine.busy_at = ""
    assert world.scan("apply").asked == 1


def test_finishing_without_an_engine_ends_what_its_threads_wait_for(world: World) -> None:
    world.picture("a.png", "red")
    with ImaggaServer() as server:
        given = {"api_key": KEY, "api_secret": SECRET, "api_url": server.url}
        http = HttpClient(RetryPolicy(longest_wait_s=90))
        engine = imagga.build("calls", imagga.Options.model_validate(given), Host(world.home, http))
        world.engines.append(engine)
        server.retry_after = "60"
        server.fail("tags", 503, times=99)
        scan_id = world.start("apply")
        worker = Thread(target=scans.run(world.core, scan_id).run)
        worker.start()
        while not server.asked("GET /v2/tags"):
            time.sleep(0.01)
        scans.finish_without(world.core, scan_id, "calls")
        since_s = time.monotonic()
        worker.join(30)
        assert time.monotonic() - since_s < 2
        assert scan_status.status(world.core, scan_id).scan.state == "done"
        engine.close()
        http.close()


@dataclass
class Slow(ColourEngine):
    """Answers when it is let go, or not at all once it is cancelled."""

    at_it: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        self.at_it.set()
        while not self.let_go.wait(0.05):
            if run.cancelled():
                return
        yield from super().tag(batch, run)


def test_finishing_without_an_engine_cuts_short_no_other(world: World) -> None:
    first, second = Slow("first"), Slow("second")
    world.engines = [first, second]
    for number in range(2):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    worker = Thread(target=scans.run(world.core, scan_id).run)
    worker.start()
    assert first.at_it.wait(5)
    scans.finish_without(world.core, scan_id, "second")
    time.sleep(1.2)
    first.let_go.set()
    worker.join(30)
    assert (len(first.asked), second.asked) == (2, [])
