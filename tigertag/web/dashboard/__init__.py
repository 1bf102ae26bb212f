"""The dashboard: pages made on the server; htmx asks for parts of them.

Nothing here works on a scan: pages start scans, and look at what the database says of them.
"""

from flask import Blueprint, Flask

from tigertag.web.dashboard import (
    departures,
    home,
    items,
    moving,
    pictures,
    previewed,
    problems,
    rules,
    scans,
    setup,
    starting,
    tags,
    telling,
    use,
)
from tigertag.web.dashboard.error import error_page

__all__ = ["error_page", "register"]

_GROUPS = (
    home,
    starting,
    scans,
    moving,
    previewed,
    items,
    problems,
    pictures,
    tags,
    rules,
    setup,
    departures,
    use,
)


def register(app: Flask) -> None:
    """Put the dashboard's pages into the application, which has its templates and static files."""
    dashboard = Blueprint("dashboard", __name__)
    for group in _GROUPS:
        dashboard.register_blueprint(group.pages)
    app.register_blueprint(dashboard)
    telling.register(app)
