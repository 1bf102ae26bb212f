"""The System page: versions, database, disk, memory, processes; and what the service is at."""

import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from tigertag import __version__
from tigertag.core import Core
from tigertag.services import machine, scan_requests, scan_status, schedules, workers
from tigertag.services import tasks as background
from tigertag.services.machine import Disk, Machine
from tigertag.services.metrics import processes
from tigertag.services.metrics.processes import Process
from tigertag.services.scan_requests import ScanRequestRow
from tigertag.services.scan_status import Status
from tigertag.services.schedules import ScheduleView
from tigertag.services.tasks import TaskView
from tigertag.store import about
from tigertag.store.about import DatabaseInfo

_PACKAGES = (
    *("SQLAlchemy", "psycopg", "Flask", "gunicorn", "pillow", "pillow-heif", "av", "numpy"),
    *("onnxruntime", "openvino", "plexapi", "openai", "APScheduler", "apprise"),
)

_SILENT = timedelta(seconds=100)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A process of the service. `role`: web or work; `cpu_s`: what it has used since it began."""

    pid: int
    role: str
    memory_bytes: int
    cpu_s: float
    started_at: datetime


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """What runs here. `packages`: (name, version) of those that are installed.

    `disk` is None where the home cannot be looked at, `processes` empty and `started_at` None where
    there is no /proc. `works`: whether a worker is there for scans.
    """

    version: str
    python: str
    system: str
    packages: tuple[tuple[str, str], ...]
    database: DatabaseInfo
    disk: Disk | None
    machine: Machine
    processes: tuple[ProcessView, ...]
    started_at: datetime | None
    works: bool


def status(core: Core) -> SystemStatus:
    """Return what runs here. Raises `StoreError`."""
    found = tuple(map(_process, processes.look(processes.of_service())))
    return SystemStatus(
        __version__,
        platform.python_version(),
        f"{platform.system()} {platform.release()}, {platform.machine()}",
        tuple(_packages()),
        about.database(core.store),
        machine.disk(core.home),
        machine.machine(),
        found,
        min((process.started_at for process in found), default=None),
        _works(core),
    )


def _process(process: Process) -> ProcessView:
    started_at = datetime.fromtimestamp(process.started_at_s, UTC)
    memory = process.memory_bytes
    return ProcessView(process.pid, process.role, memory, process.cpu_s, started_at)


def _packages() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def _works(core: Core) -> bool:
    """Whether a worker has looked for wanted scans lately, as each does all the time.

    With a broker those that work on scans are others.
    """
    if core.is_clustered:
        return workers.is_any_live(core)
    runs = (view.row.ended_at for view in background.listed(core) if view.row is not None)
    return any(at is not None and datetime.now(UTC) - at < _SILENT for at in runs)


@dataclass(frozen=True, slots=True)
class WantedScan:
    """A scan that starts by itself once it is due and its section is free.

    `section` "": every section of the library. `problem`: why it could not start yet, else "".
    """

    library: str
    section: str
    mode: str
    write: str
    reason: str
    due_at: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A background task. `next_at` None: it runs all the time. `problem`: of its last run."""

    name: str
    title: str
    every_s: float
    last_at: datetime | None = None
    next_at: datetime | None = None
    is_running: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tasks:
    """What the service is at, and what waits."""

    scans: tuple[Status, ...]
    requests: tuple[WantedScan, ...]
    schedules: tuple[ScheduleView, ...]
    background: tuple[BackgroundTask, ...]


def tasks(core: Core) -> Tasks:
    """Return what runs, and what waits. Raises `StoreError`."""
    return Tasks(
        tuple(scan_status.active(core)),
        tuple(map(_wanted, scan_requests.waiting(core))),
        tuple(schedules.listed(core)),
        tuple(map(_background, background.listed(core))),
    )


def _wanted(row: ScanRequestRow) -> WantedScan:
    wanted, due = row.wanted, datetime.fromtimestamp(row.not_before, UTC)
    return WantedScan(
        wanted.library, wanted.section, wanted.mode, wanted.write, row.reason, due, row.problem
    )


def _background(view: TaskView) -> BackgroundTask:
    task, row = view.task, view.row
    if row is None:
        return BackgroundTask(task.name, task.title, task.every_s)
    ended = row.ended_at
    next_at = datetime.fromtimestamp(row.due_at, UTC) if task.is_claimed else None
    runs = row.started_at is not None and (ended is None or row.started_at > ended)
    return BackgroundTask(
        task.name, task.title, task.every_s, ended, next_at, is_running=runs, problem=row.problem
    )
