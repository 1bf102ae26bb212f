"""An engine that is asked only where those before it found nothing sure enough."""

import pytest

from tests.batched import BatchedEngine
from tests.colours import ColourEngine
from tests.unit.scan.test_batching import until_done
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import AuthFailed, Unavailable
from tigertag.model import Kind, Label, Rule, RuleAction
from tigertag.services import rules

pytestmark = pytest.mark.slow


@pytest.fixture
def dear(world: World) -> ColourEngine:
    """An engine that is asked last, and only about doubtful items."""
    engine = ColourEngine("dear", local=False, units=1, cost_usd=0.02)
    world.engines.append(engine)
    world.terms["dear"] = {"only_uncertain": True, "order": 200}
    world.picture("a.png", "red")
    return engine


def test_it_is_spared_what_is_sure_and_the_saving_is_told(world: World, dear: ColourEngine) -> None:
    status = world.scan("apply")
    assert (dear.asked, status.spared["dear"].items) == ([], 1)
    assert status.spared["dear"].cost_usd == pytest.approx(0.02)


def test_it_is_asked_about_what_is_not_sure(world: World, dear: ColourEngine) -> None:
    world.engine.confidence = 0.2
    status = world.scan("apply")
    assert (dear.asked, status.spared, world.tags("a.png")) == (["red"], {}, {"red"})


def test_what_it_was_spared_is_settled(world: World, dear: ColourEngine) -> None:
    world.scan("apply")
    assert world.scan("apply").scan.unchanged == 1


def test_a_new_rule_that_makes_an_item_doubtful_lets_it_be_asked(
    world: World, dear: ColourEngine
) -> None:
    world.scan("apply")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply")
    assert (dear.asked, world.engine.asked) == (["red"], ["red"])


def test_a_known_face_says_nothing_of_the_rest(world: World, dear: ColourEngine) -> None:
    world.engine.confidence = 0.2
    world.engine.extra = (Label("Ada", 0.99, kind=Kind.FACE),)
    world.scan("apply")
    assert dear.asked == ["red"]


@pytest.mark.parametrize("kind", [Kind.PLACE, Kind.FACT])
def test_where_it_was_taken_says_nothing_of_the_rest(
    world: World, dear: ColourEngine, kind: Kind
) -> None:
    world.engine.confidence = 0.2
    world.engine.extra = (Label("Vienna", 1.0, kind=kind),)
    world.scan("apply")
    assert dear.asked == ["red"]


def test_it_waits_with_an_engine_that_is_down(world: World, dear: ColourEngine) -> None:
    world.engine.raises = {"red": Unavailable("down")}
    scan_id = world.start("apply")
    assert (world.run(scan_id).scan.state, dear.asked) == ("waiting", [])
    world.engine.raises = {}
    status = until_done(world, scan_id)
    assert (dear.asked, status.spared["dear"].items) == ([], 1)


def test_it_is_not_asked_in_place_of_an_engine_that_cannot_be_used(
    world: World, dear: ColourEngine
) -> None:
    world.engine.raises = {"red": AuthFailed("refused")}
    status = world.scan("apply")
    assert (dear.asked, set(status.waiting)) == ([], {"colour", "dear"})


def test_it_is_asked_about_what_an_earlier_engine_refused_for_good(
    world: World, dear: ColourEngine
) -> None:
    world.engine.fails = {"red": Failed("", "no", retryable=False)}
    world.scan("apply")
    assert dear.asked == ["red"]


def test_pictures_are_fetched_once_for_both_engines(
    world: World, dear: ColourEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    fetch = type(world.library).fetch

    def noting(library: object, item: object, need: object) -> object:
        fetched.append("x")
        return fetch(library, item, need)  # type: ignore[arg-type]

    monkeypatch.setattr(type(world.library), "fetch", noting)
    world.engine.confidence = 0.2
    # One beyond this machine that is not open yet is asked apart, for it may hang.
    dear.local = True
    world.scan("apply")
    assert (len(fetched), dear.asked) == (1, ["red"])


def test_it_waits_for_a_batch_of_an_engine_before_it(world: World, dear: ColourEngine) -> None:
    world.engines = [BatchedEngine(), dear]
    status = until_done(world, world.start("apply"))
    assert (dear.asked, status.spared["dear"].items, world.tags("a.png")) == ([], 1, {"red"})
