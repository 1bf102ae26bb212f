"""An engine that is down: the others go on, its work waits and is taken up again by itself."""

from datetime import UTC, datetime, timedelta

import time_machine

from tests.colours import ColourEngine
from tests.unit.scan.test_batching import until_done
from tests.world import World
from tigertag.breakers import CircuitBreakers
from tigertag.errors import Unavailable
from tigertag.model import Label
from tigertag.services import engines

LATE = Label("late", 0.9)


def test_the_others_go_on_and_their_tags_are_written(world: World) -> None:
    world.engines.append(ColourEngine("down", raises={"red": Unavailable("down")}))
    world.picture("a.png", "red")
    status = world.run(world.start("apply"))
    assert (status.scan.state, world.tags("a.png")) == ("waiting", {"red"})
    assert status.waits["down"] == "1 item waiting: down"


def test_its_work_is_taken_up_again_by_itself(world: World) -> None:
    down = ColourEngine("down", raises={"red": Unavailable("down")})
    down.extra = (LATE,)
    world.engines.append(down)
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    world.run(scan_id)
    down.raises = {}
    status = until_done(world, scan_id)
    assert (world.tags("a.png"), status.adds, world.engine.asked) == ({"red", "late"}, 2, ["red"])


def test_an_item_that_was_answered_late_is_settled(world: World) -> None:
    down = ColourEngine("down", raises={"red": Unavailable("down")})
    world.engines.append(down)
    world.picture("a.png", "red")
    scan_id = world.start("apply")
    world.run(scan_id)
    down.raises = {}
    until_done(world, scan_id)
    assert world.scan("apply").scan.unchanged == 1


def test_a_preview_that_was_answered_late_shows_both(world: World) -> None:
    down = ColourEngine("down", raises={"red": Unavailable("down")}, extra=(LATE,))
    world.engines.append(down)
    world.picture("a.png", "red")
    scan_id = world.start()
    assert world.run(scan_id).adds == 1
    down.raises = {}
    assert until_done(world, scan_id).adds == 2


def test_an_engine_that_is_down_is_not_asked_for_each_chunk(world: World) -> None:
    world.engine.raises = {"open": Unavailable("down")}
    for number in range(60):
        world.picture(f"{number}.png", "red")
    world.run(world.start())
    assert world.engine.opened <= 2


def test_a_scan_that_waits_can_be_resumed_by_another_process(world: World) -> None:
    world.engine.raises = {"red": Unavailable("down", retry_after_s=1000)}
    world.picture("a.png", "red")
    scan_id = world.start()
    waiting = world.run(scan_id)
    assert waiting.due_at is not None
    assert waiting.due_at > datetime.now(UTC) + timedelta(seconds=900)


def test_it_is_shown_as_stopped_until_it_answers(world: World) -> None:
    world.engine.raises = {"red": Unavailable("down")}
    world.picture("a.png", "red")
    scan_id = world.start()
    world.run(scan_id)
    (view,) = engines.listed(world.core)
    assert (view.status, view.reason, view.until is not None) == ("stopped", "down", True)
    world.engine.raises = {}
    until_done(world, scan_id)
    (view,) = engines.listed(world.core)
    assert view.status == "ready"


def test_it_is_left_alone_longer_each_time() -> None:
    circuits = CircuitBreakers(first_s=10, longest_s=100)
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        now = datetime.now(UTC)
        waits = [(circuits.fail("x", "down") - now).total_seconds() for _ in range(6)]
    bounds = [10, 20, 40, 80, 100, 100]
    assert all(bound / 2 <= one <= bound for one, bound in zip(waits, bounds, strict=True))


def test_the_time_that_the_service_asks_for_is_kept() -> None:
    circuits = CircuitBreakers(first_s=1)
    until = circuits.fail("x", "down", retry_after_s=500)
    assert until > datetime.now(UTC) + timedelta(seconds=490)


def test_one_of_many_tries_when_the_time_has_come() -> None:
    circuits = CircuitBreakers(first_s=10)
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        circuits.fail("x", "down")
        assert circuits.waits("x") is not None
        clock.shift(20)
        assert [circuits.waits("x") is None for _ in range(3)] == [True, False, False]


def test_an_answer_closes_the_circuit() -> None:
    circuits = CircuitBreakers(first_s=1000)
    circuits.fail("x", "down")
    assert circuits.close("x")
    assert circuits.waits("x") is None
