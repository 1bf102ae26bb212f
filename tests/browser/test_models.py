"""Setup: a model is fetched with one click, and what it adds is previewed."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits, serving
from tests.flaky_server import serving as serving_file
from tests.small_models import TINY, publish
from tests.world import World
from tigertag.services import models

pytestmark = pytest.mark.slow


def test_a_model_is_fetched_with_one_click_and_previewed(
    visit: Visits, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "DETECTOR", "test")
    world.picture("rose.png", "red")
    world.scan()
    with serving_file(TINY) as file_server, serving(world.core) as address:
        publish(monkeypatch, tmp_path / "baked", file_server)
        visitor = visit(address, width=390)
        visitor.sign_in()
        visitor.open("/setup")
        expect(visitor.page.get_by_text("Recognise 80 kinds of things")).to_be_visible()
        visitor.press("Fetch YOLOX-Tiny")
        expect(visitor.page.locator("#model-yolox-tiny .pill")).to_have_text("ready")
        assert (visitor.overflow_px(), visitor.too_small()) == (0, [])
        visitor.press("Preview on 100 photos")
        visitor.sees_state("done")
        expect(visitor.page.locator(".item")).to_have_count(1)
        assert visitor.troubles == []
