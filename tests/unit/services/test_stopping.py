"""A scan that is paused while an engine is waited for: nobody is blamed, and it goes on later."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Outcome, RunContext
from tigertag.errors import Unavailable
from tigertag.model import Sample
from tigertag.net import Http
from tigertag.services import scans
from tigertag.store import stops

pytestmark = pytest.mark.slow


@dataclass
class Busy(ColourEngine):
    """Its service asks to be left alone for a minute, when it is `busy_at`."""

    http: Http = field(default_factory=Http)
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
            self.http.patiently(self._refuse)

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
    status = scans.status(world.core, scan_id)
    assert (status.scan.state, status.failed) == ("paused", 0)
    assert world.circuits.waits(engine.id) is None
    with world.store.read() as db:
        assert not stops.every(db)
    engine.busy_at = ""
    scans.resume(world.core, scan_id)
    status = world.run(scan_id)
    assert (status.scan.state, status.failed, world.tags("a.png")) == ("done", 0, {"red"})
