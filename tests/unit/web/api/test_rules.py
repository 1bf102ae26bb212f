"""REST's rules: added, listed, removed, refused."""

from typing import Any

import pytest
from flask.testing import FlaskClient

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
