"""Behind a proxy: whose `X-Forwarded-*` is believed, and the path the service lives under."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tigertag.settings import WebSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def trust(app: Flask, web: WebSettings) -> None:
    """Believe as many proxies as the settings say, and none by default."""
    if web.base_path:
        app.wsgi_app = BasePath(app.wsgi_app, web.base_path)  # type: ignore[method-assign,assignment]
        app.config["SESSION_COOKIE_PATH"] = web.base_path
    count = web.trusted_proxies
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_port=count, x_prefix=count
        )


class BasePath:
    """Serves under a path, whether or not the proxy before it has taken the path off."""

    def __init__(self, app: "WSGIApplication", base_path: str) -> None:
        self._app = app
        self._base = base_path

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._base or path.startswith(f"{self._base}/"):
            environ["PATH_INFO"] = path[len(self._base) :] or "/"
        environ["SCRIPT_NAME"] = self._base
        return self._app(environ, start)
