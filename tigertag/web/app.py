"""The Flask application: for now it says whether the service is well."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from tigertag import bootstrap, settings
from tigertag.errors import StoreError
from tigertag.services import health
from tigertag.services.core import Core


def create_app(core: Core | None = None) -> Flask:
    """Make the application; bring the database up to date. Raises `StoreError`."""
    built = core or bootstrap.build(settings.load())
    bootstrap.open_store(built)
    app = Flask("tigertag")

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """200 while the database can be used, 503 with one line when it cannot."""
        try:
            health.check(built)
        except StoreError as exc:
            return jsonify(status="failing", message=str(exc)), 503
        return jsonify(status="ok")

    return app
