"""Models over REST, with a server that has a small YOLOX-Tiny."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.flaky_server import FlakyServer, serving
from tests.small_models import TINY, publish
from tests.unit.web.api.asking import got, post, problem
from tests.world import World
from tigertag.web import state


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    with serving(TINY) as started:
        publish(monkeypatch, tmp_path / "baked", started)
        yield started


def fetch(rest: FlaskClient, name: str = "yolox-tiny") -> None:
    answer = post(rest, f"models/{name}/fetch")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/v1/models/{name}"
    state.of(rest.application).model_fetches.wait()


def test_a_model_that_is_unknown_is_named(rest: FlaskClient) -> None:
    for answer in (
        rest.get("/api/v1/models/yolox-tny"),
        post(rest, "models/yolox-tny/fetch"),
        post(rest, "models/yolox-tny/verify"),
        rest.delete("/api/v1/models/yolox-tny"),
    ):
        assert "did you mean 'yolox-tiny'?" in problem(answer, 404)


def test_a_download_that_fails_says_why(rest: FlaskClient, server: FlakyServer) -> None:
    server.faults = ["page"]
    fetch(rest)
    shown = got(rest, "models/yolox-tiny")
    assert (shown["state"], shown["loaded_bytes"]) == ("absent", 0)
    assert "a web page instead of the file" in shown["problem"]


def test_a_model_that_is_not_here_is_not_removed(rest: FlaskClient) -> None:
    assert "not on this machine" in problem(rest.delete("/api/v1/models/yolox-tiny"), 404)


def test_a_model_that_is_not_here_is_not_verified(rest: FlaskClient) -> None:
    assert "fetch it first" in problem(post(rest, "models/yolox-tiny/verify"), 404)


def test_a_changed_model_is_not_verified(rest: FlaskClient, world: World) -> None:
    fetch(rest)
    (world.host.models / "yolox_tiny.onnx").write_bytes(TINY[::-1])
    shown = post(rest, "models/yolox-tiny/verify").get_json()
    assert (shown["state"], "SHA-256" in shown["problem"]) == ("changed", True)


def test_a_download_is_stopped(rest: FlaskClient, server: FlakyServer) -> None:
    assert "nothing to stop" in problem(rest.delete("/api/v1/models/yolox-tiny/fetch"), 409)
    server.faults = ["drip"]
    assert post(rest, "models/yolox-tiny/fetch").status_code == 202
    assert rest.delete("/api/v1/models/yolox-tiny/fetch").status_code == 204
    state.of(rest.application).model_fetches.wait()
    shown = got(rest, "models/yolox-tiny")
    assert (shown["state"], shown["problem"]) == ("absent", "")


def test_a_model_is_fetched_and_removed(rest: FlaskClient) -> None:
    fetch(rest)
    assert [each["state"] for each in got(rest, "models")["items"]] == ["installed", "absent"]
    assert rest.delete("/api/v1/models/yolox-tiny").status_code == 204
    assert got(rest, "models/yolox-tiny")["state"] == "absent"
