"""The Flask application: REST, the dashboard, and who may see them."""

import atexit
import logging

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_openapi3 import Info, OpenAPI

from tigertag import __version__, bootstrap, settings
from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.scan.worker import Workshop
from tigertag.services import health
from tigertag.settings import WebSettings
from tigertag.web import api, dashboard, errors, guard, proxies, state
from tigertag.web.worker import Worker

logger = logging.getLogger(__name__)


def create_app(
    core: Core | None = None, web: WebSettings | None = None, *, work: bool = True
) -> Flask:
    """Make the application; bring the database up to date, and have scans worked on.

    They are worked on in a process of its own, or, where `core` is given, on a thread of this
    one; `work=False` leaves them to others. Raises `SettingsError`, `StoreError`.
    """
    workshop: state.Works
    if core is None:
        read = settings.load()
        bootstrap.log(read)
        core, web = bootstrap.build(read), read.web
        workshop = Worker(core.home)
    else:
        workshop = Workshop(core)
    web = web or WebSettings()
    bootstrap.open_store(core)
    app = OpenAPI(
        "tigertag",
        info=Info(title="TigerTag", version=__version__),
        doc_ui=False,
        static_folder="web/static",
        template_folder="web/templates",
    )
    carried = state.put(app, core, web, workshop)
    left = carried.accounts.ensure()
    if left is not None:
        logger.warning("the password and the key for REST are in %s; read and delete it", left)
    proxies.trust(app, web)
    errors.register(app)
    guard.register(app)
    api.register(app)
    dashboard.register(app)
    app.add_url_rule("/healthz", "healthz", _healthz)
    if work:
        workshop.start()
        atexit.register(workshop.stop)
    return app


def _healthz() -> ResponseReturnValue:
    """200 while the database can be used, 503 with one line when it cannot."""
    try:
        health.check(state.core())
    except StoreError as exc:
        return jsonify(status="failing", message=str(exc)), 503
    return jsonify(status="ok")
