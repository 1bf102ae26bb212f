"""System's workers, with scripts: nothing is broken, and a click shows at once."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits, serving
from tests.workers import clustered, enter, running, see, take
from tests.world import World

pytestmark = pytest.mark.slow

LONG = "an_unreasonably_long_name_without_a_place_to_break_" * 2


@pytest.mark.parametrize("width", [1280, 360])
def test_workers_of_any_name_fit_and_are_drained_in_place(
    visit: Visits, world: World, width: int
) -> None:
    scan_id = running(world)
    enter(world, LONG[:100], queues=["default"], refuses={scan_id: f"/{LONG} is not there."})
    enter(world, queues=["video"])
    take(world, scan_id, LONG[:100])
    for name in ("otter", LONG[:100]):
        # However slow the browser is, they are not lost meanwhile.
        see(world, name, ago_s=-600.0)
    with serving(clustered(world), work=False) as address:
        visitor = visit(address, width=width)
        visitor.sign_in()
        visitor.open("/system/workers")
        assert visitor.overflow_px() == 0
        assert width > 360 or visitor.too_small() == []
        assert visitor.shifted() < 0.05
        world.let_leases_run_out()
        expect(visitor.page.get_by_text("Nobody for default")).to_be_visible()
        visitor.press("Drain otter")
        expect(visitor.page.get_by_text("draining")).to_be_visible()
        visitor.press("Resume otter")
        expect(visitor.page.get_by_role("button", name="Drain otter")).to_be_visible()
        assert (visitor.overflow_px(), visitor.troubles) == (0, [])
