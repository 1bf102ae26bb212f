"""REST's overview, status, tasks and events."""

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, problem, wrong
from tests.world import World
from tigertag import __version__
from tigertag.contracts import Failed
from tigertag.services import events


def test_the_overview_is_of_today_unless_more_days_are_asked_for(
    world: World, rest: FlaskClient
) -> None:
    world.scan("apply")
    today, month = got(rest, "overview"), got(rest, "overview?days=30")
    assert (today["days"], today["items"], today["added"]) == (1, 3, 3)
    assert (month["days"], month["failures"], month["engines"]) == (30, [], [])


def test_an_overview_of_other_days_is_refused(rest: FlaskClient) -> None:
    assert wrong(rest.get("/api/v1/overview?days=2")).keys() == {"days"}


def test_problems_with_the_same_reason_are_listed(world: World, rest: FlaskClient) -> None:
    world.engine.fails["red"] = Failed("", "too red", retryable=False)
    world.engine.fails["blue"] = Failed("", "too blue", retryable=False)
    world.scan()
    for failure in got(rest, "overview")["failures"]:
        (listed,) = got(rest, f"problems?like={failure['problem_id']}")["items"]
        assert listed["reason"] == failure["reason"]
    assert problem(rest.get("/api/v1/problems?like=7"), 404)


def test_the_status_names_versions_and_the_database(rest: FlaskClient) -> None:
    shown = got(rest, "system")
    assert shown["version"] == __version__
    assert (shown["database"]["kind"], shown["database"]["size_bytes"] > 0) == ("SQLite", True)
    assert shown["packages"]["Flask"]
    assert "web" in [process["role"] for process in shown["processes"]]
    assert shown["disk"]["free_bytes"] > 0


def test_tasks_are_scans_and_what_runs_by_itself(world: World, rest: FlaskClient) -> None:
    scan_id = world.start()
    shown = got(rest, "tasks")
    assert [scan["id"] for scan in shown["scans"]] == [scan_id]
    assert "scan-requests" in [task["name"] for task in shown["background"]]


def test_events_are_filtered_and_come_in_parts(world: World, rest: FlaskClient) -> None:
    for level in ("info", "warning", "error"):
        events.record(world.core, level, "backup", level)
    page = got(rest, "events?source=backup&level=warning&limit=1")
    more = got(rest, f"events?source=backup&level=warning&cursor={page['next']}")
    assert [event["message"] for event in (*page["items"], *more["items"])] == ["error", "warning"]
    assert more["next"] is None


@pytest.mark.parametrize("query", ["level=loud", "source=weather", "cursor=x"])
def test_events_that_cannot_be_are_refused(rest: FlaskClient, query: str) -> None:
    assert problem(rest.get(f"/api/v1/events?{query}"), 422)
