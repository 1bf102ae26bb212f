"""Several workers on one scan, on both databases."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from time import sleep

import pytest

from tests.batched import BatchedEngine
from tests.colours import ColourEngine
from tests.unit.scan.test_batching import until_done
from tests.world import World
from tigertag.contracts import Outcome, RunContext
from tigertag.errors import Throttled, Unavailable
from tigertag.model import Label, Sample
from tigertag.scan import decide
from tigertag.services import previews, scan_status, scans, spending
from tigertag.services.accounts import Accounts
from tigertag.store import schema
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow


def test_workers_that_share_a_scan_ask_nothing_twice(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    for number in range(60):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    runners = [Thread(target=scans.run(world.core, scan_id).run) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    status = scan_status.status(world.core, scan_id)
    assert (status.scan.state, status.done, len(world.engine.asked)) == ("done", 60, 60)
    assert {name for number in range(60) for name in world.tags(f"{number}.png")} == {"red"}
    world.close()


class StalledEngine(ColourEngine):
    """A paid one, whose process stalls before its first call: another takes the chunk over."""

    def __init__(self, world: World) -> None:
        super().__init__(local=False, units=1)
        self.world = world
        self.has_stalled = False

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        if not self.has_stalled:
            self.has_stalled = True
            with self.world.store.write() as db:
                taken = {"token": schema.chunks.c.token + 1, "state": "queued", "lease_until": 0}
                held = schema.chunks.c.state == "leased"
                db.execute(schema.chunks.update().where(held).values(taken))
        yield from super().tag(batch, run)


def test_who_has_lost_a_chunk_while_it_stalled_pays_for_nothing_of_it(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    engine = StalledEngine(world)
    world.engines = [engine]
    for number in range(3):
        world.picture(f"{number}.png", "red")
    assert world.scan().scan.state == "done"
    assert len(engine.asked) == spending.months(world.core)["colour"].units == 3
    world.close()


def test_workers_that_take_chunks_from_each_other_never_lock_each_other_out(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Leases run out again and again here, which no worker has died of.
    monkeypatch.setattr(decide, "_MOST_ATTEMPTS", 10_000)
    world = World(tmp_path, postgres_url)
    for number in range(150):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(scans.run(world.core, scan_id).run) for _ in range(6)]
        # Not leases too short to be kept: on a machine that is slow enough those would never end.
        for _ in range(40):
            sleep(0.03)
            world.let_leases_run_out()
        for work in working:
            work.result()
    status = scan_status.status(world.core, scan_id)
    assert (status.scan.state, status.done) == ("done", 150)
    world.close()


def test_what_was_applied_can_be_undone_and_redone(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    world.picture("a.png", "red")
    undone = world.undo(world.scan("apply").scan.id)
    assert world.tags("a.png") == set()
    world.undo(undone.scan.id)
    assert world.tags("a.png") == {"red"}
    world.close()


def test_a_word_of_odd_letters_is_struck_on_both_databases(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    word = 'say "50 %" \\_'
    world.engine.extra = (Label(word, 0.9),)
    for name in ("a.png", "b.png"):
        world.picture(name, "red")
    scan = world.scan().scan.id
    first = previews.changes(world.core, scan).items[0].card.id
    struck = previews.block(world.core, scan, first, word, where="everywhere")
    assert struck.items == 2
    left = {add.name for one in previews.changes(world.core, scan).items for add in one.adds}
    assert left == {"red"}
    world.close()


def test_guesses_at_once_are_counted_one_after_the_other(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    mine = Accounts(world.core, password="correct horse")

    def guess(_number: int) -> bool:
        try:
            return mine.check_password("wrong", "10.0.0.1")
        except Throttled:
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(24))) == 24 - 5
    world.close()


def test_a_batch_and_a_cascade_come_to_their_end_on_both_databases(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    slow, dear = BatchedEngine(), ColourEngine("dear", local=False, units=1)
    world.engines = [slow, dear]
    world.terms["dear"] = {"only_uncertain": True, "order": 200, "limits": Limits(units=1)}
    for number, colour in enumerate(("red", "green", "blue")):
        world.picture(f"{number}.png", colour)
    slow.answered = {"red"}
    status = until_done(world, world.start("apply"))
    assert (status.scan.state, status.spared["dear"].items) == ("done", 1)
    months = spending.months(world.core)
    assert (months["slow"].units, months["dear"].units) == (1, 0)
    assert world.tags("0.png") == {"red"}
    world.close()


def test_work_that_waits_is_woken_on_both_databases(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    down = ColourEngine("down", raises={"red": Unavailable("down")})
    world.engines.append(down)
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    assert world.run(scan_id).scan.state == "waiting"
    down.raises = {}
    assert until_done(world, scan_id).done == 1
    world.close()
