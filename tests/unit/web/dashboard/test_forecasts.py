"""Nothing that is paid for is asked from a page before its cost was shown."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.unit.web.dashboard.paying import paid
from tests.world import World
from tigertag.services import scan_status
from tigertag.settings import WebSettings
from tigertag.store import schema
from tigertag.store.usage import Limits
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow

WHOLE = {"library": "photos", "section": "."}
PREVIEW = {**WHOLE, "write": "preview"}


@pytest.fixture
def payer(world: World) -> Member:
    """Somebody whose section would be shown to an engine that is paid for."""
    for name, colour in (("rose.png", "red"), ("sea.png", "blue")):
        world.picture(name, colour)
    paid(world)
    return Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))


def kinds(world: World) -> list[str]:
    """What was started, the oldest first."""
    rows = [status.scan for status in scan_status.listed(world.core).items]
    return ["forecast" if row.is_forecast else row.write for row in reversed(rows)]


@pytest.mark.parametrize("given", ["", "7", "1"])
def test_a_paid_scan_leads_to_a_forecast_first(world: World, payer: Member, given: str) -> None:
    answer = payer.post("/scans", **PREVIEW, forecast=given)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/scans/1?write=preview")
    assert kinds(world) == ["forecast"]


def test_a_forecast_that_has_not_ended_starts_nothing(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    answer = payer.post("/scans", **PREVIEW, forecast="1")
    assert answer.headers["Location"] == "/scans/1?write=preview"
    assert kinds(world) == ["forecast"]


@pytest.mark.parametrize(
    "other", [{"mode": "force"}, {"engines": "cloud"}, {"engines": "colour,cloud"}]
)
def test_a_forecast_of_something_else_does_not_count(
    world: World, payer: Member, other: dict[str, str]
) -> None:
    payer.post("/scans", **PREVIEW)
    world.run(1)
    payer.post("/scans", **PREVIEW, **other, forecast="1")
    assert kinds(world) == ["forecast", "forecast"]


def test_a_forecast_holds_for_an_hour(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    world.run(1)
    old = datetime.now(UTC) - timedelta(minutes=61)
    with world.store.write() as db:
        db.execute(update(schema.scans).values(finished_at=old))
    assert "makes a new one first" in payer.page("/scans/1?write=preview")
    payer.post("/scans", **PREVIEW, forecast="1")
    assert kinds(world) == ["forecast", "forecast"]


def test_a_preview_is_no_forecast(world: World, payer: Member) -> None:
    world.scan()
    payer.post("/scans", **PREVIEW, forecast="1")
    assert kinds(world) == ["preview", "forecast"]


def test_a_scan_starts_once_its_forecast_was_shown(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    world.run(1)
    page = payer.page("/scans/1?write=preview")
    assert 'name="forecast" value="1"' in page
    assert "about $0.04" in page
    payer.post("/scans", **PREVIEW, forecast="1")
    assert kinds(world) == ["forecast", "preview"]


def test_a_first_write_is_asked_about_after_the_forecast(world: World, payer: Member) -> None:
    payer.post("/scans", **WHOLE, write="apply")
    world.run(1)
    asked = payer.post("/scans", **WHOLE, write="apply", forecast="1").headers["Location"]
    assert asked.startswith("/scans/confirm")
    assert 'name="forecast" value="1"' in payer.page(asked)
    payer.post("/scans", **WHOLE, write="apply", forecast="1", confirmed="yes")
    assert kinds(world) == ["forecast", "apply"]


def test_engines_that_are_named_are_kept(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW, engines="cloud")
    world.run(1)
    assert 'name="engines" value="cloud"' in payer.page("/scans/1?write=preview")
    payer.post("/scans", **PREVIEW, engines="cloud", forecast="1")
    assert scan_status.status(world.core, 2).scan.engines == ("cloud",)


@pytest.mark.parametrize("fields", [{"mode": "decide"}, {"engines": "colour"}])
def test_what_asks_no_paid_engine_starts_at_once(
    world: World, payer: Member, fields: dict[str, str]
) -> None:
    payer.post("/scans", **PREVIEW, **fields)
    assert kinds(world) == ["preview"]


def test_an_engine_that_may_not_see_the_section_costs_nothing(world: World, payer: Member) -> None:
    world.terms["cloud"]["sections"] = ("attic",)
    member = Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))
    member.post("/scans", **PREVIEW)
    assert kinds(world) == ["preview"]


def test_a_forecast_under_way_is_shown_without_apply_or_pause(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    page = payer.page("/scans/1?write=preview")
    assert "It sends no picture for this." in page
    assert "/scans/1/progress?write=preview" in page
    assert "Cancel" in page
    assert "Pause" not in page


def test_a_forecast_has_nothing_to_apply_or_undo(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    world.run(1)
    page = payer.page("/scans/1")
    assert "/scans/1/apply" not in page
    assert "/scans/1/undo" not in page
    assert "Preview of changes" not in page
    assert payer.post("/scans/1/apply", confirmed="yes").status_code == 409


def test_a_forecast_without_a_wish_offers_both(world: World, payer: Member) -> None:
    payer.post("/scans", **PREVIEW)
    world.run(1)
    page = payer.page("/scans/1")
    assert 'value="preview">Preview<' in page
    assert 'value="apply" class="secondary">Scan &amp; tag<' in page
    assert "<strong>Forecast</strong>" in payer.page("/scans")


def test_a_budget_that_is_not_enough_is_said(world: World, payer: Member) -> None:
    paid(world, limits=Limits(1, None))
    member = Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))
    member.post("/scans", **PREVIEW)
    world.run(1)
    page = member.page("/scans/1?write=preview")
    assert "Not enough" in page
    assert "1 call left this month" in page


def test_a_cost_that_nobody_knows_is_not_called_nothing(world: World, payer: Member) -> None:
    paid(world, cost_usd=None)
    member = Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))
    member.post("/scans", **PREVIEW)
    world.run(1)
    page = member.page("/scans/1?write=preview")
    assert "The cost of cloud is unknown" in page
    assert "cost unknown" in member.page("/scans")


def test_what_is_asked_at_most_is_told_so(world: World, payer: Member) -> None:
    world.terms["cloud"] |= {"only_uncertain": True, "order": 200}
    member = Member(create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False))
    member.post("/scans", **PREVIEW)
    world.run(1)
    assert "at most 2 items" in member.page("/scans/1?write=preview")
    member.post("/scans", **PREVIEW, forecast="1")
    world.run(2)
    page = member.page("/scans/2")
    assert "skipped for 2 items" in page
    assert "This saved about $0.04." in page


def test_the_newest_preview_counts_though_a_forecast_came_after(
    world: World, payer: Member
) -> None:
    world.scan()
    payer.post("/scans", **WHOLE, write="apply")
    world.run(2)
    page = payer.page("/scans/confirm?library=photos&section=.&forecast=2")
    assert "<strong>2 tags</strong>" in page
