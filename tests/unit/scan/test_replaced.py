"""What was said of another picture is never written to this one."""

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import scans
from tigertag.services.scans import Request

FAILS = Failed("", "cannot be looked at", retryable=True)


def replace_by_blue(world: World) -> None:
    """Put another picture in the place of a.png, which the engine cannot look at."""
    world.picture("a.png", "blue", side_px=24)
    world.engine.fails["blue"] = FAILS


def test_tags_of_the_picture_before_are_not_shown_nor_written(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    replace_by_blue(world)
    preview = world.scan()
    assert (preview.failed, preview.adds) == (1, 0)
    world.apply(preview.scan.id)
    assert world.tags("a.png") == set()


def test_a_scan_that_writes_adds_nothing_of_the_picture_before(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    replace_by_blue(world)
    assert world.scan("apply").adds == 0
    assert world.tags("a.png") == set()


def test_deciding_again_adds_nothing_of_the_picture_before(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    replace_by_blue(world)
    world.scan()
    assert world.scan("apply", mode="decide").adds == 0
    assert world.tags("a.png") == set()


def test_a_tag_that_is_there_stays_while_nobody_can_look_at_the_new_picture(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    replace_by_blue(world)
    world.scan("apply")
    assert world.tags("a.png") == {"red"}
    world.engine.fails.clear()
    world.scan("apply")
    assert world.tags("a.png") == {"blue"}


def test_a_redo_adds_nothing_to_a_picture_that_was_replaced(world: World) -> None:
    world.picture("a.png", "red")
    written = world.scan("apply").scan.id
    undone = world.undo(written).scan.id
    world.picture("a.png", "blue", side_px=24)
    assert world.undo(undone).failed == 1
    assert world.tags("a.png") == set()


def test_an_engine_that_was_sure_of_the_picture_before_spares_nobody_this_one(
    world: World,
) -> None:
    second = ColourEngine(id="second")
    world.engines.append(second)
    world.terms["second"] = {"only_uncertain": True}
    world.picture("a.png", "red")
    world.scan()
    assert second.asked == []
    world.picture("a.png", "blue", side_px=24)
    world.engine.fails["blue"] = Failed("", "cannot be looked at", retryable=False)
    world.run(scans.start(world.core, Request("photos", None)))
    assert second.asked == ["blue"]
