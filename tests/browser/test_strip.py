"""The frames of a video on its page, as a person moves along them."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits, serving
from tests.unit.web.dashboard.films import Reel, face, listed, said
from tests.world import World
from tigertag.model import UNKNOWN_FACE, Label
from tigertag.services import thumbnails

pytestmark = pytest.mark.slow

LONG = "an_unreasonably_long_name_without_a_place_to_break_" * 2
TIMES = tuple(60.5 * number for number in range(30))
_LOADED = "(picture) => picture.complete && picture.naturalWidth > 0"


@pytest.fixture
def film(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a film of thirty frames."""
    monkeypatch.setattr(thumbnails, "still", Reel().still)
    item_id = listed(world)
    labels = [Label(f"cat {at_s:g}", 0.9, at_s=at_s) for at_s in TIMES]
    more = [Label(LONG, 0.4, at_s=at_s) for at_s in TIMES]
    faces = [face(LONG, 0.9, TIMES[0]), face(UNKNOWN_FACE, 0.0, TIMES[1], left=0.8)]
    said(world, item_id, *labels, *more, *faces, frames=TIMES)
    world.scan(mode="decide")
    return f"/items/{item_id}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_long_strip_breaks_no_page(
    visit: Visits, world: World, film: str, width: int, scheme: str
) -> None:
    with serving(world.core) as where:
        visitor = visit(where, width=width, scheme=scheme)
        visitor.sign_in()
        visitor.open(film)
        assert (visitor.overflow_px(), visitor.troubles) == (0, [])
        assert visitor.shifted() < 0.05
        assert width > 360 or visitor.too_small() == []


def test_pictures_come_when_one_moves_to_them(visit: Visits, world: World, film: str) -> None:
    with serving(world.core) as where:
        visitor = visit(where, width=360)
        visitor.sign_in()
        visitor.open(film)
        last = visitor.page.get_by_alt_text("Frame at 29:14")
        assert not last.evaluate(_LOADED)
        last.scroll_into_view_if_needed()
        expect(last).to_have_js_property("complete", True)
        visitor.page.wait_for_function(_LOADED, arg=last.element_handle())
        assert visitor.troubles == []


def test_a_frame_that_cannot_be_had_is_drawn(
    visit: Visits, world: World, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "still", Reel(broken=True).still)
    with serving(world.core) as where:
        visitor = visit(where)
        visitor.sign_in()
        visitor.open(film)
        box = visitor.page.get_by_alt_text("Frame at 0:00").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 60


def test_evidence_leads_to_its_frame(visit: Visits, world: World, film: str) -> None:
    with serving(world.core) as where:
        visitor = visit(where)
        visitor.sign_in()
        visitor.open(film)
        visitor.page.get_by_role("region", name="Engine results").get_by_role(
            "link", name="at 4:02"
        ).first.click()
        expect(visitor.page.locator("#at-242000")).to_be_in_viewport(ratio=1)


def test_the_strip_can_be_moved_along_by_keys(visit: Visits, world: World, film: str) -> None:
    with serving(world.core) as where:
        visitor = visit(where)
        visitor.sign_in()
        visitor.open(film)
        strip = visitor.page.get_by_role("list", name="30 frames analysed")
        strip.focus()
        visitor.page.keyboard.press("ArrowRight")
        visitor.page.wait_for_function("(one) => one.scrollLeft > 0", arg=strip.element_handle())
