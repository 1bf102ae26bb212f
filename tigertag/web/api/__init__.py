"""REST at /api/v1, its OpenAPI document at /api/openapi.json and a page for it at /api/docs."""

from importlib.resources import files

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_openapi3.openapi import OpenAPI

from tigertag.web import errors
from tigertag.web.api import (
    backups,
    home,
    hooks,
    items,
    models,
    notices,
    review,
    scans,
    schedules,
    sources,
    support,
    system,
    tags,
    workers,
)
from tigertag.web.api.routes import SECURITY_SCHEME

_RESOURCES = (
    sources.library_routes,
    sources.engine_routes,
    models.routes,
    scans.routes,
    schedules.routes,
    items.item_routes,
    items.problem_routes,
    tags.tag_routes,
    tags.rule_routes,
    review.routes,
    hooks.routes,
    backups.routes,
    sources.usage_routes,
    sources.health_routes,
    home.routes,
    notices.routes,
    support.routes,
    system.routes,
    workers.routes,
)

_SWAGGER = files("flask_openapi3_swagger") / "templates" / "swagger"
_ABOUT = (
    "TigerTag's REST interface. The key goes into the header `X-Api-Key`. Lists are"
    ' `{"items": […], "next": cursor}`; errors are RFC 9457 problem details.'
)
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


def register(app: OpenAPI) -> None:
    """Add the routes of REST, the document and its page to the application."""
    app.security_schemes = {
        SECURITY_SCHEME: {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
    }
    app.info.description = _ABOUT
    app.validation_error_model = errors.ProblemDetails
    app.validation_error_callback = errors.validation_failed
    app.register_blueprint(_docs)
    for routes in _RESOURCES:
        app.register_api(routes.blueprint)


@_docs.get("/openapi.json")
def document() -> ResponseReturnValue:
    """The document, with the service's base path."""
    assert isinstance(current_app, OpenAPI)
    return jsonify(current_app.api_doc | {"servers": [{"url": request.script_root or "/"}]})


@_docs.get("/docs")
def page() -> ResponseReturnValue:
    """Swagger's page. The Content-Security-Policy allows it no inline script or style."""
    return render_template("api_docs.html")


@_docs.get("/docs/start.js")
def start() -> ResponseReturnValue:
    return Response(_START, mimetype="text/javascript")
