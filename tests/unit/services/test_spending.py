"""Money and quota: reserved before, settled after, never overrun."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Calls, Failed
from tigertag.errors import AuthFailed, QuotaExhausted
from tigertag.scan import calls
from tigertag.services import engines, libraries, scan_status, scans, spending
from tigertag.services.scans import Request
from tigertag.store import usage
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow


@pytest.fixture
def paid(world: World) -> ColourEngine:
    world.engine.units, world.engine.cost_usd, world.engine.local = 1, 0.01, False
    return world.engine


def ledger(world: World) -> Calls:
    return calls.run_context(world.core, "colour").calls


def reserve(ledger: Calls, units: int = 1, cost_usd: float = 0.01) -> None:
    ledger.reserve("a.png", host="colours.test", size_bytes=9, units=units, cost_usd=cost_usd)


def month(world: World) -> tuple[int, float]:
    found = spending.months(world.core)["colour"]
    return found.units, round(found.cost_usd, 6)


def test_no_call_is_allowed_beyond_the_monthly_limit(world: World, paid: ColourEngine) -> None:
    world.terms["colour"] = {"limits": Limits(units=1)}
    reserve(ledger(world))
    with pytest.raises(QuotaExhausted, match="ENGINE_COLOUR_MONTHLY_LIMIT"):
        reserve(ledger(world))
    assert month(world) == (1, 0.01)


def test_no_call_is_allowed_that_may_cost_more_than_is_left(
    world: World, paid: ColourEngine
) -> None:
    world.terms["colour"] = {"limits": Limits(cost_usd=0.03)}
    for _ in range(3):
        reserve(ledger(world))
    with pytest.raises(QuotaExhausted, match=r"\$0.03 .*MONTHLY_COST_USD"):
        reserve(ledger(world), cost_usd=0.001)


def test_threads_and_machines_together_do_not_overrun_a_budget(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "own").mkdir()
    world = World(tmp_path / "own", database_url)
    world.engine.units = 1
    world.terms["colour"] = {"limits": Limits(units=20)}

    def one(_number: int) -> bool:
        try:
            reserve(ledger(world))
        except QuotaExhausted:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(60))) == 20
    assert month(world)[0] == 20
    world.close()


def test_what_a_call_took_replaces_what_was_reserved(world: World, paid: ColourEngine) -> None:
    call = ledger(world).reserve("a", host="x", size_bytes=1, units=1, cost_usd=0.05)
    assert month(world) == (1, 0.05)
    call.settle(units=1, cost_usd=0.02)
    assert month(world) == (1, 0.02)


def test_a_call_that_was_not_counted_gives_its_reservation_back(
    world: World, paid: ColourEngine
) -> None:
    ledger(world).reserve("a", host="x", size_bytes=1, units=1).settle(units=0, cost_usd=0.0)
    assert month(world) == (0, 0.0)


def test_a_call_of_unknown_cost_keeps_its_bound(world: World, paid: ColourEngine) -> None:
    call = ledger(world).reserve("a", host="x", size_bytes=1, units=1, cost_usd=0.05)
    call.settle(units=1, cost_usd=None)
    assert month(world) == (1, 0.05)


def test_a_call_that_a_crash_left_open_is_never_free(world: World, paid: ColourEngine) -> None:
    reserve(ledger(world))
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        with world.store.write() as db:
            calls.lose_old(db)
        (left,) = spending.egress_log(world.core).items
    assert (left.state, left.units, left.cost_usd) == ("lost", 1, 0.01)


def test_a_call_is_settled_once(world: World, paid: ColourEngine) -> None:
    call = ledger(world).reserve("a", host="x", size_bytes=1, units=1, cost_usd=0.05)
    for _ in range(2):
        call.settle(units=1, cost_usd=0.02)
    assert month(world) == (1, 0.02)


def test_a_budget_is_renewed_with_the_month(world: World, paid: ColourEngine) -> None:
    world.terms["colour"] = {"limits": Limits(units=1)}
    with time_machine.travel(datetime(2026, 11, 30, 23, 59, tzinfo=UTC)):
        reserve(ledger(world))
        with pytest.raises(QuotaExhausted, match="1 December 2026"):
            reserve(ledger(world))
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC)):
        reserve(ledger(world))


def test_a_call_settled_in_the_next_month_changes_the_month_it_was_made_in(
    world: World, paid: ColourEngine
) -> None:
    with time_machine.travel(datetime(2026, 11, 30, 23, 59, tzinfo=UTC)):
        call = ledger(world).reserve("a", host="x", size_bytes=1, units=1, cost_usd=0.05)
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC)):
        call.settle(units=1, cost_usd=0.01)
        with world.store.read() as db:
            november = usage.of_month(db, datetime(2026, 11, 1, tzinfo=UTC))["colour"]
    assert november.units == 1
    assert november.cost_usd == pytest.approx(0.01)


def test_a_scan_ends_without_the_engine_whose_budget_is_used_up(
    world: World, paid: ColourEngine
) -> None:
    world.terms["colour"] = {"limits": Limits(units=1)}
    for number in range(3):
        world.picture(f"{number}.png", "red")
    status = world.scan("apply")
    assert (status.scan.state, status.asked, len(paid.asked)) == ("done", 1, 1)
    assert "It continues on" in status.waiting["colour"]


def test_a_scan_waits_for_the_next_month_where_it_is_told_to(
    world: World, paid: ColourEngine
) -> None:
    world.terms["colour"] = {"limits": Limits(units=1), "waits_for_budget": True}
    for number in range(2):
        world.picture(f"{number}.png", "red")
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC)) as clock:
        scan_id = world.start("apply")
        waiting = world.run(scan_id)
        assert waiting.due_at == datetime(2026, 12, 1, tzinfo=UTC)
        assert "1 item waiting" in waiting.waits["colour"]
        clock.move_to(datetime(2026, 12, 1, 0, 1, tzinfo=UTC))
        # The database's clock, which decides, has not moved.
        world.make_due(scan_id)
        assert world.run(scan_id).asked == 2


def test_what_is_reserved_is_logged_as_a_picture_that_leaves(
    world: World, paid: ColourEngine
) -> None:
    world.picture("a.png", "red")
    world.scan()
    (one,) = spending.egress_log(world.core).items
    assert one.card is not None
    assert (one.card.item.key, one.host, one.size_bytes, one.state) == (
        "a.png",
        "colours.test",
        100,
        "settled",
    )


def test_the_log_comes_in_pages(world: World, paid: ColourEngine) -> None:
    for _ in range(5):
        reserve(ledger(world))
    first = spending.egress_log(world.core, limit=3)
    rest = spending.egress_log(world.core, cursor=first.next, limit=3)
    assert [one.id for one in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]


def test_a_paid_engine_is_not_asked_again_for_its_fingerprint_alone(
    world: World, paid: ColourEngine
) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    paid.fingerprint = "colour-2"
    world.scan("apply")
    assert paid.asked == ["red"]
    world.scan("apply", mode="force")
    assert paid.asked == ["red", "red"]


@pytest.mark.parametrize(("units", "asked"), [(1, 1), (0, 2)], ids=["paid", "free"])
def test_what_failed_for_good_is_asked_again_for_a_fingerprint_only_where_that_is_free(
    world: World, paid: ColourEngine, units: int, asked: int
) -> None:
    paid.units = units
    paid.fails = {"red": Failed("", "refused", retryable=False)}
    world.picture("a.png", "red")
    for paid.fingerprint in ("colour-1", "colour-2"):
        world.scan("apply")
    assert len(paid.asked) == asked


def test_what_a_paid_engine_failed_on_is_asked_again_once_it_changes_or_by_force(
    world: World, paid: ColourEngine
) -> None:
    paid.fails = {"red": Failed("", "refused", retryable=False)}
    world.picture("a.png", "red")
    world.scan("apply")
    world.scan("apply", mode="force")
    assert paid.asked == ["red", "red"]
    world.picture("a.png", "blue")
    world.scan("apply")
    assert paid.asked == ["red", "red", "blue"]


def test_a_forecast_asks_nobody_and_counts_what_would_be_asked(
    world: World, paid: ColourEngine
) -> None:
    world.terms["colour"] = {"limits": Limits(units=2, cost_usd=1.0)}
    for number in range(3):
        world.picture(f"{number}.png", "red")
    status = world.run(scans.start(world.core, Request("photos", None, "forecast")))
    assert status.forecast is not None
    (line,) = status.forecast.engines
    assert (line.items, line.calls, line.units_left, line.enough) == (3, 3, 2, False)
    assert (paid.asked, status.done) == ([], 0)
    assert line.cost_usd == pytest.approx(0.03)


def test_a_forecast_leaves_out_what_was_answered_unless_it_is_of_a_forced_scan(
    world: World, paid: ColourEngine
) -> None:
    world.picture("a.png", "red")
    world.scan()
    for of, items in (("changed", 0), ("force", 1)):
        request = Request("photos", None, "forecast", forecast_of=of)
        forecast = world.run(scans.start(world.core, request)).forecast
        assert forecast is not None
        assert sum(one.items for one in forecast.engines) == items


def test_a_forecast_tells_the_cost_that_was_measured(world: World, paid: ColourEngine) -> None:
    world.picture("a.png", "red")
    world.scan()
    paid.cost_usd = 0.5
    request = Request("photos", None, "forecast", forecast_of="force")
    forecast = world.run(scans.start(world.core, request)).forecast
    assert forecast is not None
    assert forecast.cost_usd == pytest.approx(0.01)


def test_an_ended_forecast_stays_as_it_is_when_an_engine_is_removed(
    world: World, paid: ColourEngine
) -> None:
    world.picture("a.png", "red")
    scan_id = scans.start(world.core, Request("photos", None, "forecast"))
    before = world.run(scan_id).forecast
    assert scan_status.status(replace(world.core, engines=()), scan_id).forecast == before


def test_a_forecast_can_be_neither_applied_nor_taken_for_a_preview(
    world: World, paid: ColourEngine
) -> None:
    world.picture("a.png", "red")
    scan_id = world.run(scans.start(world.core, Request("photos", None, "forecast"))).scan.id
    with pytest.raises(Exception, match="is a forecast"):
        scans.apply(world.core, scan_id)


def test_a_forecast_does_not_hide_the_newest_scan(world: World, paid: ColourEngine) -> None:
    world.picture("a.png", "red")
    preview = world.scan().scan.id
    world.run(scans.start(world.core, Request("photos", None, "forecast")))
    (section,) = libraries.sections(world.core, "photos")
    assert section.newest_scan == preview


def test_a_refused_key_ends_the_scan_and_says_so_beside_the_engine(
    world: World, paid: ColourEngine
) -> None:
    paid.raises = {"red": AuthFailed("The key was refused.")}
    world.picture("a.png", "red")
    assert world.scan().scan.state == "done"
    (view,) = engines.listed(world.core)
    assert (view.status, view.reason) == ("stopped", "The key was refused.")
    paid.raises = {}
    world.scan()
    (view,) = engines.listed(world.core)
    assert view.status == "ready"


@pytest.fixture(autouse=True)
def _whole(world: World) -> Iterator[None]:
    """The ledger's days and its months add up to its calls, whatever a test did."""
    yield
    with world.store.read() as db:
        rows = usage.page(db, engine="", before=None, limit=1000)
        days = usage.by_day(db, since="2000")
    assert sum(row.units for row in rows) == sum(amount.units for _e, _d, amount in days)
    total = sum(amount.cost_usd for _e, _d, amount in days)
    assert sum(row.cost_usd for row in rows) == pytest.approx(total)
