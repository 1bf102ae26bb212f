import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

KEY = "k" * 32


@pytest.fixture
def app(world: World) -> Flask:
    """The application over three pictures; scans are run by the tests, not by it."""
    for name, colour in (("a.png", "red"), ("b.png", "green"), ("c.png", "blue")):
        world.picture(name, colour)
    settings = WebSettings(password="correct horse", api_key=KEY)
    return create_app(world.core, settings, work=False)


@pytest.fixture
def rest(app: Flask) -> FlaskClient:
    """Somebody who has the key."""
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = KEY
    return client
