"""REST for what happened and what is going on: the daily overview, status, tasks, events."""

from datetime import datetime
from typing import Any, Literal

from flask import Response, request
from pydantic import Field, field_validator

from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.services import events, overview, scan_status, system
from tigertag.web import state
from tigertag.web.api.items import ProblemGroupShape
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.scans import ScanShape
from tigertag.web.api.schedules import ScheduleShape
from tigertag.web.api.schemas import (
    LARGEST_ID,
    Days,
    Input,
    Nothing,
    Paging,
    Shape,
    ShapeList,
    from_path,
)
from tigertag.web.event_stream import MEDIA_TYPE, part

routes = Routes("system", "What happened, and what is going on.")

Level = Literal["info", "warning", "error"]
Source = Literal[
    "scan",
    "write",
    "engine",
    "library",
    "schedule",
    "hook",
    "notice",
    "backup",
    "sign-in",
    "system",
]


class OverviewQuery(Input):
    days: Days = Field(default=1, description="Today, or the last 7 or 30 days.")


class EngineSpendingShape(Shape):
    """What an engine took, and what was saved."""

    engine: str
    calls: int
    cost_usd: float
    skipped: int = Field(description="Items it was not asked about: another was confident.")
    skipped_usd: float | None = Field(description="What they would have cost; null: unknown.")
    batch_usd: float = Field(description="What batches saved.")


class OverviewShape(Shape):
    """What happened in the last days."""

    days: int
    since: datetime = Field(description="The first midnight, in TigerTag's time zone (`TZ`).")
    scans: int
    items: int = Field(description="Items that scans processed.")
    items_per_s: float = Field(description="While scans were at work.")
    added: int = Field(description="Tags written.")
    removed: int = Field(description="Tags taken back.")
    failed: int = Field(description="Items with problems that began since, and are not solved.")
    failures: list[ProblemGroupShape] = Field(description="By reason, the most frequent first.")
    other_failures: int = Field(description="Items that failed for other reasons.")
    cost_usd: float
    saved_usd: float
    engines: list[EngineSpendingShape]


@routes.get("/overview", OverviewShape)
def get_overview(query: OverviewQuery) -> Response:
    """Return what was processed, failed, written and spent today or in the last days."""
    return sent(OverviewShape, overview.overview(state.core(), query.days))


class DatabaseShape(Shape):
    """The database."""

    kind: str = Field(description="SQLite or PostgreSQL.")
    version: str
    revision: str = Field(description="The newest migration that it has.")
    size_bytes: int
    place: str = Field(description="Its file, or its host and name.")


class DiskShape(Shape):
    """The disk of TIGERTAG_HOME."""

    place: str
    total_bytes: int
    free_bytes: int


class MachineShape(Shape):
    """The machine, or the container."""

    cpus: int = Field(description="Those that TigerTag may use.")
    load: float | None = Field(description="The load of the last minute; null: unknown.")
    memory_bytes: int | None = Field(description="Null: unknown.")
    memory_free_bytes: int | None = Field(description="Null: unknown.")


class ProcessShape(Shape):
    """A process of the service."""

    pid: int
    role: Literal["web", "work"] = Field(description="work: scans and background tasks.")
    memory_bytes: int
    cpu_s: float
    started_at: datetime


class SystemShape(Shape):
    """Versions, database, disk, machine and processes."""

    version: str = Field(description="TigerTag's version.")
    python: str
    system: str = Field(description="The operating system.")
    packages: dict[str, str] = Field(description="The versions of the main packages.")
    database: DatabaseShape
    disk: DiskShape | None = Field(description="Null if TIGERTAG_HOME cannot be read.")
    machine: MachineShape
    processes: list[ProcessShape] = Field(description="Empty where there is no /proc.")
    started_at: datetime | None = Field(description="When the service began; null: unknown.")
    works: bool = Field(description="Whether a worker for scans is running.")

    @field_validator("packages", mode="before")
    @classmethod
    def _by_name(cls, packages: Any) -> Any:
        return dict(packages)


