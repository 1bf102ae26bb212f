"""Pages of problems that are retried or were given up, and of scans that were pruned."""

import pytest
from flask import Flask

from tests.unit.web.conftest import PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import problems
from tigertag.settings import WebSettings
from tigertag.store import schema
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow


def member_of(world: World) -> Member:
    app: Flask = create_app(world.core, WebSettings(PASSWORD, "k" * 32), work=False)
    return Member(app)


@pytest.fixture
def busy(world: World) -> World:
    world.picture("a.png", "red")
    world.engine.fails["red"] = Failed("", "It was busy.", retryable=True)
    world.scan("apply")
    return world


def test_a_problem_says_when_it_is_retried(busy: World) -> None:
    page = member_of(busy).page("/problems")
    assert "retried by schedules and hooks from" in page
    assert page.count(">Retry<") == 2


def test_one_that_was_given_up_says_so(busy: World) -> None:
    with busy.store.write() as db:
        db.execute(schema.problems.update().values(tries=problems.MOST_TRIES, retry_at=None))
    assert "given up after 8 tries" in member_of(busy).page("/problems")


def test_a_click_retries_all_with_one_reason(busy: World) -> None:
    form = {"engine": "colour", "reason": "It was busy.", "in": ""}
    answer = member_of(busy).post("/problems/retry", **form)
    assert answer.headers["Location"].endswith("/scans/2")


def test_a_click_retries_one(busy: World) -> None:
    assert member_of(busy).post("/problems/1/retry").status_code == 303
    assert "the next scan retries it" in member_of(busy).page("/problems")


def test_a_pruned_scan_says_so_and_offers_nothing(busy: World) -> None:
    with busy.store.write() as db:
        db.execute(schema.scans.update().values(pruned=True))
    page = member_of(busy).page("/scans/1")
    assert "The details of this scan were pruned" in page
    assert ">Undo<" not in page
