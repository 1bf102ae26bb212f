"""The background tasks of a service: their names, intervals, and how their last runs ended."""

from dataclasses import dataclass

from tigertag.core import Core
from tigertag.store import tasks
from tigertag.store.tasks import TaskRow

__all__ = ["TASKS", "Task", "TaskRow", "TaskView", "listed"]


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `is_claimed`: only one process runs it at a time, and the interval counts for all.

    A claim writes to the database each time, so what runs each few seconds is not claimed.
    """

    name: str
    title: str
    every_s: float
    is_claimed: bool = False


TASKS = (
    Task("scan-requests", "Start requested scans", 0.5),
    Task("schedules", "Start scheduled scans", 5.0),
    Task("conditions", "Watch for problems", 30.0, is_claimed=True),
    Task("libraries", "Watch libraries", 120.0, is_claimed=True),
    Task("notices", "Send notices", 5.0),
    Task("digest", "Queue daily summaries", 30.0),
    Task("folder-watches", "Watch folders for changes", 1.0),
    Task("history", "Prune history", 6 * 3600.0, is_claimed=True),
    Task("backups", "Make backups", 2.0),
)
"""What each does stands in `services/background.py`."""
DISPATCH = Task("dispatch", "Send work to workers", 0.25)
"""Where there is a broker; see `scan/dispatcher.py`."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task and how its last run ended; `row` is None when it never ran."""

    task: Task
    row: TaskRow | None


def listed(core: Core) -> list[TaskView]:
    """Return all tasks, as the database knows them."""
    with core.store.read() as db:
        rows = tasks.every(db)
    every = (*TASKS, DISPATCH) if core.is_clustered else TASKS
    return [TaskView(task, rows.get(task.name)) for task in every]
