"""`/metrics`, as Prometheus asks for it."""

from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.unit.web.conftest import API_KEY
from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

TOKEN = "m" * 20


@pytest.fixture
def prometheus(world: World) -> FlaskClient:
    web = WebSettings("correct horse", API_KEY, metrics_token=TOKEN)
    app = create_app(world.core, web, work=False)
    app.testing = True
    return app.test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "headers", [{}, bearer("wrong"), bearer(""), {"Authorization": f"Basic {TOKEN}"}]
)
def test_without_its_token_it_answers_401_and_no_page(
    prometheus: FlaskClient, headers: Mapping[str, str]
) -> None:
    answer = prometheus.get("/metrics", headers=headers)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", [TOKEN, API_KEY])
def test_the_token_and_the_key_of_rest_open_it(prometheus: FlaskClient, token: str) -> None:
    answer = prometheus.get("/metrics", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert 'tigertag_scans{state="running"} 0.0' in answer.text


def test_the_token_opens_nothing_else(prometheus: FlaskClient) -> None:
    refused = prometheus.get("/api/v1/scans", headers={"X-Api-Key": TOKEN})
    assert refused.status_code == 401


def test_no_token_set_is_no_token_that_fits(app: Flask) -> None:
    assert app.test_client().get("/metrics", headers=bearer(TOKEN)).status_code == 401


def test_it_speaks_openmetrics_to_who_asks_for_it(prometheus: FlaskClient) -> None:
    wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = prometheus.get("/metrics", headers=bearer(TOKEN) | wanted)
    assert answer.mimetype == "application/openmetrics-text"
    assert answer.text.endswith("# EOF\n")


def test_a_database_that_cannot_be_used_is_503(prometheus: FlaskClient, world: World) -> None:
    world.store.close()
    path = world.store.sqlite_path
    assert path is not None
    path.write_bytes(b"no database" * 1000)
    answer = prometheus.get("/metrics", headers=bearer(TOKEN))
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
