"""The whole way by clicking, and by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.visitor import PASSWORD
from tests.world import World
from tigertag.services import scan_status

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [1280, 360])
def test_from_signing_in_to_undo(visit: Visits, world: World, address: str, width: int) -> None:
    for name, colour in (("rose.png", "red"), ("ruby.png", "red"), ("sea.png", "blue")):
        world.picture(name, colour)
    visitor = visit(address, width=width)
    page = visitor.page
    visitor.sign_in()

    visitor.press("Preview")
    visitor.sees_state("done")
    expect(page.locator(".item")).to_have_count(3)

    page.locator("summary.chip", has_text="red").first.click()
    visitor.press("everywhere")
    expect(page.get_by_role("status")).to_contain_text("Blocked “red” everywhere: 2 items")
    expect(page.locator(".chip.blocked")).to_have_count(2)

    visitor.press("Apply: add 1 tag")
    expect(page.get_by_role("heading", level=1)).to_contain_text("for the first time?")
    expect(page.locator(".lead")).to_contain_text("1 tag")
    assert world.tags("sea.png") == set()
    visitor.press("Write the tags")
    visitor.sees_state("done")
    assert (world.tags("sea.png"), world.tags("rose.png")) == ({"blue"}, set())

    visitor.press("Undo")
    visitor.sees_state("done")
    assert world.tags("sea.png") == set()
    expect(page.get_by_role("button", name="Redo")).to_be_visible()
    assert visitor.overflow_px() == 0
    assert visitor.troubles == []


def test_signing_in_and_previewing_by_keyboard(visit: Visits, world: World, address: str) -> None:
    world.picture("rose.png", "red")
    visitor = visit(address)
    keys = visitor.page.keyboard
    visitor.open("/")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(visitor.page.get_by_role("navigation", name="Pages")).to_be_visible()
    keys.press("Tab")
    expect(visitor.page.get_by_role("link", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    preview = visitor.page.get_by_role("button", name="Preview", exact=True)
    for _ in range(8):
        keys.press("Tab")
        if preview.evaluate("one => one === document.activeElement"):
            break
    expect(preview).to_be_focused()
    keys.press("Enter")
    visitor.sees_state("done")
    assert visitor.troubles == []


def test_a_first_scan_and_tag_asks_and_can_be_left(
    visit: Visits, world: World, address: str
) -> None:
    world.picture("rose.png", "red")
    visitor = visit(address)
    visitor.sign_in()
    visitor.press("Scan & tag")
    expect(visitor.page.get_by_role("button", name="Preview first")).to_be_visible()
    visitor.page.get_by_role("button", name="Not now").click()
    visitor.page.wait_for_url(f"{address}/")
    assert scan_status.listed(world.core).items == ()


def test_a_link_signs_in_and_leaves_no_token_behind(
    visit: Visits, world: World, address: str
) -> None:
    from tigertag.services.accounts import Accounts

    link = Accounts(world.core, password=PASSWORD, api_key="k" * 32).link()
    visitor = visit(address)
    visitor.page.goto(f"{address}/sign-in#link={link}")
    expect(visitor.page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert visitor.page.url == f"{address}/"
    assert visitor.troubles == []
