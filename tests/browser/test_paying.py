"""What is paid for, as a visitor meets it: forecasts, checks, faces, boxes."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits, serving
from tests.colours import ColourEngine
from tests.face_engine import LEFT_OUT, FaceEngine
from tests.world import World
from tigertag.errors import Unavailable
from tigertag.model import UNKNOWN_FACE, Box, Kind, Label
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow


def paid(world: World) -> ColourEngine:
    made = ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.02)
    world.engines = [world.engine, made]
    world.terms["cloud"] = {"limits": Limits(1000, 5.0)}
    return made


@pytest.mark.parametrize("width", [1280, 360])
def test_a_paid_preview_shows_its_cost_and_is_started_from_there(
    visit: Visits, world: World, width: int
) -> None:
    world.picture("rose.png", "red")
    cloud = paid(world)
    with serving(world.core) as address:
        visitor = visit(address, width=width)
        visitor.sign_in()
        visitor.press("Preview")
        visitor.sees_state("done")
        expect(visitor.page.locator(".forecast")).to_contain_text("about $0.02")
        assert (visitor.overflow_px(), cloud.asked) == (0, [])
        visitor.press("Start the scan")
        visitor.page.wait_for_url("**/scans/2")
        visitor.sees_state("done")
        expect(visitor.page.locator(".item")).to_have_count(1)
        assert (cloud.asked, visitor.troubles) == (["red"], [])


def test_a_forecast_can_be_left(visit: Visits, world: World) -> None:
    world.picture("rose.png", "red")
    cloud = paid(world)
    with serving(world.core) as address:
        visitor = visit(address)
        visitor.sign_in()
        visitor.press("Scan & tag")
        visitor.sees_state("done")
        visitor.press("Not now")
        visitor.page.wait_for_url(f"{address}/")
        assert (cloud.asked, visitor.troubles) == ([], [])


def test_an_engine_is_checked_in_place(visit: Visits, world: World) -> None:
    paid(world).raises["open"] = Unavailable("far.test cannot be reached.")
    with serving(world.core) as address:
        visitor = visit(address, width=360)
        visitor.sign_in()
        visitor.open("/setup")
        visitor.press("Check cloud")
        expect(visitor.page.locator("#engine-cloud")).to_contain_text("far.test cannot be reached.")
        visitor.press("Check all")
        expect(visitor.page.locator("#engine-colour")).to_contain_text("Ready.")
        assert (visitor.overflow_px(), visitor.troubles) == (0, [])


def test_faces_are_enrolled_while_the_page_looks_on(visit: Visits, world: World) -> None:
    engine = FaceEngine(rest=True)
    world.engines = [engine]
    with serving(world.core) as address:
        visitor = visit(address)
        visitor.sign_in()
        visitor.open("/setup")
        visitor.press("Enrol faces")
        expect(visitor.page.locator(".enrolment")).to_contain_text("Enrolling faces …")
        engine.go.set()
        expect(visitor.page.locator(".enrolment")).to_contain_text(LEFT_OUT)
        assert visitor.troubles == []


@pytest.mark.parametrize("width", [1280, 360])
def test_boxes_lie_where_the_faces_are(visit: Visits, world: World, width: int) -> None:
    world.picture("party.png", "red", side_px=900)
    world.engine.extra = (
        Label("Ada", 0.9, kind=Kind.FACE, box=Box(0.25, 0.5, 0.5, 0.75)),
        Label(UNKNOWN_FACE, 0.0, kind=Kind.FACE, box=Box(0.6, 0.1, 0.7, 0.2)),
    )
    world.scan()
    with serving(world.core) as address:
        visitor = visit(address, width=width)
        visitor.sign_in()
        visitor.open("/items/1")
        picture = visitor.page.locator(".framed img").bounding_box()
        box = visitor.page.locator("#box-1 .line").bounding_box()
        assert picture
        assert box
        assert box["x"] == pytest.approx(picture["x"] + picture["width"] / 4, abs=3)
        assert box["y"] == pytest.approx(picture["y"] + picture["height"] / 2, abs=3)
        assert box["width"] == pytest.approx(picture["width"] / 4, abs=6)
        visitor.page.get_by_role("link", name="Ada", exact=True).first.hover()
        stroke = "one => getComputedStyle(one).strokeWidth"
        assert visitor.page.locator("#box-1 .line").evaluate(stroke) == "5px"
        assert visitor.page.locator("#box-2 .line").evaluate(stroke) == "2.5px"
        assert (visitor.overflow_px(), visitor.troubles) == (0, [])
