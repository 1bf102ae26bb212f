"""Setup: engines tried, faces enrolled, budgets shown; what they took, and what left."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tests.face_engine import LEFT_OUT, FaceEngine
from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.unit.web.dashboard.paying import paid
from tests.world import World
from tigertag.contracts import NOTICE
from tigertag.errors import Unavailable
from tigertag.scan import calls
from tigertag.settings import WebSettings
from tigertag.store import engine_state
from tigertag.store.usage import Limits
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow


def app_of(world: World) -> Flask:
    return create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False)


def spend(world: World, times: int, *, settled: bool = True) -> None:
    """Let pictures leave for the paid engine."""
    ledger = calls.of_items(world.core, world.core.engine("cloud"))
    for _ in range(times):
        call = ledger.reserve("1", host="far.test", size_bytes=2000, units=1, cost_usd=0.02)
        if settled:
            call.settle(units=1, cost_usd=0.02)


def test_an_engine_that_stopped_says_why_and_when_it_is_tried_again(world: World) -> None:
    paid(world)
    until = datetime.now(UTC) + timedelta(hours=2)
    with world.store.write() as db:
        engine_state.stop(db, "cloud", "It cannot be reached.", until)
    page = Member(app_of(world)).page("/setup")
    assert "stopped</span>" in page
    assert "It cannot be reached. TigerTag tries it again at <time" in page


def test_a_check_that_fails_says_so_and_starts_nothing(world: World) -> None:
    paid(world).raises["open"] = Unavailable("far.test cannot be reached; look at its URL.")
    member = Member(app_of(world))
    page = member.post("/setup/check", engine="cloud").text
    assert "Check failed</strong> <span>far.test cannot be reached; look at its URL." in page
    assert "Ready." not in page
    assert member.post("/setup/check", engine="clout").status_code == 404


def test_a_check_tries_all_and_lifts_what_stopped(world: World) -> None:
    paid(world)
    with world.store.write() as db:
        engine_state.stop(db, "cloud", "It cannot be reached.", None)
    page = Member(app_of(world)).post("/setup/check", engine="").text
    assert page.count("Ready.") == 2
    assert "It cannot be reached." not in page


def test_a_form_without_its_token_checks_and_enrols_nothing(world: World) -> None:
    engine = FaceEngine()
    world.engines = [engine]
    member = Member(app_of(world))
    for path in ("/setup/check", "/setup/engines/who/enrol"):
        assert member.client.post(path).status_code == 400
    assert (engine.opened, engine.begun) == (0, 0)


def test_budgets_are_shown_with_what_is_in_doubt(world: World) -> None:
    world.picture("rose.png", "red")
    world.scan()
    paid(world, limits=Limits(1000, 5.0))
    spend(world, 3)
    with world.store.write() as db:
        engine_state.put_state(db, "cloud", NOTICE, "412 of 1000 calls are used there.")
        db.exec_driver_sql("UPDATE calls SET state = 'lost' WHERE id = 2")
    page = " ".join(Member(app_of(world)).page("/setup").split())
    assert "3 of 1 000 calls · $0.06 of $5.00 · renews on 1 " in page
    assert "1 call with unknown result, counted as spent" in page
    assert 'aria-label="Calls: &lt;1' in page
    assert "412 of 1000 calls are used there." in page


def test_a_cost_that_nobody_knows_is_told_so(world: World) -> None:
    paid(world, cost_usd=None)
    page = Member(app_of(world)).page("/setup")
    assert "cost per call unknown" in page
    assert "no limit set" in page


@pytest.mark.parametrize("path", ["/usage", "/egress", "/use", "/departures"])
def test_where_nothing_was_taken_the_pages_say_so(world: World, path: str) -> None:
    page = Member(app_of(world)).page(path)
    assert "No usage" in page or "No pictures sent" in page


def test_use_is_told_by_month_and_day(world: World) -> None:
    world.picture("rose.png", "red")
    world.scan()
    paid(world, limits=Limits(None, 5.0))
    spend(world, 2)
    page = Member(app_of(world)).page("/usage")
    assert "$0.04 of $5.00" in page
    assert f"<td>{datetime.now(UTC):%Y-%m-%d}</td><td>2</td><td>$0.04</td>" in page
    assert " style=" not in page


def test_departures_name_the_picture_the_engine_and_the_host(world: World) -> None:
    world.picture("rose.png", "red")
    world.scan()
    paid(world)
    spend(world, 1)
    spend(world, 1, settled=False)
    calls.run_context(world.core, "cloud").calls.reserve(
        "<b>elsewhere</b>.jpg", host="far.test", size_bytes=5, units=1
    ).settle(units=0, cost_usd=0.0)
    page = Member(app_of(world)).page("/egress")
    assert page.count("cloud · far.test · 2.0 kB") == 2
    for words in ("1 call · $0.02", "under way, or result unknown", "not counted"):
        assert page.count(words) == 1
    assert "&lt;b&gt;elsewhere&lt;/b&gt;.jpg" in page
    assert 'href="/items/1"' in page


def test_departures_come_by_parts_and_by_engine(world: World) -> None:
    world.picture("rose.png", "red")
    world.scan()
    paid(world)
    spend(world, 51)
    member = Member(app_of(world))
    page = member.page("/egress?engine=cloud")
    assert (page.count("sent-row"), "cursor=2&amp;engine=cloud" in page) == (50, True)
    rest = member.get("/egress?engine=cloud&cursor=2", htmx=True).text
    assert (rest.count("sent-row"), "<html" in rest) == (1, False)
    assert "No picture was sent to colour." in member.page("/egress?engine=colour")


def test_faces_are_enrolled_by_a_button(world: World) -> None:
    engine = FaceEngine(rest=True)
    world.engines = [engine]
    app = app_of(world)
    member = Member(app)
    assert "Enrol faces" in member.page("/setup")
    answer = member.post("/setup/engines/who/enrol")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup#engine-who")
    assert "Enrolling faces …" in member.page("/setup")
    assert "data-poll" in member.post_by_htmx("/setup/engines/who/enrol").text
    engine.go.set()
    app.extensions["tigertag"].enrolments.wait()
    part = member.get("/setup/engines/who/enrolment", htmx=True).text
    assert "3 pictures sent, 1 removed, 1 skipped." in part
    assert LEFT_OUT in part
    assert ("data-poll" in part, engine.begun) == (False, 1)


def test_what_knows_no_faces_has_no_such_button(world: World, member: Member) -> None:
    assert "Enrol" not in member.page("/setup")
    assert member.post("/setup/engines/colour/enrol").status_code == 404
