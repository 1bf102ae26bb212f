"""A place that was made private is written no more, whatever answers and previews there are."""

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Failed
from tigertag.model import Kind, Label

pytestmark = pytest.mark.slow


@pytest.fixture
def world(world: World) -> World:
    """A picture taken in Vienna."""
    world.picture("a.png", "red")
    world.engine = ColourEngine(extra=(Label("Vienna", 1.0, kind=Kind.PLACE),))
    world.engines = [world.engine]
    return world


def make_private(world: World) -> None:
    world.engines = [ColourEngine(fingerprint="private")]


def test_deciding_again_does_not_write_a_place_of_before(world: World) -> None:
    world.scan()
    make_private(world)
    world.scan("apply", "decide")
    assert world.tags("a.png") == {"red"}


def test_deciding_again_takes_off_a_place_of_before(world: World) -> None:
    world.scan("apply")
    assert "Vienna" in world.tags("a.png")
    make_private(world)
    world.scan("apply", "decide")
    assert world.tags("a.png") == {"red"}


def test_where_the_engine_fails_a_place_of_before_is_taken_off(world: World) -> None:
    world.scan("apply")
    make_private(world)
    (engine,) = world.engines
    assert isinstance(engine, ColourEngine)
    engine.fails["red"] = Failed("", "unreadable", retryable=False)
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_a_preview_of_before_does_not_write_the_place(world: World) -> None:
    preview = world.scan().scan.id
    make_private(world)
    world.apply(preview)
    assert world.tags("a.png") == {"red"}


def test_a_place_that_is_public_again_is_written_after_all(world: World) -> None:
    public, preview = world.engines, world.scan().scan.id
    make_private(world)
    world.apply(preview)
    world.engines = public
    world.scan("apply")
    assert world.tags("a.png") == {"red", "Vienna"}


def test_a_preview_writes_the_places_that_it_has_shown(world: World) -> None:
    world.apply(world.scan().scan.id)
    assert world.tags("a.png") == {"red", "Vienna"}


def test_an_engine_that_is_gone_adds_no_place_to_those_that_are_there(world: World) -> None:
    world.scan()
    world.engines = []
    world.scan("apply", "decide")
    assert world.tags("a.png") == {"red"}


def test_a_place_stays_where_its_engine_is_gone(world: World) -> None:
    world.scan("apply")
    world.engines = []
    world.scan("apply", "decide")
    assert world.tags("a.png") == {"red", "Vienna"}
