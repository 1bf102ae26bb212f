"""A chunk that is taken over from a worker which has paid for answers, and cannot commit them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.cluster import Cluster
from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Outcome, RunContext
from tigertag.core import Core
from tigertag.model import Label, Sample
from tigertag.scan import calls
from tigertag.scan.cluster_worker import ClusterWorker
from tigertag.services import previews, scan_status, spending
from tigertag.store import chunks, database, decisions, schema


@dataclass
class CutOffEngine(ColourEngine):
    """A paid one. `meanwhile` happens once, when an answer was paid for and is not committed."""

    id: str = "paid"
    local: bool = False
    units: int = 1
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for outcome in super().tag(batch, run):
            while self.meanwhile:
                self.meanwhile.pop()()
            yield outcome


@pytest.fixture
def engine(world: World) -> CutOffEngine:
    made = CutOffEngine()
    world.engines = [ColourEngine(), made]
    return made


def units(world: World) -> int:
    return spending.months(world.core)["paid"].units


def done(world: World, scan_id: int) -> int:
    return scan_status.status(world.core, scan_id).done


class Partition:
    """Of two workers the first is cut off, with an answer in hand that it has paid for."""

    def __init__(self, cluster: Cluster, engine: CutOffEngine, photos: int) -> None:
        self.world = cluster.world
        cluster.photos(photos)
        self.scan_id = self.world.start()
        cluster.dispatcher.look()
        self.world.run_listing(self.scan_id)
        self.first, self.second = cluster.worker("first"), cluster.worker("second")
        for worker in (self.first, self.second):
            worker.look()
        cluster.dispatcher.look()
        (self.message,) = cluster.messages(self.scan_id, "paid")
        self.asked_by_second = 0
        engine.meanwhile.append(lambda: self._take_over(engine))

    def _take_over(self, engine: CutOffEngine) -> None:
        before = len(engine.asked)
        self.world.let_leases_run_out()
        self.second.work_on(*self.message)
        self.asked_by_second = len(engine.asked) - before

    def go_on(self, worker: ClusterWorker) -> None:
        self.world.make_due(self.scan_id)
        worker.work_on(*self.message)


def test_a_paid_answer_is_kept_by_a_worker_that_has_lost_its_chunk_and_not_asked_for_again(
    engine: CutOffEngine, cluster: Cluster
) -> None:
    partition = Partition(cluster, engine, photos=1)
    partition.first.work_on(*partition.message)
    partition.go_on(partition.second)
    world, scan_id = cluster.world, partition.scan_id
    assert (len(engine.asked), units(world), done(world, scan_id)) == (1, 1, 1)


def test_the_other_items_of_a_chunk_that_was_taken_over_are_asked_about_at_once(
    engine: CutOffEngine, cluster: Cluster
) -> None:
    partition = Partition(cluster, engine, photos=3)
    partition.first.work_on(*partition.message)
    assert partition.asked_by_second == 2


def test_what_was_decided_without_an_answer_in_hand_is_decided_again_with_it(
    engine: CutOffEngine, cluster: Cluster
) -> None:
    engine.extra = (Label("paid for", 0.9),)
    partition = Partition(cluster, engine, photos=1)
    partition.first.work_on(*partition.message)
    partition.go_on(partition.second)
    (item,) = previews.changes(cluster.world.core, partition.scan_id).items
    assert {add.name for add in item.adds} == {"red", "paid for"}


def die_in_a_paid_call(core: Core, scan_id: int) -> None:
    """Let a worker die while it waits for an answer, and its lease run out."""
    with core.store.write() as db:
        chunk = chunks.lease(db, scan_id, owner="dead", lease_s=60.0)
        assert chunk is not None
        item_id = decisions.to_ask(db, chunk.id)[0].item_id
    ledger = calls.of_items(core, core.engine("paid"), chunk)
    ledger.reserve(str(item_id), host="colours.test", size_bytes=100, units=1)
    with core.store.write() as db:
        db.execute(schema.chunks.update().values(lease_until=0.0))


def test_what_a_dead_worker_may_have_paid_for_is_asked_about_again_after_a_while(
    engine: CutOffEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = Partition(cluster, engine, photos=1)
    engine.meanwhile.clear()
    die_in_a_paid_call(cluster.core(), partition.scan_id)
    partition.go_on(partition.second)
    assert engine.asked == []
    monkeypatch.setattr(database, "PAID_S", 0.0)
    partition.go_on(partition.second)
    assert (len(engine.asked), done(cluster.world, partition.scan_id)) == (1, 1)


def test_after_a_crash_on_one_machine_nobody_waits(world: World, engine: CutOffEngine) -> None:
    world.picture("a.png", "red")
    scan_id = world.start()
    world.run_listing(scan_id)
    die_in_a_paid_call(world.core, scan_id)
    world.run(scan_id)
    assert engine.asked == ["red"]
