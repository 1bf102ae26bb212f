"""The overview and the event log, with scripts: what is chosen shows without another page."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import events

pytestmark = pytest.mark.slow


def test_the_days_of_the_overview_are_chosen_in_place(visit: Visits, address: str) -> None:
    visitor = visit(address)
    visitor.sign_in()
    visitor.page.get_by_role("link", name="30 days").click()
    expect(visitor.page.get_by_text("Nothing was processed in these days.")).to_be_visible()
    assert visitor.page.url == f"{address}/?days=30"
    expect(visitor.page.get_by_role("link", name="30 days")).to_be_focused()
    assert visitor.troubles == []


def test_what_failed_is_tried_again_from_home(visit: Visits, world: World, address: str) -> None:
    world.picture("a.png", "green")
    world.engine.fails["green"] = Failed("", "It is too green.", retryable=False)
    world.scan()
    visitor = visit(address, width=360)
    visitor.sign_in()
    visitor.page.get_by_role("button", name="Retry 1 item: It is too green.").click()
    expect(visitor.page.get_by_text("1 item to try again")).to_be_visible()
    visitor.page.get_by_role("link", name="Show scan 2").click()
    visitor.sees_state("done")
    assert visitor.troubles == []


def test_events_are_filtered_as_they_are_chosen(visit: Visits, world: World, address: str) -> None:
    events.record(world.core, "error", "backup", "The disk is full.")
    events.record(world.core, "info", "system", "All is well.")
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/system/events")
    visitor.page.get_by_label("Level").select_option("error")
    expect(visitor.page.get_by_text("All is well.")).to_be_hidden()
    expect(visitor.page.get_by_text("The disk is full.")).to_be_visible()
    assert visitor.page.url.endswith("/system/events?level=error&source=")
