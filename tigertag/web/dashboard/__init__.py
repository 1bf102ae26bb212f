"""The dashboard: pages made on the server; htmx asks for parts of them."""

from flask import Blueprint, Flask

from tigertag.web.dashboard import (
    formatting,
    home,
    hooks,
    items,
    models,
    notices,
    scans,
    schedules,
    system,
    tags,
)

_PAGES = (
    home.home_pages,
    scans.pages,
    items.pages,
    tags.tag_pages,
    tags.rule_pages,
    home.setup_pages,
    models.pages,
    notices.pages,
    hooks.pages,
    schedules.pages,
    system.pages,
)


def register(app: Flask) -> None:
    """Add the pages to the application, which has their templates and static files."""
    dashboard = Blueprint("dashboard", __name__)
    for pages in _PAGES:
        dashboard.register_blueprint(pages)
    app.register_blueprint(dashboard)
    formatting.register(app)
