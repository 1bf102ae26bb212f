"""Exceptions become answers in one place."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.web.api.asking import problem
from tests.world import World
from tigertag import errors
from tigertag.errors import TigerTagError
from tigertag.settings import WebSettings
from tigertag.web import state
from tigertag.web.app import create_app
from tigertag.web.errors import status_of

KEY = "k" * 32
Raise = Callable[[Exception, str], TestResponse]


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.core, WebSettings("correct horse", KEY), work=False)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who signed in, and who has the key."""
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = KEY
    with client.session_transaction() as session:
        session["epoch"] = state.of(app).accounts.epoch()
        session["session"] = state.of(app).accounts.begin("::1")
    return client


@pytest.fixture
def raised(app: Flask, client: FlaskClient) -> Raise:
    """What is answered when a view raises this, under this path."""

    def ask(error: Exception, path: str) -> TestResponse:
        def view() -> str:
            raise error

        app.add_url_rule(path, "raises", view)
        return client.get(path)

    return ask


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.Throttled("x"), 429),
        (errors.RequestError("x"), 422),
        (errors.PluginError("x"), 409),
        (errors.ItemGone("x"), 404),
        (errors.Unreadable("x"), 404),
        (errors.LibraryUnavailable("x"), 502),
        (errors.LibraryReadOnly("x"), 502),
        (errors.HttpError("x", status=500), 502),
        (errors.Unavailable("x"), 502),
        (errors.StoreUnavailable("x"), 503),
        (errors.StoreFull("x"), 503),
        (errors.SchemaMismatch("x"), 503),
        (errors.SettingsError("x"), 500),
    ],
)
def test_each_exception_has_its_status(error: TigerTagError, status: int) -> None:
    assert status_of(error) == status


def test_under_api_an_error_is_a_problem_of_one_line(raised: Raise) -> None:
    answer = raised(errors.Conflict("Not now.\nTry\tagain."), "/api/v1/raises")
    assert problem(answer, 409) == "Not now. Try again."


def test_elsewhere_an_error_is_a_page(raised: Raise) -> None:
    answer = raised(errors.NotFound("There is no <b>such</b> thing."), "/raises")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is no &lt;b&gt;such&lt;/b&gt; thing." in answer.text


def test_a_password_in_an_address_is_not_shown(raised: Raise) -> None:
    error = errors.LibraryUnavailable("http://me:secret@plex:32400 does not answer.")
    assert "secret" not in problem(raised(error, "/api/v1/raises"), 502)


def test_an_error_says_when_to_try_again(raised: Raise) -> None:
    answer = raised(errors.HttpError("Plex migrates.", retry_after_s=2.2), "/api/v1/raises")
    assert (answer.status_code, answer.headers["Retry-After"]) == (502, "3")


def test_a_bug_is_logged_and_tells_nothing(raised: Raise, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = raised(ZeroDivisionError("secret of the house"), "/api/v1/raises")
    assert "secret" not in problem(answer, 500)
    assert "Traceback" not in answer.text
    (record,) = [one for one in caplog.records if one.name == "tigertag.web.errors"]
    assert record.exc_info
    assert "/api/v1/raises" in record.getMessage()


def test_a_bug_in_a_page_is_logged_and_tells_nothing(
    raised: Raise, caplog: pytest.LogCaptureFixture
) -> None:
    answer = raised(ZeroDivisionError("secret of the house"), "/raises")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "secret" not in answer.text
    assert any(one.exc_info for one in caplog.records)


def test_a_page_that_is_not_there_is_a_page(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing at this address." in answer.text
