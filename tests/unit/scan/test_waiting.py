"""A scan that waits lets go of its section; what it waits for is asked once, by one scan."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.batched import BatchedEngine
from tests.colours import ColourEngine
from tests.unit.scan.test_batching import until_done
from tests.world import World
from tigertag.contracts import Progress
from tigertag.errors import Conflict, Unavailable
from tigertag.model import Label, Rule, RuleAction
from tigertag.scan.worker import ScanWorker
from tigertag.services import rules, scan_status, scans
from tigertag.services.scans import Request
from tigertag.store import scans as rows
from tigertag.store import schema

LATE = Label("late", 0.9)
LONG_S = 16 * 86_400.0


@pytest.fixture
def down(world: World) -> ColourEngine:
    engine = ColourEngine("down", raises={"red": Unavailable("busy", retry_after_s=LONG_S)})
    engine.extra = (LATE,)
    world.engines.append(engine)
    world.picture("a.png", "red")
    return engine


def state(world: World, scan_id: int) -> str:
    return scan_status.status(world.core, scan_id).scan.state


def put_state(world: World, scan_id: int, to: str) -> None:
    with world.store.write() as db:
        db.execute(schema.scans.update().where(schema.scans.c.id == scan_id).values(state=to))


def test_the_section_is_free(world: World, down: ColourEngine) -> None:
    first = world.scan("apply")
    assert first.scan.state == "waiting"
    world.picture("b.png", "blue")
    assert world.scan_with("colour").scan.state == "done"
    assert world.tags("b.png") == {"blue"}
    assert world.scan("preview", "decide").scan.state == "done"
    forecast = scans.start(world.core, Request("photos", None, "forecast"))
    assert world.run(forecast).scan.state == "done"


def test_a_long_time_is_told_with_its_date(world: World, down: ColourEngine) -> None:
    status = world.scan()
    until = (datetime.now(UTC) + timedelta(seconds=LONG_S)).astimezone(world.core.timezone)
    assert f"until {until:%-d %B %Y}" in status.waits["down"]
    assert status.due_at is not None
    assert status.due_at > datetime.now(UTC) + timedelta(days=15)


def test_a_long_time_holds_for_other_processes_until_somebody_resumes(
    world: World, down: ColourEngine
) -> None:
    world.scan()
    tried = len(down.asked)
    world.forget_circuits()
    second = world.scan()
    assert (second.scan.state, len(down.asked)) == ("waiting", tried)
    down.raises = {}
    scans.resume(world.core, second.scan.id)
    assert (world.run(second.scan.id).scan.state, down.asked[tried:]) == ("done", ["red"])


def test_a_resumed_scan_asks_at_once_in_the_same_process(world: World, down: ColourEngine) -> None:
    first = world.scan("apply")
    down.raises = {}
    scans.resume(world.core, first.scan.id)
    assert world.run(first.scan.id).scan.state == "done"
    assert world.tags("a.png") == {"red", "late"}


def test_a_wait_for_an_engine_is_no_death_over_the_item(world: World, down: ColourEngine) -> None:
    """After deaths items are asked one by one, and each is counted that the process died over."""
    scan_id = world.scan("apply").scan.id
    for _ in range(3):
        with world.store.write() as db:
            db.execute(schema.chunks.update().values(attempts=5))
        scans.resume(world.core, scan_id)
        assert world.run(scan_id).scan.state == "waiting"
    with world.store.read() as db:
        attempts = db.execute(select(schema.work.c.engine, schema.work.c.attempts)).all()
    assert [tuple(one) for one in attempts if one.engine == "down"] == [("down", 0)]


def test_a_scan_like_it_takes_over_and_nothing_is_asked_twice(
    world: World, down: ColourEngine
) -> None:
    first = world.scan("apply")
    down.raises = {}
    scans.resume(world.core, first.scan.id)
    second = world.scan("apply")
    asked = list(down.asked)
    assert (second.scan.state, world.tags("a.png")) == ("done", {"red", "late"})
    assert world.run(first.scan.id).scan.state == "done"
    assert down.asked == asked


def test_a_preview_leaves_to_a_scan_that_writes_what_that_waits_for(
    world: World, down: ColourEngine
) -> None:
    first = world.scan("apply")
    before = len(down.asked)
    down.raises = {}
    world.forget_circuits()
    assert world.scan("preview").scan.state == "done"
    assert len(down.asked) == before
    scans.resume(world.core, first.scan.id)
    assert world.run(first.scan.id).scan.state == "done"
    assert world.tags("a.png") == {"red", "late"}


def test_what_is_in_a_batch_is_asked_by_no_other_scan(world: World) -> None:
    slow = BatchedEngine(states=[Progress("running", 0, 1)])
    world.engines, world.poll_s = [slow], 5.0
    world.picture("a.png", "red")
    first = world.scan("apply").scan.id
    world.make_due(first)
    assert world.run(first).scan.state == "waiting"
    for mode in ("changed", "force"):
        assert world.scan("apply", mode).scan.state == "done"
    slow.sent[0].state = Progress("ended")
    assert until_done(world, first).scan.state == "done"
    assert (len(slow.sent), world.tags("a.png")) == (1, {"red"})


def test_it_wakes_with_the_newest_rules(world: World, down: ColourEngine) -> None:
    first = world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply", "decide")
    assert world.tags("a.png") == set()
    down.raises = {}
    scans.resume(world.core, first.scan.id)
    world.run(first.scan.id)
    assert world.tags("a.png") == {"late"}


def test_the_next_scan_shows_what_an_older_one_decided_late(
    world: World, down: ColourEngine
) -> None:
    first = world.scan("apply")
    world.scan("preview", "decide")
    down.raises = {}
    scans.resume(world.core, first.scan.id)
    world.run(first.scan.id)
    third = world.scan()
    assert (third.scan.unchanged, third.done, third.adds, third.asked) == (0, 1, 0, 0)


def test_it_does_not_go_on_while_another_has_the_section(world: World, down: ColourEngine) -> None:
    first = world.scan().scan.id
    other = world.start(mode="decide")
    with pytest.raises(Conflict):
        world.run(first)
    scans.resume(world.core, first)
    assert state(world, first) == "waiting"
    world.run(other)
    assert world.run(first).scan.state == "waiting"


def test_a_process_that_dies_before_it_lets_go_holds_nothing(
    world: World, down: ColourEngine
) -> None:
    first = world.scan("apply").scan.id
    put_state(world, first, "running")
    assert world.scan_with("colour").scan.state == "done"
    assert state(world, first) == "waiting"


def test_two_that_wait_go_on_one_after_the_other(world: World, down: ColourEngine) -> None:
    first = world.scan("apply").scan.id
    world.picture("b.png", "red")
    second = world.scan("preview").scan.id
    assert (state(world, first), state(world, second)) == ("waiting", "waiting")
    put_state(world, second, "running")
    down.raises = {}
    for one in (first, second):
        scans.resume(world.core, one)
        world.run(one)
    assert (state(world, first), state(world, second)) == ("done", "done")
    assert sorted(world.tags("a.png")) == ["late", "red"]


def test_the_service_takes_it_up_when_it_is_due(world: World, down: ColourEngine) -> None:
    first = world.scan("apply").scan.id
    workshop = ScanWorker(world.core)
    assert workshop._waiting() is None
    other = world.start(mode="decide")
    scans.resume(world.core, first)
    assert workshop._waiting() == other
    world.run(other)
    assert workshop._waiting() == first


def test_it_can_be_paused_resumed_and_cancelled(world: World, down: ColourEngine) -> None:
    first = world.scan().scan.id
    scans.pause(world.core, first)
    assert state(world, first) == "paused"
    scans.resume(world.core, first)
    assert world.run(first).scan.state == "waiting"
    scans.cancel(world.core, first)
    assert state(world, first) == "cancelled"


def test_what_it_shows_so_far_can_be_applied(world: World, down: ColourEngine) -> None:
    first = world.scan().scan.id
    assert world.apply(first).scan.state == "done"
    assert (world.tags("a.png"), state(world, first)) == ({"red"}, "waiting")


def test_one_that_writes_is_not_undone_while_it_waits(world: World, down: ColourEngine) -> None:
    first = world.scan("apply").scan.id
    with pytest.raises(Conflict):
        scans.undo(world.core, first)
    scans.cancel(world.core, first)
    world.undo(first)
    assert world.tags("a.png") == set()


def test_the_same_request_begins_anew_unless_it_is_due(world: World, down: ColourEngine) -> None:
    first = world.scan().scan.id
    assert scans.unfinished(world.core, Request("photos")) is None
    scans.resume(world.core, first)
    assert scans.unfinished(world.core, Request("photos")) == first


def test_one_that_holds_its_section_and_is_due_in_a_moment_is_gone_on_with(
    world: World, down: ColourEngine
) -> None:
    first = world.scan().scan.id
    put_state(world, first, "running")
    with world.store.write() as db:
        soon = schema.chunks.c.scan_id == first
        db.execute(schema.chunks.update().where(soon).values(due_at=time.time() + 0.8))
    assert scans.unfinished(world.core, Request("photos")) == first


@pytest.mark.slow
def test_one_of_two_gets_the_section_on_both_databases(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    world.engine.raises = {"red": Unavailable("busy", retry_after_s=LONG_S)}
    world.picture("a.png", "red")
    first = world.scan().scan.id
    assert state(world, first) == "waiting"
    second = world.start()
    with pytest.raises(Conflict), world.store.write() as db:
        rows.move(db, first, to="running", among=("waiting",))
    assert world.run(second).scan.state == "waiting"
    assert world.run(first).scan.state == "done"
    world.close()
