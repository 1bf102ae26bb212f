"""What htmx moves: progress, grids, filters, effects, and what is told when it fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits, serving
from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Outcome, RunContext
from tigertag.model import Sample
from tigertag.services import rules

pytestmark = pytest.mark.slow


@dataclass
class Patient(ColourEngine):
    """Waits until it is told to go on."""

    go: Event = field(default_factory=Event)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        while not self.go.wait(0.05):
            if run.cancelled():
                return
        yield from super().tag(batch, run)


def test_progress_is_live_and_rests_when_the_scan_ends(visit: Visits, world: World) -> None:
    engine = Patient()
    world.engines = [engine]
    world.picture("rose.png", "red")
    with serving(world.core) as address:
        visitor = visit(address)
        visitor.sign_in()
        visitor.press("Preview")
        visitor.sees_state("running")
        visitor.press("Pause")
        visitor.sees_state("paused")
        visitor.press("Resume")
        visitor.sees_state("running")
        engine.go.set()
        visitor.sees_state("done")
        expect(visitor.page.locator(".item")).to_have_count(1)
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        visitor.page.wait_for_timeout(3000)
        assert (asked, visitor.troubles) == ([], [])


def test_a_scan_is_cancelled_by_a_click(visit: Visits, world: World) -> None:
    world.engines = [Patient()]
    world.picture("rose.png", "red")
    with serving(world.core) as address:
        visitor = visit(address)
        visitor.sign_in()
        visitor.press("Preview")
        visitor.sees_state("running")
        visitor.press("Cancel")
        visitor.sees_state("cancelled")
        assert visitor.troubles == []


def test_home_shows_a_scan_that_is_under_way(visit: Visits, world: World) -> None:
    engine = Patient()
    world.engines = [engine]
    world.picture("rose.png", "red")
    world.start()
    with serving(world.core) as address:
        visitor = visit(address)
        visitor.sign_in()
        expect(visitor.page.locator(".section .pill")).to_have_text("running")
        engine.go.set()
        expect(visitor.page.get_by_role("button", name="Preview", exact=True)).to_be_visible()
        assert visitor.troubles == []


def test_what_cannot_be_done_is_told_in_one_line(visit: Visits, world: World) -> None:
    world.engines = [Patient()]
    world.picture("rose.png", "red")
    with serving(world.core) as address:
        visitor = visit(address)
        # Before the first page: a route made while a page loads may come too late for it.
        visitor.page.route(
            "**/pause", lambda route: route.fulfill(status=409, body="It&#39;s done.")
        )
        visitor.sign_in()
        visitor.press("Preview")
        visitor.press("Pause")
        expect(visitor.page.get_by_role("status")).to_have_text("It's done.")


def test_a_server_that_cannot_be_reached_is_told(visit: Visits, world: World, address: str) -> None:
    world.picture("rose.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/scans/1")
    visitor.page.context.set_offline(True)
    visitor.page.locator("summary.chip").first.click()
    visitor.press("everywhere")
    expect(visitor.page.get_by_role("status")).to_contain_text("cannot be reached")
    assert rules.listed(world.core) == []


def test_a_session_that_has_ended_leads_to_the_sign_in(
    visit: Visits, world: World, address: str
) -> None:
    world.picture("rose.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/tags")
    visitor.page.context.clear_cookies()
    visitor.page.get_by_label("Tag", exact=True).fill("r")
    expect(visitor.page.get_by_label("Password")).to_be_visible()


def test_a_struck_word_is_taken_back(visit: Visits, world: World, address: str) -> None:
    world.picture("rose.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/scans/1")
    visitor.page.locator("summary.chip").first.click()
    visitor.press("in this section")
    expect(visitor.page.locator(".chip.blocked")).to_have_count(1)
    visitor.press("Undo")
    expect(visitor.page.get_by_role("status")).to_contain_text("Rule removed")
    expect(visitor.page.locator(".chip.blocked")).to_have_count(0)
    expect(visitor.page.get_by_role("button", name="Apply: add 1 tag")).to_be_visible()
    assert (rules.listed(world.core), visitor.troubles) == ([], [])


def test_escape_closes_a_menu_and_keeps_the_place(
    visit: Visits, world: World, address: str
) -> None:
    world.picture("rose.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/scans/1")
    summary = visitor.page.locator("summary.chip").first
    summary.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("button", name="everywhere")).to_be_visible()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("button", name="everywhere")).to_be_hidden()
    expect(summary).to_be_focused()


def test_more_brings_the_rest_and_moves_the_focus_there(
    visit: Visits, world: World, address: str
) -> None:
    for number in range(50):
        world.picture(f"{number:02}.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/scans/1")
    visitor.press("More")
    expect(visitor.page.locator(".item")).to_have_count(50)
    expect(visitor.page.locator(".item").nth(48).locator("a.cover")).to_be_focused()
    assert visitor.troubles == []


def test_filters_work_as_one_types(visit: Visits, world: World, address: str) -> None:
    world.picture("rose.png", "red")
    world.picture("sea.png", "blue")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/tags")
    visitor.page.get_by_label("Tag", exact=True).fill("blu")
    expect(visitor.page.locator(".tag-row")).to_have_count(1)
    visitor.open("/items")
    visitor.page.get_by_label("Search").fill("rose")
    expect(visitor.page.locator(".item")).to_have_count(1)
    assert "q=rose" in visitor.page.url
    assert visitor.troubles == []


def test_a_renaming_shows_its_effect_as_one_types_and_is_previewed(
    visit: Visits, world: World, address: str
) -> None:
    world.picture("rose.png", "red")
    world.scan()
    visitor = visit(address)
    visitor.sign_in()
    visitor.open("/tags")
    visitor.page.get_by_role("link", name="Rename… red").click()
    visitor.page.get_by_label("New name").fill("scarlet")
    expect(visitor.page.locator("#effect .chip.add")).to_contain_text("scarlet")
    visitor.press("Save the rule")
    visitor.press("Preview changes in photos")
    visitor.sees_state("done")
    expect(visitor.page.locator(".chip.add")).to_contain_text("scarlet")
    assert visitor.troubles == []
