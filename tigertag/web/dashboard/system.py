"""The pages of System: status, health, tasks and events."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.services import events, health, system
from tigertag.web import state
from tigertag.web.dashboard import request

pages = Blueprint("system", __name__)
PARTS = ("status", "health", "tasks", "events")


@pages.get("/system")
def show() -> ResponseReturnValue:
    return redirect(url_for("dashboard.system.status"))


@pages.get("/system/status")
def status() -> ResponseReturnValue:
    """Show versions, database, disk, memory and processes; the page asks for a part of itself."""
    return _render("status", status=system.status(state.core()))


@pages.get("/system/health")
def show_health() -> ResponseReturnValue:
    """Show what needs attention, and how many items have problems."""
    core = state.core()
    failing = sum(view.problems for view in request.all_sections())
    return _render("health", notices=health.notices(core), failing=failing)


@pages.get("/system/tasks")
def tasks() -> ResponseReturnValue:
    """Show what runs and what waits; the page asks for a part of itself."""
    return _render("tasks", tasks=system.tasks(state.core()))


@pages.get("/system/events")
def list_events() -> ResponseReturnValue:
    sought = {name: request.text(name) for name in ("level", "source")}
    level, source = sought["level"], sought["source"]
    page = events.listed(state.core(), level=level, source=source, cursor=request.cursor())
    more = request.by_htmx() and request.cursor()
    name = "_events.html" if more else "system_events.html"
    choices = {"levels": events.LEVELS, "sources": events.SOURCES}
    return render_template(name, part="events", page=page, sought=sought, **choices)


def _render(part: str, **context: object) -> str:
    return render_template(f"system_{part}.html", part=part, **context)
