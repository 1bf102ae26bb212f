"""REST's schedules: added, changed, run, removed, refused."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem, wrong
from tests.world import World
from tigertag.services import scan_requests

NIGHTLY = {"id": "nightly", "cron": "0 2 * * *", "library": "photos"}


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"cron": "0 25 * * *"}, 422, "the hour '25'"),
        ({"cron": "0 2 31 2 *"}, 422, "never fires"),
        ({"library": "fotos"}, 404, "did you mean 'photos'?"),
        ({"section": "Nowhere"}, 404, "no section"),
        ({"engines": ["color"]}, 404, "did you mean 'colour'?"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    rest: FlaskClient, change: dict[str, Any], status: int, message: str
) -> None:
    assert message in problem(post(rest, "schedules", NIGHTLY | change), status)
    assert got(rest, "schedules")["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "night-ly"}, "id"),
        ({"id": ""}, "id"),
        ({"mode": "force"}, "mode"),
        ({"write": True}, "write"),
        ({"corn": "0 2 * * *"}, "corn"),
        ({"enabled": "false"}, "enabled"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    rest: FlaskClient, change: dict[str, Any], field: str
) -> None:
    assert list(wrong(post(rest, "schedules", NIGHTLY | change))) == [field]


def test_a_schedule_is_a_preview_unless_it_says_otherwise(rest: FlaskClient) -> None:
    answer = post(rest, "schedules", NIGHTLY)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/schedules/nightly")
    saved = answer.get_json()
    assert saved == got(rest, "schedules/nightly") == got(rest, "schedules")["items"][0]
    assert (saved["write"], saved["mode"], saved["words"]) == (
        *("preview", "changed"),
        "every night at 02:00, UTC",
    )
    assert len(saved["next_runs"]) == 3
    assert "already" in problem(post(rest, "schedules", NIGHTLY), 409)


def test_it_is_paused_and_changed_a_field_at_a_time(rest: FlaskClient) -> None:
    post(rest, "schedules", NIGHTLY)
    paused = rest.patch("/api/v1/schedules/nightly", json={"enabled": False}).get_json()
    assert (paused["enabled"], paused["next_runs"], paused["cron"]) == (False, [], "0 2 * * *")
    answer = rest.patch("/api/v1/schedules/nightly", json={"cron": "0 2 * *"})
    assert "4 fields" in problem(answer, 422)


def test_it_runs_now(world: World, rest: FlaskClient) -> None:
    post(rest, "schedules", NIGHTLY)
    answer = post(rest, "schedules/nightly/run")
    (run,) = answer.get_json()["runs"]
    assert (answer.status_code, run["kind"], run["scans"]) == (202, "manual", [])
    for _ in range(2):
        scan_requests.start_due(world.core)
    (run,) = got(rest, "schedules/nightly")["runs"]
    assert (run["outcome"], run["scans"]) == ("queued", [1])


def test_it_is_gone_once_it_is_removed(rest: FlaskClient) -> None:
    post(rest, "schedules", NIGHTLY)
    assert rest.delete("/api/v1/schedules/nightly").status_code == 204
    assert "no schedule" in problem(rest.get("/api/v1/schedules/nightly"), 404)
    assert "no schedule" in problem(post(rest, "schedules/nightly/run"), 404)
