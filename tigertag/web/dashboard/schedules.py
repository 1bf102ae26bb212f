"""The pages of schedules: listed, added, edited, paused, run now and removed."""

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.errors import RequestError, TigerTagError
from tigertag.services import libraries, schedule_changes, schedules
from tigertag.services.schedules import ScheduleView
from tigertag.settings import ScheduleSettings
from tigertag.web import errors, state
from tigertag.web.dashboard import request

pages = Blueprint("schedules", __name__)

MODES = {
    "new": "new items only",
    "changed": "new and changed items",
    "decide": "rules again, from cached results",
}
_NEW = ScheduleSettings("", "0 2 * * *")
_SCHEDULE = "/schedules/<schedule_id>"


@pages.get("/schedules")
def list_schedules() -> ResponseReturnValue:
    views = schedules.listed(state.core())
    sections = request.all_sections()
    return render_template(
        "schedules.html",
        views=views,
        modes=MODES,
        names={view.section.path: request.section_name(view.section) for view in sections},
    )


@pages.get("/schedules/new")
def new() -> ResponseReturnValue:
    """Edit a new schedule, and show when it would run."""
    return _form(_from_request(_NEW), is_new=True)


@pages.post("/schedules")
def add() -> ResponseReturnValue:
    schedule = _from_request(_NEW)
    try:
        schedule_changes.add(state.core(), schedule)
    except TigerTagError as exc:
        return _form(schedule, is_new=True, refused=exc), errors.status_of(exc)
    return _to_list()


@pages.get(f"{_SCHEDULE}/edit")
def edit(schedule_id: str) -> ResponseReturnValue:
    """Edit a schedule. Raises `NotFound`."""
    return _form(_from_request(schedules.get(state.core(), schedule_id)))


@pages.post(f"{_SCHEDULE}/edit")
def save(schedule_id: str) -> ResponseReturnValue:
    schedule = _from_request(schedules.get(state.core(), schedule_id))
    names = ("cron", "library", "section", "mode", "write", "engines")
    changes = {name: getattr(schedule, name) for name in names}
    try:
        schedule_changes.change(state.core(), schedule_id, **changes)
    except TigerTagError as exc:
        return _form(schedule, refused=exc), errors.status_of(exc)
    return _to_list()


@pages.post(f"{_SCHEDULE}/pause")
def pause(schedule_id: str) -> ResponseReturnValue:
    schedule_changes.change(state.core(), schedule_id, enabled=False)
    return _to_list()


@pages.post(f"{_SCHEDULE}/resume")
def resume(schedule_id: str) -> ResponseReturnValue:
    schedule_changes.change(state.core(), schedule_id, enabled=True)
    return _to_list()


@pages.post(f"{_SCHEDULE}/run")
def run(schedule_id: str) -> ResponseReturnValue:
    schedule_changes.run(state.core(), schedule_id)
    return _to_list()


@pages.post(f"{_SCHEDULE}/remove")
def remove(schedule_id: str) -> ResponseReturnValue:
    schedule_changes.remove(state.core(), schedule_id)
    return _to_list()


def _from_request(before: ScheduleSettings) -> ScheduleSettings:
    """Return a schedule with the fields of the form; those that it lacks stay."""
    fields = {name: request.text(name) for name in ("id", "cron", "mode", "write")}
    changes: dict[str, object] = {name: value for name, value in fields.items() if value}
    if before.id:
        changes.pop("id", None)
    if request.text("in"):
        changes["library"], changes["section"] = request.library_and_section()
    if request.sent("engines"):
        names = [name.strip() for name in request.text("engines").split(",")]
        changes["engines"] = tuple(filter(None, names))
    return replace(before, **changes)  # type: ignore[arg-type]


def _form(
    schedule: ScheduleSettings, *, is_new: bool = False, refused: TigerTagError | None = None
) -> str:
    words, times, problem = _preview(schedule)
    return render_template(
        "schedule.html",
        schedule=schedule,
        is_new=is_new,
        refused=refused,
        words=words,
        times=times,
        problem=problem,
        modes=MODES,
        libraries=libraries.listed(state.core()),
        place=f"{schedule.library}/{schedule.section}" if schedule.section else schedule.library,
    )


def _preview(schedule: ScheduleSettings) -> tuple[str, tuple[datetime, ...], str]:
    """Say when a line of cron fires, its next three times, and what is wrong with it."""
    try:
        return *schedules.preview(state.core(), schedule.cron), ""
    except RequestError as exc:
        return "", (), str(exc)


def _to_list() -> ResponseReturnValue:
    return redirect(url_for("dashboard.schedules.list_schedules"), 303)


def pill_of(view: ScheduleView) -> tuple[str, str]:
    """The colour of a schedule's state, and its name."""
    if view.problem:
        return "failing", "cannot run"
    if view.waiting:
        return "paused", "waiting"
    return ("ready", "on") if view.schedule.enabled else ("queued", "paused")
