"""Tags for pictures outside any library."""

from threading import enumerate as running_threads

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.errors import Unavailable
from tigertag.model import Rule, RuleAction
from tigertag.services import tagging


def test_an_engine_that_cannot_be_opened_ends_it_at_once(world: World) -> None:
    world.engine.raises = {"open": Unavailable("down")}
    pictures = tagging.pictures(world.core, [world.picture("a.png", "red")])
    with pytest.raises(Unavailable, match="down"):
        list(tagging.tag(world.core, tagging.local_engines(world.core, ()), pictures))


def test_one_engine_that_cannot_be_opened_leaves_the_others_at_work(world: World) -> None:
    broken = ColourEngine("broken")
    broken.raises = {"open": Unavailable("down")}
    world.engines.append(broken)
    pictures = tagging.pictures(world.core, [world.picture("a.png", "red")])
    (result,) = tagging.tag(world.core, tagging.local_engines(world.core, ()), pictures)
    assert [tag.name for tag in result.tags] == ["red"]
    assert result.errors == ("broken: down",)


def test_a_reader_that_leaves_early_leaves_no_thread_behind(world: World) -> None:
    for number in range(600):
        world.picture(f"{number}.png", "red", side_px=1)
    pictures = tagging.pictures(world.core, [world.photos])
    before = set(running_threads())
    results = tagging.tag(world.core, tagging.local_engines(world.core, ()), pictures)
    next(results)
    results.close()
    left = set(running_threads()) - before
    assert not [one.name for one in left if one.name.startswith("tigertag")]


def test_an_engine_that_stops_midway_is_an_error_of_what_it_left(world: World) -> None:
    world.engine.raises = {"red": Unavailable("down")}
    pictures = tagging.pictures(world.core, [world.picture("a.png", "red")])
    (result,) = tagging.tag(world.core, tagging.local_engines(world.core, ()), pictures)
    assert (result.tags, result.errors) == ((), ("colour: down",))


def test_only_engines_that_keep_pictures_at_home_are_asked_unless_named(world: World) -> None:
    world.engines.append(ColourEngine("cloud", local=False))
    unnamed, named = (tagging.local_engines(world.core, names) for names in ((), ("cloud",)))
    assert [[one.id for one in entries] for entries in (unnamed, named)] == [["colour"], ["cloud"]]


def test_the_default_rules_hold(world: World) -> None:
    world.rules = (Rule(RuleAction.DENY, "red"),)
    pictures = tagging.pictures(world.core, [world.picture("a.png", "red")])
    (result,) = tagging.tag(world.core, tagging.local_engines(world.core, ()), pictures)
    assert result.tags == ()
