import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

PASSWORD = "correct horse"
API_KEY = "k" * 32


@pytest.fixture
def app(world: World) -> Flask:
    made = create_app(world.core, WebSettings(PASSWORD, API_KEY), work=False)
    made.testing = True
    return made


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Somebody without a session or a key."""
    return app.test_client()
