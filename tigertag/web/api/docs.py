"""The OpenAPI document at /api/openapi.json, and a page that shows it at /api/docs."""

from importlib.resources import files

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    jsonify,
    render_template_string,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_openapi3.openapi import OpenAPI

from tigertag.web.api.problems import Problem
from tigertag.web.api.routes import SECURITY_SCHEME

_SWAGGER = files("flask_openapi3_swagger") / "templates" / "swagger"
_ABOUT = (
    "TigerTag's REST interface. The key goes into the header `X-Api-Key`. Lists are"
    ' `{"items": […], "next": cursor}`; errors are RFC 9457 problem details.'
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>TigerTag: REST</title>
  <link rel="icon" type="image/svg+xml" href="{{ asset('images/swagger.svg') }}">
  <link rel="stylesheet" href="{{ asset('css/swagger-ui.css') }}">
  <script src="{{ asset('js/swagger-ui-bundle.js') }}" defer></script>
  <script src="{{ url_for('.start') }}" defer></script>
</head>
<body data-document="{{ url_for('.document') }}"><div id="swagger"></div></body>
</html>
"""
_START = """SwaggerUIBundle({
  url: document.body.dataset.document,
  dom_id: "#swagger",
  deepLinking: true,
  displayRequestDuration: true,
});
"""

_docs = Blueprint(
    "api_docs",
    __name__,
    url_prefix="/api",
    static_folder=str(_SWAGGER),
    static_url_path="/docs/assets",
)


def register(app: Flask) -> OpenAPI:
    """Put both into the application, which must be flask-openapi3's, and return it as such."""
    openapi = _openapi(app)
    openapi.security_schemes = {
        SECURITY_SCHEME: {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
    }
    openapi.info.description = _ABOUT
    openapi.validation_error_model = Problem
    app.register_blueprint(_docs)
    return openapi


@_docs.get("/openapi.json")
def document() -> ResponseReturnValue:
    """The document, with the path that the service lives under."""
    servers = [{"url": request.script_root or "/"}]
    return jsonify(_openapi(current_app).api_doc | {"servers": servers})


@_docs.get("/docs")
def page() -> ResponseReturnValue:
    """Swagger's page, with scripts and styles of its own only."""
    return render_template_string(_PAGE, asset=_asset)


@_docs.get("/docs/start.js")
def start() -> ResponseReturnValue:
    return Response(_START, mimetype="text/javascript")


def _asset(name: str) -> str:
    return url_for("api_docs.static", filename=name)


def _openapi(app: Flask) -> OpenAPI:
    if not isinstance(app, OpenAPI):
        raise TypeError("REST needs an application of flask-openapi3.")
    return app
