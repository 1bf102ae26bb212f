"""The list of doubtful decisions."""

from random import Random

from tests.world import World
from tigertag.model import Rule, RuleAction
from tigertag.services import review, rules
from tigertag.store import browse


def test_only_what_is_near_its_threshold_is_listed(world: World) -> None:
    world.picture("a.png", "red")
    world.engine.confidence = 0.9
    world.scan()
    assert review.doubtful(world.core) == ()
    rules.add(world.core, Rule(RuleAction.THRESHOLD, "red", value="0.95"))
    (doubt,) = review.doubtful(world.core)
    assert (doubt.card.item.key, doubt.name, doubt.engine) == ("a.png", "red", "colour")
    assert (doubt.confidence, doubt.threshold, doubt.is_tagged) == (0.9, 0.95, False)


def test_each_word_has_its_turn(world: World) -> None:
    for number, colour in enumerate(["red", "red", "red", "blue"]):
        world.picture(f"{number}.png", colour)
    world.engine.confidence = 0.55
    world.scan()
    assert {one.name for one in review.doubtful(world.core, limit=2)} == {"red", "blue"}
    assert len({one.card.id for one in review.doubtful(world.core)}) == 4


def test_of_a_large_library_no_more_is_drawn_than_wanted(world: World) -> None:
    for number in range(9):
        world.picture(f"{number}.png", "red")
    world.scan()
    with world.store.read() as db:
        drawn = browse.random_items(db, limit=3, random=Random(1))
    assert 0 < len(set(drawn)) == len(drawn) <= 3
