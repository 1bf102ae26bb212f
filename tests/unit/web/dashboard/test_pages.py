"""What the other pages show, and what they never do."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.fake_library import AdvisingFolder
from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag import web
from tigertag.core import Core, EngineEntry, LibraryEntry
from tigertag.model import Kind, Label, Rule, RuleAction
from tigertag.services import rules
from tigertag.settings import WebSettings
from tigertag.store import migrate
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow

SCRIPT = "<script>alert(1)</script>"
WEB = WebSettings(PASSWORD, API_KEY)
PAGES = ("/", "/scans", "/items", "/tags", "/rules", "/setup", "/rules/new")


def member_of(core: Core) -> Member:
    return Member(create_app(core, WEB, work=False))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_before_anything_was_scanned(member: Member, path: str) -> None:
    assert "<h1" in member.page(path)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_scripts_or_styles_of_its_own(member: Member, path: str) -> None:
    page = member.page(path)
    assert "<script>" not in page
    assert " style=" not in page
    assert " onclick=" not in page


def test_words_and_titles_are_text_wherever_they_show(world: World, member: Member) -> None:
    world.picture("<img src=x onerror=alert(1)>.png", "red")
    world.engine.extra = (Label(SCRIPT, 0.95),)
    world.scan("apply")
    rule_id = rules.add(world.core, Rule(RuleAction.RENAME, SCRIPT, value=SCRIPT))
    address = f"/rules/new?action=deny&word={SCRIPT}"
    for path in ("/scans/1", "/items", "/items/1", "/tags", f"/rules?saved={rule_id}", address):
        page = member.page(path)
        assert "&lt;script&gt;" in page, path
        assert SCRIPT not in page, path
        assert "<img src=x" not in page, path


def test_what_is_sought_is_text(member: Member) -> None:
    page = member.page('/items?q="><script>alert(1)</script>')
    assert "<script>alert" not in page


def test_a_part_of_a_search_can_be_taken_out(member: Member) -> None:
    page = member.page("/items?q=-person&tag=living+room")
    assert 'value="-person tag:&#34;living room&#34;"' in page
    assert 'href="/items?q=-person&amp;in="' in page


def test_a_search_that_cannot_be_read_says_what_would_be_right(member: Member) -> None:
    answer = member.get("/items?q=size:10mb")
    assert (answer.status_code, "size:&gt;10mb" in answer.text) == (422, True)


def test_an_unknown_section_is_a_page_with_a_hint(
    world: World, member: Member, previewed: int
) -> None:
    answer = member.get("/items?in=photoz")
    assert (answer.status_code, "did you mean" in answer.text) == (404, True)


def test_a_cursor_that_is_none_is_refused(member: Member) -> None:
    for path in ("/items", "/tags", "/scans"):
        assert member.get(f"{path}?cursor=x").status_code == 422


def test_a_word_that_is_too_long_is_refused(member: Member) -> None:
    assert member.get(f"/items?q={'x' * 600}").status_code == 422


def test_an_item_says_why_it_has_its_tags(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.scan("apply")
    page = member.page("/items/1")
    assert "colour-model" in page
    assert "Written by TigerTag" in page
    assert "verified" in page


def test_an_item_says_what_a_fact_is_based_on(world: World, member: Member) -> None:
    note = "GPS 48.2082, 16.3738 → Vienna, 1.1 km"
    world.engine.extra = (Label("Vienna", 1.0, kind=Kind.PLACE, note=note),)
    world.picture("rose.png", "red")
    world.scan()
    assert member.page("/items/1").count(note) == 2


def test_a_picture_is_sent_once(world: World, member: Member, previewed: int) -> None:
    first = member.get("/items/1/picture/small")
    assert (first.status_code, first.mimetype) == (200, "image/jpeg")
    etag = {"If-None-Match": first.headers["ETag"]}
    again = member.client.get("/items/1/picture/small", headers=etag)
    assert (again.status_code, again.data) == (304, b"")


def test_a_picture_that_cannot_be_had_has_one_in_its_place(
    world: World, member: Member, previewed: int
) -> None:
    (world.photos / "rose.png").unlink()
    answer = member.get("/items/1/picture/small")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_picture_of_no_item_is_not_found(member: Member) -> None:
    assert member.get("/items/9/picture/small").status_code == 404


def test_pictures_are_upright_and_small(world: World, member: Member) -> None:
    world.picture("wide.png", "red", side_px=900)
    world.scan()
    with Image.open(BytesIO(member.get("/items/1/picture/small").data)) as picture:
        assert min(picture.size) == 256


def test_a_rule_shows_its_effect_before_it_is_saved(
    world: World, member: Member, previewed: int
) -> None:
    page = member.page("/rules/new?action=rename&word=red&value=scarlet")
    assert "<strong>2 items</strong> have this tag" in page
    assert "scarlet" in page
    assert rules.listed(world.core) == []


def test_a_rule_that_makes_no_sense_says_why(member: Member) -> None:
    page = member.page("/rules/new?action=threshold&word=red&percent=many")
    assert "must be from 0 to 1" in page


def test_a_threshold_is_told_in_percent(world: World, member: Member) -> None:
    answer = member.post("/rules", action="threshold", word="red", percent="85")
    (row,) = rules.listed(world.core)
    assert answer.headers["Location"] == f"/rules?saved={row.id}"
    assert row.rule.value == "0.85"


@pytest.mark.parametrize(
    ("rule", "word", "proposed"),
    [
        (Rule(RuleAction.THRESHOLD, "red", value="0.9"), "red", "95"),
        (Rule(RuleAction.THRESHOLD, "*", value="0.8"), "red", "90"),
        (Rule(RuleAction.THRESHOLD, "*", value="0.8"), "*", "90"),
        (Rule(RuleAction.THRESHOLD, "blue", value="0.9"), "red", "75"),
    ],
)
def test_a_threshold_that_is_proposed_is_above_the_one_that_stands(
    world: World, member: Member, rule: Rule, word: str, proposed: str
) -> None:
    rules.add(world.core, rule)
    page = member.page(f"/rules/new?action=threshold&word={word}")
    assert f'name="percent" value="{proposed}"' in page


def test_a_saved_rule_offers_a_preview_of_what_changes(
    world: World, member: Member, previewed: int
) -> None:
    saved = member.post("/rules", action="deny", word="red").headers["Location"]
    page = member.page(saved)
    assert "Preview changes in" in page
    assert 'name="mode" value="decide"' in page


def test_a_rule_is_removed(world: World, member: Member) -> None:
    rule_id = rules.add(world.core, Rule(RuleAction.DENY, "red"))
    assert member.post(f"/rules/{rule_id}/remove").status_code == 303
    assert rules.listed(world.core) == []


def test_a_rule_that_is_gone_is_a_page(member: Member) -> None:
    assert member.post("/rules/4/remove").status_code == 404


def test_an_unknown_kind_of_rule_is_refused(member: Member) -> None:
    assert member.get("/rules/new?action=eat").status_code == 422


def test_an_engine_and_a_library_that_failed_say_why(world: World) -> None:
    core = world.core
    broken = EngineEntry("far", "tigertag.far", None, "its key is missing")
    gone = LibraryEntry("attic", "tigertag.folder", None, "there is no such folder")
    member = member_of(replace(core, engines=(broken,), libraries=(gone,)))
    page = member.page("/setup")
    assert "its key is missing" in page
    assert "there is no such folder" in page
    assert "there is no such folder" in member.page("/")


def test_setup_shows_what_a_library_advises(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.library, "__class__", AdvisingFolder)
    page = member_of(world.core).page("/setup")
    assert "The key lacks &lt;tag.asset&gt;." in page


def test_a_newcomer_is_told_what_to_set(world: World) -> None:
    page = member_of(replace(world.core, libraries=())).page("/")
    assert "LIBRARY_PHOTOS_NAME=tigertag.folder" in page
    assert "LIBRARY_HOME_NAME=tigertag.plex" in page


def test_templates_have_no_address_of_their_own() -> None:
    for template in (Path(web.__file__).parent / "templates").iterdir():
        assert not re.search(r'(href|src|action|hx-get|hx-post)="[/h]', template.read_text()), (
            template
        )


def test_the_base_path_is_in_every_address(world: World) -> None:
    app = create_app(world.core, replace(WEB, base_path="/tiger"), work=False)
    page = app.test_client().get("/sign-in").text
    assert 'href="/tiger/static/public/palette.css?v=' in page


def test_a_database_that_fails_is_a_page_too(world: World, member: Member) -> None:
    migrate.downgrade(world.store, "base")
    answer = member.get("/")
    assert (answer.status_code, "tigertag db upgrade" in answer.text) == (503, True)


def test_the_page_of_similar_items_says_how_they_are_found_where_none_was_looked_at(
    world: World, member: Member
) -> None:
    world.picture("a.png", "red")
    world.scan()
    assert "local classifier" in member.page("/items/1/similar")


def test_similar_items_are_linked_with_how_alike_they_are(world: World, member: Member) -> None:
    world.engine.embeds = True
    for name in ("a.png", "b.png"):
        world.picture(name, "red")
    world.scan()
    page = member.page("/items/1/similar")
    assert "100\u202f% alike" in page
    assert 'href="/items/2"' in page
