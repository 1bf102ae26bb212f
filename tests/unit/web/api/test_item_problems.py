"""REST's problems of items: listed, ignored, shown again."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem
from tests.world import World
from tigertag.contracts import Failed


@pytest.fixture
def failing(world: World, rest: FlaskClient) -> FlaskClient:
    """A service that has scanned: a.png failed for good."""
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    world.scan()
    return rest


def listed(rest: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = got(rest, f"problems{query}")["items"]
    return found


def test_a_problem_is_listed_with_all_that_is_known_of_it(failing: FlaskClient) -> None:
    (one,) = listed(failing, "?library=photos")
    assert one.pop("since").endswith("Z")
    assert one.pop("item")["key"] == "a.png"
    assert one == {
        "id": 1,
        "engine": "colour",
        "reason": "It is torn.",
        "again": False,
        "ignored": False,
        "tries": 1,
        "retry_at": None,
        "given_up": False,
    }


def test_problems_are_grouped_by_reason_and_retried_together(failing: FlaskClient) -> None:
    groups = got(failing, "problems/reasons")["items"]
    reason = "It is torn."
    (problem_id,) = (row.pop("problem_id") for row in groups)
    assert groups == [{"engine": "colour", "reason": reason, "problems": 1, "given_up": 0}]
    assert got(failing, f"problems?like={problem_id}")["items"]
    retried = post(failing, "problems/retry", {"engine": "colour", "reason": reason}).get_json()
    assert (retried["problems"], len(retried["scans"]), retried["waiting"]) == (1, 1, [])
    assert got(failing, f"scans/{retried['scans'][0]}")["mode"] == "retry"


def test_one_is_retried_by_its_number(failing: FlaskClient) -> None:
    assert post(failing, "problems/1/retry").get_json()["problems"] == 1
    assert listed(failing)[0]["tries"] == 0
    assert problem(post(failing, "problems/7/retry"), 404)


def test_scans_and_sections_count_items_with_problems(failing: FlaskClient) -> None:
    newest = got(failing, "scans")["items"][0]["counts"]
    (section,) = got(failing, "libraries")["items"][0]["sections"]
    assert (newest["failed"], newest["problems"], section["problems"]) == (0, 1, 1)


def test_one_is_ignored_and_shown_again(failing: FlaskClient) -> None:
    assert post(failing, "problems/1/ignore").get_json()["ignored"] is True
    assert (listed(failing), len(listed(failing, "?ignored=true"))) == ([], 1)
    assert post(failing, "problems/1/show").get_json()["ignored"] is False
    assert len(listed(failing)) == 1


def test_what_is_not_there_is_not_found(failing: FlaskClient) -> None:
    assert problem(post(failing, "problems/7/ignore"), 404)
    assert problem(failing.get("/api/v1/problems?library=fotos"), 404)


def test_a_body_is_refused(failing: FlaskClient) -> None:
    assert problem(post(failing, "problems/1/ignore", {"why": "x"}), 422)
    assert len(listed(failing)) == 1
