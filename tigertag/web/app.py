"""The Flask application: REST, the dashboard, access, and the base path behind a proxy."""

import atexit
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_openapi3 import Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from tigertag import __version__, bootstrap
from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.scan.worker import ScanWorker
from tigertag.services import health
from tigertag.services.accounts import Accounts
from tigertag.services.enrolment import Enrolments
from tigertag.services.model_fetches import ModelFetches
from tigertag.settings import WebSettings
from tigertag.web import api, dashboard, errors, guard, logs, state
from tigertag.web.state import State, Worker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)


def create_app(
    core: Core, web: WebSettings | None = None, worker: Worker | None = None, *, work: bool = True
) -> Flask:
    """Make the application, bring the database up to date, and start a worker for scans.

    The worker is a thread of this process unless one is given; `work=False` starts none. Raises
    `StoreError`.
    """
    web = web or WebSettings()
    worker = worker or ScanWorker(core)
    bootstrap.open_service(core)
    logs.hide_tokens()
    app = OpenAPI(
        "tigertag",
        info=Info(title="TigerTag", version=__version__),
        doc_ui=False,
        static_folder="web/static",
        template_folder="web/templates",
    )
    accounts = Accounts(core, password=web.password, api_key=web.api_key)
    app.extensions[state.KEY] = State(core, accounts, worker, Enrolments(core), ModelFetches(core))
    first_sign_in = accounts.ensure()
    if first_sign_in is not None:
        logger.warning("the password and the REST key are in %s; read and delete it", first_sign_in)
    _trust_proxies(app, web)
    errors.register(app)
    guard.register(app)
    api.register(app)
    dashboard.register(app)
    app.add_url_rule("/healthz", "healthz", _healthz)
    if work:
        worker.start()
        atexit.register(worker.stop)
    return app


def _healthz() -> ResponseReturnValue:
    """200 while the database can be used, else 503 with one line."""
    try:
        health.check(state.core())
    except StoreError as exc:
        return jsonify(status="failing", message=str(exc)), 503
    return jsonify(status="ok")


def _trust_proxies(app: Flask, web: WebSettings) -> None:
    """Trust the `X-Forwarded-*` headers of as many proxies as the settings say; default: none."""
    if web.base_path:
        app.wsgi_app = BasePath(app.wsgi_app, web.base_path)  # type: ignore[method-assign,assignment]
        app.config["SESSION_COOKIE_PATH"] = web.base_path
    count = web.trusted_proxies
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_port=count, x_prefix=count
        )


class BasePath:
    """Serves under a path, whether or not the proxy in front strips it from requests."""

    def __init__(self, app: "WSGIApplication", base_path: str) -> None:
        self._app = app
        self._base = base_path

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._base or path.startswith(f"{self._base}/"):
            environ["PATH_INFO"] = path[len(self._base) :] or "/"
        environ["SCRIPT_NAME"] = self._base
        return self._app(environ, start)