@routes.get("/system", SystemShape)
def get_system(query: Nothing) -> Response:
    """Return versions, the database and its size, disk, memory, CPU, and the processes."""
    return sent(SystemShape, system.status(state.core()))


class WantedScanShape(Shape):
    """A scan that starts once it is due and its section is free."""

    library: str
    section: str = Field(description="Its id; empty: every section.")
    mode: str
    write: Literal["preview", "apply"]
    reason: str = Field(description="What asked for it, such as a schedule.")
    due_at: datetime
    problem: str = Field(description="Why it could not start yet; empty: nothing is wrong.")


class BackgroundTaskShape(Shape):
    """A task that TigerTag runs by itself."""

    name: str
    title: str
    every_s: float
    last_at: datetime | None = Field(description="When its last run ended; null: it never ran.")
    next_at: datetime | None = Field(description="Null: it runs all the time, or never ran.")
    running: bool = from_path("is_running")
    problem: str = Field(description="Why its last run failed; empty if it did not.")


class TasksShape(Shape):
    """What runs, and what waits."""

    scans: list[ScanShape] = Field(description="Scans that have not ended, oldest first.")
    requests: list[WantedScanShape]
    schedules: list[ScheduleShape]
    background: list[BackgroundTaskShape]


@routes.get("/tasks", TasksShape)
def get_tasks(query: Nothing) -> Response:
    """Return the scans that run or wait, the scans that are wanted, and background tasks."""
    return sent(TasksShape, system.tasks(state.core()))


class EventShape(Shape):
    """Something that happened."""

    id: int
    at: datetime
    level: Level
    source: Source
    message: str
    scan_id: int | None = Field(description="The scan that it is about; it may be gone.")


class EventsQuery(Paging):
    level: Level | Literal[""] = Field(default="", description="Only this level and worse.")
    source: Source | Literal[""] = Field(default="", description="Only events of this kind.")


class ScanProgressShape(Shape):
    """How far a scan has come, in a stream of events."""

    id: int = from_path("scan", "id")
    state: str = from_path("scan", "state")
    todo: int
    done: int
    failed: int
    changed: int = Field(description="Items with tags to be added or removed.")


@routes.get("/events", ShapeList[EventShape])
def list_events(query: EventsQuery) -> Response:
    """List what happened, newest first: scans, writes, engines, sign-ins and more.

    With `Accept: text/event-stream` it sends events as they happen, and how far scans have come
    as `progress`; `Last-Event-ID` names the last event that the client has seen.
    """
    if MEDIA_TYPE not in request.headers.get("Accept", ""):
        return sent(ShapeList[EventShape], events.listed(state.core(), **query.arguments()))
    core = state.core()
    return state.get().event_streams.answer(_Look(core, _last_seen(core), query))


def _last_seen(core: Core) -> int:
    given = request.headers.get("Last-Event-ID", "")
    if not given:
        return events.newest_id(core)
    if not (given.isascii() and given.isdecimal() and int(given[:11]) <= LARGEST_ID):
        raise RequestError("Last-Event-ID must be the id of an event.")
    return int(given)


class _Look:
    """What is new since the look before: events, and how far scans have come."""

    def __init__(self, core: Core, last_id: int, query: EventsQuery) -> None:
        self._core = core
        self._last_id = last_id
        self._query = query
        self._progress: dict[int, str] = {}

    def __call__(self) -> list[str]:
        shown = {"level": self._query.level, "source": self._query.source}
        rows = events.after(self._core, self._last_id, **shown)
        if rows:
            self._last_id = rows[-1].id
        return [
            *(part(row.source, _json(EventShape, row), number=row.id) for row in rows),
            *self._scans(),
        ]

    def _scans(self) -> list[str]:
        if self._query.source not in ("", "scan"):
            return []
        before = self._progress
        self._progress = {
            status.scan.id: _json(ScanProgressShape, status)
            for status in scan_status.active(self._core)
        }
        changed = self._progress.items() - before.items()
        return [part("progress", text) for _scan_id, text in sorted(changed)]


def _json(shape: type[Shape], view: object) -> str:
    return shape.model_validate(view).model_dump_json()
