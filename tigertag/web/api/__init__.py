"""REST: /api/v1, its OpenAPI document and the page that shows it."""

from flask import Flask

from tigertag.web.api import (
    docs,
    engines,
    health,
    item_problems,
    items,
    libraries,
    refusals,
    rules,
    scans,
    tags,
    use,
)

_RESOURCES = (libraries, engines, scans, items, item_problems, tags, rules, use, health)


def register(app: Flask) -> None:
    """Put REST into the application, which must be flask-openapi3's."""
    openapi = docs.register(app)
    openapi.validation_error_callback = refusals.invalid
    for resource in _RESOURCES:
        openapi.register_api(resource.routes.blueprint)
