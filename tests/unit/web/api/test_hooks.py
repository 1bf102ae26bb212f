"""Hooks over REST: made with the key, called without it, and good for nothing else."""

import json
import logging
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.services.test_announcements import PLEX_NEW
from tests.unit.web.api.asking import got, post, problem, wrong
from tests.world import World
from tigertag.services import scan_requests

MIB = 1024 * 1024


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A program without the key."""
    return app.test_client()


@pytest.fixture
def token(rest: FlaskClient) -> str:
    """The token of a hook for the library."""
    made = post(rest, "hooks", {"name": "plex", "library": "photos"}).get_json()
    assert made["url"] == f"http://localhost/api/v1/hooks/{made['token']}"
    return str(made["token"])


def _wanted(world: World) -> list[str]:
    return [row.wanted.section for row in scan_requests.waiting(world.core)]


def _form(**parts: str | bytes) -> dict[str, Any]:
    """A form as Plex sends it: text, and a picture with the name of a file."""
    body = b""
    for name, value in parts.items():
        file = '; filename="thumb.jpg"' if isinstance(value, bytes) else ""
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return {"data": body + b"--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def test_a_program_without_the_key_announces_news(
    world: World, stranger: FlaskClient, token: str
) -> None:
    answer = stranger.post(f"/api/v1/hooks/{token}", json={"library": "photos", "section": "."})
    assert (answer.status_code, answer.get_json()["sections"]) == (200, ["photos/."])
    assert _wanted(world) == ["."]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_json_of_any_type_of_content_is_read(
    stranger: FlaskClient, token: str, content_type: str | None
) -> None:
    """Jellyfin's plugin sends what its template's author thought of."""
    data = b'{"library": "photos"}'
    answer = stranger.post(f"/api/v1/hooks/{token}", data=data, content_type=content_type)
    assert answer.get_json()["sections"] == ["photos"]


@pytest.mark.parametrize("part", ["payload", "data"])
def test_a_picture_beside_the_payload_is_dropped(
    world: World, stranger: FlaskClient, token: str, part: str
) -> None:
    metadata = PLEX_NEW["Metadata"] | {"librarySectionID": "."}  # type: ignore[operator]
    news = json.dumps(PLEX_NEW | {"Metadata": metadata})
    picture = b"\xff\xd8\xff" + b"x" * 900_000
    parts: dict[str, str | bytes] = {part: news, "thumb": picture}
    answer = stranger.post(f"/api/v1/hooks/{token}", **_form(**parts))
    assert answer.status_code == 200, answer.text
    assert _wanted(world) == ["."]


def test_a_form_without_a_payload_is_refused(stranger: FlaskClient, token: str) -> None:
    answer = stranger.post(f"/api/v1/hooks/{token}", **_form(thumb=b"x"))
    assert "payload" in problem(answer, 422)
    answer = stranger.post(
        f"/api/v1/hooks/{token}", data=b"--torn", content_type="multipart/form-data; boundary=x"
    )
    assert "payload" in problem(answer, 422)


def test_a_body_over_1_mib_is_refused(world: World, stranger: FlaskClient, token: str) -> None:
    big = json.dumps({"library": "photos", "path": "x" * MIB})
    for answer in (
        stranger.post(f"/api/v1/hooks/{token}", data=big),
        stranger.post(f"/api/v1/hooks/{token}", **_form(payload=big)),
        _chunked(stranger, token, data=big.encode(), content_type="application/json"),
        _chunked(stranger, token, **_form(payload="{}", thumb=b"x" * MIB)),
    ):
        assert "1 MiB" in problem(answer, 413)
    assert _wanted(world) == []


def _chunked(stranger: FlaskClient, token: str, *, data: bytes, content_type: str) -> TestResponse:
    """Send a body that does not tell its length."""
    return stranger.post(
        f"/api/v1/hooks/{token}",
        input_stream=BytesIO(data),
        headers={"Content-Type": content_type},
        environ_base={"wsgi.input_terminated": True},
    )


def test_what_is_not_understood_says_why(world: World, stranger: FlaskClient, token: str) -> None:
    for body in (b"", b"hello", b'{"text": "hi"}', b'{"library": "films"}'):
        assert problem(stranger.post(f"/api/v1/hooks/{token}", data=body), 422)
    assert _wanted(world) == []


def test_a_wrong_token_is_unknown_and_guessing_is_throttled(
    rest: FlaskClient, stranger: FlaskClient, token: str
) -> None:
    (hook,) = got(rest, "hooks")["items"]
    assert rest.delete(f"/api/v1/hooks/{hook['id']}").status_code == 204
    for guess in (token, "x", str(hook["id"]), "%00", "a" * 500):
        problem(stranger.post(f"/api/v1/hooks/{guess}", json={"library": "photos"}), 404)
    answer = stranger.post(f"/api/v1/hooks/{token}", json={"library": "photos"})
    problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 900


def test_a_token_is_good_for_nothing_but_news(
    stranger: FlaskClient, rest: FlaskClient, token: str
) -> None:
    assert stranger.get(f"/api/v1/hooks/{token}").status_code == 401
    assert stranger.delete(f"/api/v1/hooks/{token}").status_code == 401
    assert stranger.post("/api/v1/hooks", json={"name": "x"}).status_code == 401
    assert stranger.post(f"/api/v1/hooks/{token}/", json={}).status_code == 401
    key = {"X-Api-Key": token}
    assert stranger.get("/api/v1/hooks", headers=key).status_code == 401
    assert token not in rest.get("/api/v1/hooks").text


def test_a_hook_is_shown_with_its_calls(stranger: FlaskClient, rest: FlaskClient) -> None:
    made = post(rest, "hooks", {"name": "arr", "write": "apply"})
    assert made.status_code == 201
    test = {"eventType": "Test", "series": {"path": "/x"}}
    stranger.post(f"/api/v1/hooks/{made.get_json()['token']}", json=test)
    (hook,) = got(rest, "hooks")["items"]
    assert (hook["name"], hook["write"], hook["news"], hook["others"]) == ("arr", "apply", 0, 1)
    assert hook["last_at"] is not None


def test_a_hook_needs_a_name_and_a_library_that_is_there(rest: FlaskClient) -> None:
    assert wrong(post(rest, "hooks", {}))["name"]
    assert wrong(post(rest, "hooks", {"name": "x" * 65}))["name"]
    problem(post(rest, "hooks", {"name": "x", "library": "films"}), 404)
    problem(post(rest, "hooks", {"name": "x", "library": "photos", "section": "nowhere"}), 404)


def test_a_token_is_in_no_line_of_the_log(
    world: World,
    stranger: FlaskClient,
    token: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: object) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.DEBUG):
        stranger.post(f"/api/v1/hooks/{token}", data=b"nonsense")
        monkeypatch.setattr("tigertag.services.hooks.announce", fail)
        assert stranger.post(f"/api/v1/hooks/{token}", json={}).status_code == 500
    assert "failed" in caplog.text
    assert token not in caplog.text


def test_servers_log_no_token(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Gunicorn names the address of a request that fails on the way, and of each in its log."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("gunicorn.error").error("Error handling request %s", f"/hooks/{token}?x")
        line = {"r": f"POST /tiger/api/v1/hooks/{token} HTTP/1.1"}
        logging.getLogger("gunicorn.access").info('"%(r)s" 200', line)
    assert "/hooks/***?x" in caplog.text
    assert "POST /tiger/api/v1/hooks/*** HTTP/1.1" in caplog.text
    assert token not in caplog.text
