"""REST for schedules: list, add, change, pause and remove them, and run one now."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, url_for
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tigertag import cron
from tigertag.services import schedule_changes, schedules
from tigertag.settings import ScheduleSettings
from tigertag.web import state
from tigertag.web.api.routes import Routes, made, nothing, sent
from tigertag.web.api.schemas import (
    Body,
    Name,
    NoFields,
    Nothing,
    Shape,
    ShapeList,
    Text,
    from_path,
)

routes = Routes("schedules", "Scans that start by themselves, at times of a line of cron.")

_SCHEDULE = "/schedules/<schedule_id>"
_REFUSED = (400, 404, 409, 413, 415, 502)

Mode = Literal["new", "changed", "decide"]
Write = Literal["preview", "apply"]


def _scan_ids(scans: Any) -> Any:
    return [scan.id for scan in scans]


class RunShape(Shape):
    """A time of a schedule that has come."""

    due_at: datetime = Field(description="The time that it is for.")
    kind: Literal["due", "late", "missed", "manual"] = Field(
        description="late: TigerTag was not running then, and made up for it within 12 hours."
        " missed: it did not. manual: somebody asked for it."
    )
    outcome: str = Field(description="What became of it, in words.")
    scans: Annotated[list[int], BeforeValidator(_scan_ids)] = Field(
        description="The scans that it has started, one for each section, newest first."
    )


class ScheduleShape(Shape):
    """A schedule, with its next runs and its last ones."""

    id: str = from_path("schedule", "id")
    cron: str = from_path("schedule", "cron")
    library: str = from_path("schedule", "library")
    section: str = from_path("schedule", "section", description="Empty: every section.")
    mode: Mode = from_path("schedule", "mode")
    write: Write = from_path("schedule", "write")
    engines: list[str] = from_path("schedule", "engines", description="Empty: all.")
    enabled: bool = from_path("schedule", "enabled", description="false: it is paused.")
    words: str = Field(description="When it runs, and in which time zone.")
    problem: str = Field(description="Why it cannot run; empty if it can.")
    waiting: str = Field(description="Why a scan of it has not started yet; empty if none waits.")
    next_runs: list[datetime] = Field(description="The next three; empty while it does not run.")
    runs: list[RunShape] = Field(description="The last five, newest first.")
    from_settings: bool = Field(description="Whether SCHEDULE_<X>_… settings define it.")
    changed: bool = Field(description="Whether it was added or changed since; that counts.")


# A pattern of pydantic's would not say which field is wrong.
Cron = Annotated[str, Field(max_length=256, json_schema_extra={"pattern": cron.PATTERN})]
Engines = Annotated[list[Text], Field(max_length=50)]
_CRON = "minute, hour, day of the month, month, day of the week; or `@daily` and the like."
_SECTION = "Its id or title; empty: every section."
_MODE = (
    "new: only new items; changed: also those that changed or lack an answer; decide: re-apply"
    " rules, without running an engine."
)
_WRITE = "preview: only show what would change; apply: write it."


class NewSchedule(Body):
    """A schedule to add. It writes nothing unless `write` says so."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "nightly", "cron": "0 2 * * *", "library": "photos"}}
    )

    id: Annotated[Name, Field(min_length=1)] = Field(description="Its name: letters and digits.")
    cron: Cron = Field(description=_CRON)
    library: Text = Field(description="The library's id.")
    section: Text = Field(default="", description=_SECTION)
    mode: Mode = Field(default="changed", description=_MODE)
    write: Write = Field(default="preview", description=_WRITE)
    engines: Engines = Field(default=[], description="Their ids; empty: all.")
    enabled: bool = Field(default=True, description="false: it is paused.")


class ScheduleChanges(Body):
    """The fields to change; the others stay."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": False}})

    cron: Cron | None = Field(default=None, description=_CRON)
    library: Text | None = Field(default=None, description="The library's id.")
    section: Text | None = Field(default=None, description=_SECTION)
    mode: Mode | None = Field(default=None, description=_MODE)
    write: Write | None = Field(default=None, description=_WRITE)
    engines: Engines | None = Field(default=None, description="Their ids; empty: all.")
    enabled: bool | None = Field(default=None, description="false pauses it, true resumes it.")


class SchedulePath(BaseModel):
    schedule_id: Text = Field(description="The schedule's id.")


@routes.get("/schedules", ShapeList[ScheduleShape])
def list_schedules(query: Nothing) -> Response:
    """List the schedules, those of the settings too."""
    return sent(ShapeList[ScheduleShape], schedules.listed(state.core()))


@routes.post("/schedules", {201: made(ScheduleShape, "The schedule as it was saved.")}, *_REFUSED)
def add_schedule(body: NewSchedule, query: Nothing) -> Response:
    """Add a schedule: of previews by default. Times count from now on."""
    values = body.model_dump() | {"engines": tuple(body.engines)}
    saved = schedule_changes.add(state.core(), ScheduleSettings(**values))
    location = url_for(".get_schedule", schedule_id=saved.id)
    return sent(ScheduleShape, schedules.view(state.core(), saved.id), 201, location=location)


@routes.get(_SCHEDULE, ScheduleShape, 404)
def get_schedule(path: SchedulePath, query: Nothing) -> Response:
    """Return a schedule."""
    return _shown(path.schedule_id)


@routes.patch(_SCHEDULE, ScheduleShape, *_REFUSED)
def change_schedule(path: SchedulePath, body: ScheduleChanges, query: Nothing) -> Response:
    """Change, pause or resume a schedule. What the settings say of it counts no more."""
    changes = body.model_dump(exclude_none=True)
    if "engines" in changes:
        changes["engines"] = tuple(changes["engines"])
    schedule_changes.change(state.core(), path.schedule_id, **changes)
    return _shown(path.schedule_id)


@routes.delete(_SCHEDULE, 404, 409)
def remove_schedule(path: SchedulePath, query: Nothing) -> Response:
    """Remove a schedule. One of the settings is then as they say, and cannot be removed itself."""
    schedule_changes.remove(state.core(), path.schedule_id)
    return nothing()


@routes.post(f"{_SCHEDULE}/run", {202: ScheduleShape}, *_REFUSED)
def run_schedule(path: SchedulePath, body: NoFields, query: Nothing) -> Response:
    """Run a schedule now, paused or not. It waits for its section if that is busy."""
    schedule_changes.run(state.core(), path.schedule_id)
    return sent(ScheduleShape, schedules.view(state.core(), path.schedule_id), 202)


def _shown(schedule_id: str) -> Response:
    return sent(ScheduleShape, schedules.view(state.core(), schedule_id))
