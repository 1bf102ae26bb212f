"""A sample looks at some known photos of a section, and says nothing of the others."""

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.errors import Conflict, RequestError
from tigertag.scan import listing
from tigertag.services import previews, scans
from tigertag.services.scan_status import Status
from tigertag.services.scans import Request
from tigertag.store import items

PICTURES = [f"{number:02}.png" for number in range(10)]


@pytest.fixture(autouse=True)
def ten_pictures(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SAMPLE", 4)
    for name in PICTURES:
        world.picture(name, "red")


def sample(world: World, *engines: str) -> Status:
    return world.run(scans.start(world.core, Request("photos", None, "sample", engines=engines)))


def add_engine(world: World, id: str) -> ColourEngine:
    engine = ColourEngine(id=id)
    world.engines = [*world.engines, engine]
    return engine


def test_items_that_are_not_in_it_are_neither_gone_nor_settled(world: World) -> None:
    world.scan("apply")
    add_engine(world, "other")
    status = sample(world)
    assert (status.scan.state, status.scan.listed, status.scan.missing) == ("done", 4, 0)
    after = world.scan()
    assert (after.scan.listed, after.scan.unchanged, after.done) == (10, 4, 6)


def test_it_is_spread_over_the_section(world: World) -> None:
    world.scan()
    page = previews.changes(world.core, sample(world).scan.id)
    keys = [change.card.item.key for change in page.items]
    assert keys == ["00.png", "02.png", "05.png", "07.png"]


def test_stored_answers_serve_and_only_what_is_named_is_asked(world: World) -> None:
    world.scan()
    other, third = add_engine(world, "other"), add_engine(world, "third")
    before = len(world.engine.asked)
    sample(world, "other")
    assert len(world.engine.asked) == before
    assert (len(other.asked), len(third.asked)) == (4, 0)


def test_a_later_scan_of_what_is_new_still_finds_what_the_sample_has_not_listed(
    world: World,
) -> None:
    world.scan("apply")
    world.picture("new.png", "blue")
    sample(world)
    assert world.scan(mode="new").adds > 0


def test_a_section_that_nobody_has_listed_has_no_sample(world: World) -> None:
    with pytest.raises(Conflict, match="No photo of photos/photos is known yet"):
        sample(world)


def test_a_sample_asks_no_engine_that_costs(world: World) -> None:
    world.scan()
    paid = add_engine(world, "cloud")
    paid.units = 1
    sample(world)
    assert paid.asked == []
    with pytest.raises(RequestError, match="cloud costs money or quota"):
        sample(world, "cloud")


def test_a_sample_does_not_write_at_once(world: World) -> None:
    world.scan()
    with pytest.raises(RequestError, match="A sample is a preview"):
        scans.start(world.core, Request("photos", None, "sample", "apply"))


def test_a_sample_cannot_accept_that_items_are_gone(world: World) -> None:
    world.scan()
    with pytest.raises(RequestError, match="cannot find that items are gone"):
        scans.start(world.core, Request("photos", None, "sample", accept_missing=True))


def test_to_start_a_sample_no_item_is_loaded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.scan()
    monkeypatch.setattr(items, "spread", None)
    scans.start(world.core, Request("photos", None, "sample"))


def test_a_sample_is_applied_to_its_photos_alone(world: World) -> None:
    world.scan()
    assert world.apply(sample(world).scan.id).changed == 4
    assert world.tags("00.png")
    assert not world.tags("01.png")
