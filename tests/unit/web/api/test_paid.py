"""REST's view of what is paid for: forecasts, waits, use, departures, checks, faces."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.colours import ColourEngine
from tests.face_engine import LEFT_OUT, FaceEngine
from tests.unit.web.api.asking import got, post, problem, wrong
from tests.world import World
from tigertag.errors import AuthFailed, Unavailable
from tigertag.scan import calls
from tigertag.store import engine_state
from tigertag.store.usage import Limits

pytestmark = pytest.mark.slow

FORECAST = {"library": "photos", "mode": "forecast"}


@pytest.fixture(autouse=True)
def cloud(world: World) -> ColourEngine:
    """An engine that is paid for, of which two calls are allowed; the others are free."""
    made = ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.02)
    world.engines = [world.engine, made, FaceEngine()]
    world.terms["cloud"] = {"limits": Limits(2, 5.0), "waits_for_budget": True, "order": 50}
    return made


def test_a_misspelt_kind_of_forecast_is_named(rest: FlaskClient) -> None:
    assert (
        "changed, new, force"
        in wrong(post(rest, "scans", FORECAST | {"forecast_of": "all"}))["forecast_of"]
    )


def test_a_forecast_counts_and_asks_nobody(
    world: World, rest: FlaskClient, cloud: ColourEngine
) -> None:
    made = post(rest, "scans", FORECAST | {"write": "apply"})
    scan = made.get_json()
    assert (made.status_code, scan["mode"], scan["forecast_of"]) == (202, "forecast", "changed")
    assert (scan["write"], scan["forecast"]) == ("preview", None)
    world.run(1)
    found = got(rest, "scans/1")["forecast"]
    assert found["engines"][0] == {
        "engine": "cloud",
        "items": 3,
        "calls": 3,
        "cost_usd": pytest.approx(0.06),
        "paid": True,
        "at_most": False,
        "units_left": 2,
        "usd_left": 5.0,
        "enough": False,
    }
    assert (found["paid"], found["unknown"], cloud.asked) == (True, [], [])


def test_a_forecast_of_everything_anew_counts_what_was_answered(
    world: World, rest: FlaskClient
) -> None:
    world.scan_with("colour")
    body = {"engines": ["colour"]}
    for kind, items in (("changed", 0), ("force", 3)):
        scan = post(rest, "scans", FORECAST | body | {"forecast_of": kind}).get_json()
        world.run(scan["id"])
        asked = got(rest, f"scans/{scan['id']}")["forecast"]["engines"]
        assert sum(one["items"] for one in asked) == items


def test_a_forecast_is_neither_applied_nor_undone(world: World, rest: FlaskClient) -> None:
    post(rest, "scans", FORECAST)
    world.run(1)
    assert "forecast" in problem(post(rest, "scans/1/apply"), 409)
    assert problem(post(rest, "scans/1/undo"), 409)


def test_a_scan_that_waits_for_the_next_month_says_until_when(
    world: World, rest: FlaskClient
) -> None:
    world.scan()
    scan = got(rest, "scans/1")
    assert (scan["state"], set(scan["waits"])) == ("waiting", {"cloud"})
    assert "1 item waiting: It has used up" in scan["waits"]["cloud"]
    assert datetime.fromisoformat(scan["due_at"]) > datetime.now(UTC)


def test_what_was_spared_is_told(world: World, rest: FlaskClient) -> None:
    world.terms["cloud"] |= {"only_uncertain": True, "order": 200}
    world.scan()
    spared = got(rest, "scans/1")["spared"]
    assert spared == {"cloud": {"items": 3, "cost_usd": pytest.approx(0.06)}}


def test_a_cost_that_nobody_knows_is_null(
    world: World, rest: FlaskClient, cloud: ColourEngine
) -> None:
    cloud.cost_usd = None
    world.terms["cloud"]["limits"] = Limits()
    post(rest, "scans", FORECAST)
    world.run(1)
    found = got(rest, "scans/1")["forecast"]
    assert (found["engines"][0]["cost_usd"], found["unknown"]) == (None, ["cloud"])


def test_engines_say_why_they_stopped_and_what_they_took(world: World, rest: FlaskClient) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    with world.store.write() as db:
        engine_state.stop(db, "cloud", "It cannot be reached.", until)
    found = {one["id"]: one for one in got(rest, "engines")["items"]}
    one = found["cloud"]
    assert (one["status"], one["reason"]) == ("stopped", "It cannot be reached.")
    assert datetime.fromisoformat(one["until"]) == until
    assert (one["paid"], one["use"]["units_limit"], one["use"]["units"]) == (True, 2, 0)
    assert [name for name, one in found.items() if one["knows_faces"]] == ["who"]


@pytest.mark.parametrize(
    ("error", "line"),
    [(AuthFailed("Its key was refused."), "Its key"), (Unavailable("No route."), "No route.")],
)
def test_a_check_that_fails_is_a_line(
    rest: FlaskClient, cloud: ColourEngine, error: Exception, line: str
) -> None:
    cloud.raises["open"] = error
    answer = post(rest, "engines/check", {"engines": ["cloud"]})
    (found,) = answer.get_json()["items"]
    assert (answer.status_code, found["engine"], found["ok"]) == (200, "cloud", False)
    assert found["line"].startswith(line)


def test_a_check_without_a_body_tries_all(rest: FlaskClient) -> None:
    for body in (None, {}, {"engines": None}):
        found = post(rest, "engines/check", body).get_json()["items"]
        assert {one["engine"]: one["ok"] for one in found} == {
            "cloud": True,
            "colour": True,
            "who": True,
        }


def test_a_check_refuses_what_it_does_not_know(rest: FlaskClient) -> None:
    assert "did you mean 'cloud'?" in problem(
        post(rest, "engines/check", {"engines": ["clud"]}), 404
    )
    assert "engine" in wrong(post(rest, "engines/check", {"engine": "cloud"}))
    assert wrong(post(rest, "engines/check", {"engines": []}))
    assert problem(rest.post("/api/v1/engines/check", data="engines=cloud"), 415)
    headers = {"Content-Type": "application/json"}
    assert problem(rest.post("/api/v1/engines/check", data="{", headers=headers), 400)


def test_faces_are_enrolled_beside(app: Flask, world: World, rest: FlaskClient) -> None:
    engine = world.engines[2]
    assert isinstance(engine, FaceEngine)
    engine.rest = True
    assert got(rest, "engines/who/enrol")["state"] == "none"
    begun = post(rest, "engines/WHO/enrol")
    assert (begun.status_code, begun.get_json()["state"]) == (202, "running")
    assert begun.headers["Location"] == "/api/v1/engines/who/enrol"
    engine.go.set()
    app.extensions["tigertag"].enrolments.wait()
    assert got(rest, "engines/who/enrol") == {
        "engine": "who",
        "state": "done",
        "added": 3,
        "removed": 1,
        "problems": [LEFT_OUT],
        "error": "",
    }


def test_what_knows_no_faces_enrols_none(rest: FlaskClient) -> None:
    assert "does not recognise faces" in problem(post(rest, "engines/colour/enrol"), 404)
    assert "did you mean 'who'?" in problem(rest.get("/api/v1/engines/woh/enrol"), 404)
    assert "force" in problem(post(rest, "engines/who/enrol", {"force": True}), 422)


def test_use_counts_what_is_in_doubt(world: World, rest: FlaskClient) -> None:
    ledger = calls.run_context(world.core, "cloud").calls
    ledger.reserve("a.jpg", host="far.test", size_bytes=9, units=1, cost_usd=0.02)
    with world.store.write() as db:
        db.exec_driver_sql("UPDATE calls SET state = 'lost'")
    found = got(rest, "use")
    (month,) = found["months"]
    assert (month["engine"], month["units"], month["in_doubt"]) == ("cloud", 1, 1)
    (day,) = found["days"]
    assert day == {
        "engine": "cloud",
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "units": 1,
        "cost_usd": 0.02,
    }


def test_departures_come_by_parts_and_by_engine(world: World, rest: FlaskClient) -> None:
    world.scan()
    calls.run_context(world.core, "who").calls.reserve("b.jpg", host="who.test", size_bytes=9)
    first = got(rest, "departures?limit=1")
    (one,) = first["items"]
    assert (one["engine"], one["item"], one["name"]) == ("who", None, "b.jpg")
    assert (one["host"], one["bytes"], one["state"]) == ("who.test", 9, "open")
    rest_of_it = got(rest, f"departures?cursor={first['next']}")
    assert [one["item"]["key"] for one in rest_of_it["items"]] == ["b.png", "a.png"]
    assert len(got(rest, "departures?engine=cloud")["items"]) == 2
    assert got(rest, "departures?engine=nobody")["items"] == []
