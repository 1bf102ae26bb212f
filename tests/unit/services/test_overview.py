"""The daily overview: what counts, for which days, and what it says was saved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import RequestError
from tigertag.scan import calls
from tigertag.services import overview
from tigertag.services.overview import Overview
from tigertag.store import schema

GREEN = "The picture is too green."


def seen(world: World, days: int = 1) -> Overview:
    world.core.cache.forget("overview")
    return overview.overview(world.core, days)


def fail(world: World) -> None:
    world.engine.fails["green"] = Failed("", GREEN, retryable=False)


def test_nothing_has_happened_yet(world: World) -> None:
    shown = seen(world)
    assert (shown.items, shown.added, shown.failed, shown.cost_usd) == (0, 0, 0, 0.0)


def test_other_days_than_those_are_refused(world: World) -> None:
    with pytest.raises(RequestError):
        overview.overview(world.core, 2)


def test_it_counts_items_and_tags_written(world: World) -> None:
    for number in range(3):
        world.picture(f"{number}.png", "red")
    world.scan()
    preview = seen(world)
    world.scan("apply")
    applied = seen(world)
    assert (preview.items, preview.added, applied.added) == (3, 0, 3)
    assert preview.items_per_s > 0


def test_an_undo_takes_tags_back(world: World) -> None:
    world.picture("a.png", "red")
    world.undo(world.scan("apply").scan.id)
    assert (seen(world).added, seen(world).removed, seen(world).items) == (1, 1, 1)


def test_what_ended_before_the_first_midnight_does_not_count(world: World) -> None:
    world.picture("a.png", "red")
    fail(world)
    world.picture("b.png", "green")
    world.scan()
    long_ago = datetime.now(UTC) - timedelta(days=8)
    with world.store.write() as db:
        db.execute(schema.scans.update().values(finished_at=long_ago))
        db.execute(schema.problems.update().values(since=long_ago))
    assert [(seen(world, days).items, seen(world, days).failed) for days in (1, 7, 30)] == [
        (0, 0),
        (0, 0),
        (2, 1),
    ]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "UTC"])
def test_days_begin_at_midnight_of_the_time_zone(world: World, zone: str) -> None:
    core = replace(world.core, timezone=ZoneInfo(zone))
    since = overview.overview(core, 7).since.astimezone(ZoneInfo(zone))
    today = datetime.now(ZoneInfo(zone)).date()
    assert (since.hour, since.minute, since.date()) == (0, 0, today - timedelta(days=6))


def test_failures_are_grouped_by_reason(world: World) -> None:
    fail(world)
    for name in ("a", "b"):
        world.picture(f"{name}.png", "green")
    world.picture("c.png", "red")
    world.scan()
    shown = seen(world)
    (failure,) = shown.failures
    assert (shown.failed, failure.reason, failure.problems, failure.engine) == (
        2,
        GREEN,
        2,
        "colour",
    )


def test_it_says_what_each_engine_cost(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    world.engines.append(ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.5))
    ledger = calls.of_items(world.core, world.core.engine("cloud"))
    call = ledger.reserve("1", host="h.test", size_bytes=9, units=1, cost_usd=0.5)
    call.settle(units=1, cost_usd=0.25)
    (engine,) = seen(world).engines
    assert (engine.engine, engine.calls, engine.cost_usd) == ("cloud", 1, 0.25)


def test_it_says_what_asking_the_uncertain_only_has_saved(world: World) -> None:
    world.engines.append(ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.5))
    world.terms["cloud"] = {"only_uncertain": True, "order": 200}
    world.picture("a.png", "red")
    world.picture("b.png", "red")
    world.scan()
    shown = seen(world)
    (engine,) = shown.engines
    assert (engine.skipped, engine.skipped_usd, shown.saved_usd) == (2, 1.0, 1.0)
