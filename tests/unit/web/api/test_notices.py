"""Notices over REST."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.notices import with_channels
from tests.sinks import WebSink, web_sink
from tests.unit.web.api.asking import got, post, problem
from tests.unit.web.api.conftest import KEY
from tests.world import World
from tigertag.services import notices
from tigertag.settings import WebSettings
from tigertag.store import engine_state
from tigertag.web.app import create_app


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def rest(world: World, web: WebSink) -> FlaskClient:
    core = with_channels(world, web.url, "nonsense")
    client = create_app(core, WebSettings("correct horse", KEY), work=False).test_client()
    client.environ_base["HTTP_X_API_KEY"] = KEY
    return client


def test_a_channel_that_is_unknown_is_named(rest: FlaskClient) -> None:
    assert "'z'" in problem(post(rest, "notices/test", {"channel": "z"}), 404)


def test_a_test_without_channels_says_what_to_set(world: World) -> None:
    app = create_app(world.core, WebSettings("correct horse", KEY), work=False)
    answer = app.test_client().post("/api/v1/notices/test", headers={"X-Api-Key": KEY})
    assert "NOTIFY_<X>_URL" in problem(answer, 409)


def test_a_test_says_of_each_channel_whether_it_was_sent(rest: FlaskClient, web: WebSink) -> None:
    sent, broken = post(rest, "notices/test").get_json()["items"]
    assert sent == {"channel": "a", "problem": ""}
    assert broken["problem"].startswith("NOTIFY_B_URL: ")
    assert web.titles == ["TigerTag: test"]


def test_channels_conditions_and_notices_are_listed_without_addresses(
    world: World, rest: FlaskClient
) -> None:
    with world.store.write() as db:
        engine_state.stop(db, "colour", "The key is wrong.", None)
    notices.watch(with_channels(world, "json://127.0.0.1:9"))
    shown = got(rest, "notices")
    assert [each["id"] for each in shown["channels"]] == ["a", "b"]
    assert [each["subject"] for each in shown["conditions"]] == ["colour"]
    assert [each["state"] for each in shown["notices"]] == ["waiting"]
    assert "hunter2" not in str(shown)
    assert "secret-token" not in str(shown)


def test_a_broken_channel_shows_in_health(rest: FlaskClient) -> None:
    assert "channel b" in str(got(rest, "health"))
