"""The daily summary: once a day, and what it says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.notices import outbox
from tests.world import World
from tigertag.contracts import Failed
from tigertag.core import Core
from tigertag.scan import calls
from tigertag.services import digest, notices
from tigertag.settings import ChannelSettings
from tigertag.store import engine_state

BERLIN = ZoneInfo("Europe/Berlin")
URL = "json://127.0.0.1:9"


def core_of(world: World, at: time, timezone: tzinfo = UTC) -> Core:
    channel = ChannelSettings("a", URL, on=(), digest=at)
    return replace(world.core, channels=(channel,), timezone=timezone)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 3, 6, 59, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def test_a_summary_is_sent_once_a_day_by_one_of_several(
    world: World, clock: time_machine.Traveller
) -> None:
    core = core_of(world, time(8), BERLIN)
    digest.queue_due(core)
    assert outbox(core) == []
    for _day in range(3):
        clock.shift(timedelta(minutes=2))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: digest.queue_due(core), range(8)))
        clock.shift(timedelta(hours=23, minutes=58))
    assert [row.title for row in outbox(core)] == [
        f"Summary of {day} November" for day in (3, 4, 5)
    ]


def test_after_downtime_the_summary_of_that_day_is_sent_late_and_no_other(
    world: World, clock: time_machine.Traveller
) -> None:
    core = core_of(world, time(8))
    clock.move_to(datetime(2026, 11, 5, 21, tzinfo=UTC))
    digest.queue_due(core)
    clock.shift(timedelta(hours=3))
    digest.queue_due(core)
    assert [row.title for row in outbox(core)] == ["Summary of 5 November"]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_summary_at_a_time_that_is_left_out_or_comes_twice_is_sent_once(
    world: World, clock: time_machine.Traveller, day: str
) -> None:
    core = core_of(world, time(2, 30), BERLIN)
    clock.move_to(datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=BERLIN))
    for _quarter in range(4 * 22):
        digest.queue_due(core)
        clock.shift(timedelta(minutes=15))
    assert len(outbox(core)) == 1


def test_a_summary_says_what_was_done_what_it_cost_and_what_is_wrong(world: World) -> None:
    world.engine.units, world.engine.cost_usd, world.engine.local = 1, 0.02, False
    world.engine.fails["green"] = Failed("", "The picture is torn.", retryable=False)
    for name, colour in (("a.png", "red"), ("b.png", "blue"), ("c.png", "green")):
        world.picture(name, colour)
    world.scan("apply")
    core = replace(core_of(world, time(0)), public_url="https://tags.test")
    ledger = calls.run_context(core, "colour").calls
    call = ledger.reserve("x.png", host="far.test", size_bytes=9, units=1, cost_usd=0.5)
    call.settle(units=1, cost_usd=0.5)
    with core.store.write() as db:
        engine_state.stop(db, "colour", "The key is wrong.", None)
    notices.watch(core)
    lines = digest.text(core, datetime.now(UTC) - timedelta(days=1)).splitlines()
    assert lines[1:7] == [
        "1 scan done, 0 failed.",
        "2 items processed, 1 failed.",
        "2 tags written, 0 removed.",
        "Why items failed:",
        "- The picture is torn.",
        lines[6],
    ]
    assert lines[6].startswith("colour: ")
    assert lines[7] == "Wrong now:"
    assert lines[8].startswith("- Engine colour has stopped, since ")
    assert lines[9:] == ["1 item with unsolved problems.", "https://tags.test/"]


def test_a_day_on_which_nothing_happened_says_so(world: World) -> None:
    lines = digest.text(core_of(world, time(0)), datetime.now(UTC)).splitlines()
    assert lines[1:] == ["No scan has ended."]
