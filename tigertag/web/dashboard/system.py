"""The pages of System: status, health, tasks, workers, events, backups and logs."""

from io import BytesIO

from flask import Blueprint, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from tigertag.errors import NotFound, RequestError
from tigertag.services import backups, events, health, logs, support, system, workers
from tigertag.web import state
from tigertag.web.dashboard import request

pages = Blueprint("system", __name__)
_LINES = 500


@pages.get("/system")
def show() -> ResponseReturnValue:
    return redirect(url_for("dashboard.system.status"))


@pages.get("/system/status")
def status() -> ResponseReturnValue:
    """Show versions, database, disk, memory and processes; the page asks for a part of itself."""
    core = state.core()
    return _render("status", status=system.status(core), is_clustered=core.is_clustered)


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


@pages.get("/system/workers")
def list_workers() -> ResponseReturnValue:
    """Show the workers and what waits for them; the page asks for a part of itself."""
    return _render("workers", shown=workers.overview(state.core()))


@pages.post("/system/workers/<name>/<any(drain, resume):action>")
def move_worker(name: str, action: str) -> ResponseReturnValue:
    """Drain a worker, or let it go on. Raises `NotFound`."""
    core = state.core()
    (workers.drain if action == "drain" else workers.resume)(core, name)
    if request.by_htmx():
        return list_workers()
    return redirect(url_for("dashboard.system.list_workers"), 303)


@pages.get("/system/events")
def list_events() -> ResponseReturnValue:
    sought = {name: request.text(name) for name in ("level", "source")}
    level, source = sought["level"], sought["source"]
    page = events.listed(state.core(), level=level, source=source, cursor=request.cursor())
    more = request.by_htmx() and request.cursor()
    name = "_events.html" if more else "system_events.html"
    choices = {"levels": events.LEVELS, "sources": events.SOURCES}
    return render_template(name, part="events", page=page, sought=sought, **choices)


@pages.get("/system/backups")
def list_backups() -> ResponseReturnValue:
    """Show the backups; the page asks for a part of itself."""
    return _render("backups", view=backups.listed(state.core()))


@pages.post("/system/backups")
def make_backup() -> ResponseReturnValue:
    view = backups.create(state.core())
    if request.by_htmx():
        return _render("backups", view=view)
    return redirect(url_for("dashboard.system.list_backups"), 303)


@pages.get("/system/backups/<name>")
def download_backup(name: str) -> ResponseReturnValue:
    """Download a backup. Raises `NotFound`."""
    file = backups.path_of(state.core(), name)
    return send_file(file.absolute(), mimetype="application/zip", as_attachment=True)


@pages.post("/system/backups/<name>/verify")
def verify_backup(name: str) -> ResponseReturnValue:
    """Read all of a backup, and say whether it is whole. Raises `NotFound`."""
    view = backups.verify(state.core(), name)
    if request.by_htmx():
        return render_template("_verified.html", backup=view)
    return redirect(url_for("dashboard.system.list_backups"), 303)


@pages.get("/system/logs")
def show_log() -> ResponseReturnValue:
    """Show the last lines of a log, which the page then follows. Raises `NotFound`."""
    return _render("logs", log=logs.tail(state.core(), _role(), _LINES), roles=logs.ROLES)


@pages.get("/system/logs/new")
def follow_log() -> ResponseReturnValue:
    """Render the lines that have come since `offset`. Raises `NotFound`, `RequestError`."""
    offset = request.text("offset")
    if not (offset.isascii() and offset.isdecimal()):
        raise RequestError("offset must be a number.")
    return render_template("_log.html", log=logs.since(state.core(), _role(), int(offset)))


@pages.get("/system/logs/file")
def download_log() -> ResponseReturnValue:
    """Download a log. Raises `NotFound`."""
    file = logs.path(state.core(), _role())
    if not file.is_file():
        raise NotFound("Nothing has been logged yet.")
    return send_file(file.absolute(), mimetype="text/plain", as_attachment=True)


@pages.get("/system/support-bundle")
def support_bundle() -> ResponseReturnValue:
    """Download versions, settings, events and logs in a ZIP file, without secrets."""
    stream = BytesIO()
    support.bundle(state.core(), stream)
    stream.seek(0)
    name = support.file_name()
    return send_file(stream, "application/zip", as_attachment=True, download_name=name)


def _role() -> logs.Role:
    """Return which log is asked for. Raises `NotFound`."""
    wanted = request.text("role") or logs.ROLES[0]
    for role in logs.ROLES:
        if role == wanted:
            return role
    raise NotFound(f"There is no log {wanted!r}.")


def _render(part: str, **context: object) -> str:
    return render_template(f"system_{part}.html", part=part, **context)
