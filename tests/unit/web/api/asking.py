"""Asking REST, and what it answers."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def got(rest: FlaskClient, path: str) -> Any:
    """What GET returns, after a look at its status."""
    answer = rest.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def post(rest: FlaskClient, path: str, body: Any = None) -> TestResponse:
    """POST a body as JSON; None: without a body."""
    return rest.post(f"/api/v1/{path}", **({} if body is None else {"json": body}))


def problem(answer: TestResponse, status: int) -> str:
    """The detail of a problem, after a look at everything else of it."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    said = answer.get_json()
    assert (said["type"], said["status"]) == ("about:blank", status)
    assert said["title"]
    detail = said["detail"]
    assert isinstance(detail, str)
    assert detail
    assert "\n" not in detail
    return detail


def wrong(answer: TestResponse) -> dict[str, str]:
    """What a 422 says of which field."""
    problem(answer, 422)
    return {one["field"]: one["detail"] for one in answer.get_json()["errors"]}
