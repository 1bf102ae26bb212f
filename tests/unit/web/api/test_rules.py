"""REST's rules: added, listed, removed, refused."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.web.api.asking import got, post, problem, wrong
from tests.world import World


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"word": "red"}, "action"),
        ({"action": "forbid", "word": "red"}, "action"),
        ({"action": "deny"}, "word"),
        ({"action": "deny", "word": ""}, "word"),
        ({"action": "deny", "word": " \t\u0085"}, "word"),
        ({"action": "deny", "word": "*"}, "word"),
        ({"action": "deny", "word": "x" * 201}, "word"),
        ({"action": "deny", "word": "red", "to": "rot"}, "to"),
        ({"action": "rename", "word": "red"}, "to"),
        ({"action": "rename", "word": "red", "to": " "}, "to"),
        ({"action": "rename", "word": "*", "to": "rot"}, "word"),
        ({"action": "threshold", "word": "red"}, "at"),
        ({"action": "threshold", "word": "red", "at": 1.01}, "at"),
        ({"action": "threshold", "word": "red", "at": "0.9"}, "at"),
        ({"action": "threshold", "word": "red", "at": True}, "at"),
        ({"action": "deny", "word": "red", "engine": "no such thing"}, "engine"),
        ({"action": "deny", "word": "red", "section": "photos"}, "section"),
        ({"action": "deny", "word": "red", "section": "photos/\x00"}, "section"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    rest: FlaskClient, body: dict[str, Any], field: str
) -> None:
    assert list(wrong(post(rest, "rules", body))) == [field]
    assert got(rest, "rules")["items"] == []


def test_an_action_that_is_misspelt_is_named_with_the_one_that_was_meant(
    rest: FlaskClient,
) -> None:
    errors = wrong(post(rest, "rules", {"action": "renam", "word": "red", "to": "rot"}))
    assert "did you mean 'rename'?" in errors["action"]


def test_a_rule_that_is_not_there_is_not_found(rest: FlaskClient) -> None:
    assert "no rule 7" in problem(rest.get("/api/v1/rules/7"), 404)
    assert "no rule 7" in problem(rest.delete("/api/v1/rules/7"), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "deny", "word": "red"},
        {"action": "allow", "word": "red", "engine": "colour"},
        {"action": "rename", "word": "red", "to": "Rot 🟥", "section": "photos/."},
        {"action": "threshold", "word": "*", "at": 0.95},
        {"action": "threshold", "word": "red", "at": 1},
    ],
)
def test_a_rule_is_kept_as_it_was_added(rest: FlaskClient, body: dict[str, Any]) -> None:
    answer = post(rest, "rules", body)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/rules/1")
    absent = {"engine": "", "section": "", "to": None, "at": None}
    assert answer.get_json() == {"id": 1} | absent | body
    assert got(rest, "rules/1") == answer.get_json()
    assert got(rest, "rules") == {"items": [answer.get_json()], "next": None}


def test_a_rule_that_is_removed_is_gone(rest: FlaskClient) -> None:
    post(rest, "rules", {"action": "deny", "word": "red"})
    answer = rest.delete("/api/v1/rules/1")
    assert (answer.status_code, answer.data) == (204, b"")
    assert got(rest, "rules")["items"] == []


def test_a_rule_bears_on_what_is_decided_next(world: World, rest: FlaskClient) -> None:
    world.scan("apply")
    post(rest, "rules", {"action": "rename", "word": "red", "to": "rot"})
    scan = post(rest, "scans", {"library": "photos", "mode": "decide", "write": "apply"})
    world.run(scan.get_json()["id"])
    assert world.tags("a.png") == {"rot"}


def _change(rest: FlaskClient, rule_id: int, **changes: Any) -> TestResponse:
    return rest.patch(f"/api/v1/rules/{rule_id}", json=changes)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"to": "rot"}, 409), ({"at": 1.5}, 422), ({"word": "blue"}, 422), ({"engine": "none"}, 404)],
)
def test_a_change_that_does_not_fit_a_rule_changes_nothing(
    rest: FlaskClient, changes: dict[str, Any], status: int
) -> None:
    before = post(rest, "rules", {"action": "threshold", "word": "red", "at": 0.8}).get_json()
    assert problem(_change(rest, 1, **changes), status)
    assert got(rest, "rules/1") == before


def test_a_change_says_only_what_is_to_be_different(rest: FlaskClient) -> None:
    post(rest, "rules", {"action": "threshold", "word": "red", "at": 0.8})
    assert _change(rest, 1, section="photos/.").status_code == 200
    changed = _change(rest, 1, at=0.9, engine="colour").get_json()
    assert (changed["at"], changed["engine"], changed["section"]) == (0.9, "colour", "photos/.")
    assert got(rest, "rules/1") == changed


def test_a_rule_does_not_move_to_where_another_contradicts_it(rest: FlaskClient) -> None:
    post(rest, "rules", {"action": "deny", "word": "red"})
    post(rest, "rules", {"action": "allow", "word": "red", "engine": "colour"})
    assert "Rule 1" in problem(_change(rest, 2, engine=""), 409)
    assert got(rest, "rules/2")["engine"] == "colour"


def test_there_is_no_rule_to_change(rest: FlaskClient) -> None:
    assert "no rule 7" in problem(_change(rest, 7, engine=""), 404)
