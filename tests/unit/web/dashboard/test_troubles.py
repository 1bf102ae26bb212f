"""Why an item could not be looked at or is left alone, what becomes of it, and where tags go."""

from dataclasses import replace

import pytest
from flask import Flask

from tests.fake_library import FakeLibrary
from tests.unit.web.conftest import PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.contracts import Failed
from tigertag.model import Field, Rule, RuleAction
from tigertag.services import rules
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow

AGAIN = "Your next scan tries it again; schedules and hooks wait longer after each try."
LEFT_OUT = "Skipped until the file changes"


def member_of(world: World) -> Member:
    app: Flask = create_app(world.core, WebSettings(PASSWORD, "k" * 32), work=False)
    return Member(app)


@pytest.fixture
def shelf(world: World) -> FakeLibrary:
    made = world.library = FakeLibrary()
    made.put("a", "red")
    return made


@pytest.mark.parametrize(("retryable", "told"), [(False, LEFT_OUT), (True, AGAIN)])
def test_what_failed_is_told_with_what_becomes_of_it(
    world: World, shelf: FakeLibrary, retryable: bool, told: str
) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=retryable)
    world.scan()
    page = member_of(world).page("/scans/1/failures")
    assert "It is torn." in page
    assert [line for line in (AGAIN, LEFT_OUT) if line in page] == [told]
    world.engine.asked.clear()
    world.scan()
    assert bool(world.engine.asked) is retryable


def test_an_item_that_could_not_be_looked_at_says_why(world: World, shelf: FakeLibrary) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    page = member_of(world).page("/items/1")
    assert "Not analysed" in page
    assert "It is torn." in page
    assert "Not analysed yet." not in page


def test_the_reason_stays_when_all_is_decided_anew(world: World, shelf: FakeLibrary) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    rules.add(world.core, Rule(RuleAction.DENY, "blue"))
    world.scan()
    assert "It is torn." in member_of(world).page("/items/1")


def test_a_reason_of_an_older_version_is_not_told(world: World, shelf: FakeLibrary) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    world.engine.fails.clear()
    shelf.held["a"] = replace(shelf.held["a"], revision="2")
    world.scan()
    assert "It is torn." not in member_of(world).page("/items/1")


def test_an_item_that_is_left_alone_says_why(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("made-up",)
    shelf.tag("a", "made-up")
    world.scan()
    page = member_of(world).page("/items/1")
    assert "Skipped" in page
    assert "It has the tag made-up of SKIP_TAGS" in page


def test_a_group_without_tags_does_not_wait_for_an_engine(world: World, shelf: FakeLibrary) -> None:
    shelf.group("season")
    world.scan()
    page = member_of(world).page("/items?q=season")
    assert "season" in page
    assert "too few of its items share one" in member_of(world).page("/items/2")


def test_a_tag_that_moves_tells_from_where_to_where(world: World, shelf: FakeLibrary) -> None:
    shelf.field = Field.LABEL
    world.scan("apply")
    shelf.field = Field.GENRE
    world.scan("apply")
    member = member_of(world)
    for path in ("/scans/2", "/items/1"):
        page = member.page(path)
        for field in ("genre", "label"):
            assert f'red <small class="field">{field}</small>' in page, path
    assert 'red <small class="field">genre</small>' in member.page("/tags")


def test_a_problem_stays_on_home_and_on_its_page_until_it_is_ignored(
    world: World, shelf: FakeLibrary
) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    world.scan()
    member = member_of(world)
    assert "1 item with problems" in member.page("/").replace("\u202f", " ")
    assert "1 item still has a problem" in member.page("/scans/2")
    assert "It is torn." in member.page("/problems?in=photos/1")
    assert "a" in member.page("/items?problems=1")
    part = member.post_by_htmx("/problems/1/ignore")
    assert "ignored until the item changes" in part.text
    assert "with problems" not in member.page("/")
    assert "It is torn." not in member.page("/problems")
    assert "It is torn." in member.page("/problems?ignored=1")


def test_a_problem_can_be_ignored_and_shown_again_without_scripts(
    world: World, shelf: FakeLibrary
) -> None:
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    member = member_of(world)
    assert member.post("/problems/1/ignore").location == "/items/1"
    assert "Show again" in member.page("/items/1")
    member.post("/problems/1/show")
    assert "Ignore" in member.page("/items/1")
    assert member.post("/problems/9/show").status_code == 404
