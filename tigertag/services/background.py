"""What a service does by itself: tasks, each at its own interval, in the process `tigertag work`.

Several processes, of one home or of several, may share a database. A task that is claimed runs in
one of them; one that is not claimed runs in each, and its own transactions keep it right.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event, Thread

from tigertag.core import Core
from tigertag.errors import StoreError, TigerTagError
from tigertag.services import (
    backups,
    channels,
    digest,
    history,
    notices,
    scan_requests,
    schedule_firing,
)
from tigertag.services.library_watches import LibraryWatches
from tigertag.services.tasks import TASKS, Task
from tigertag.store import tasks
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_LEASE_S = 60.0
_RENEW_S = 15.0
_NOTE_EVERY_S = 60.0
_FAILED_S = 5.0
"""How soon at the earliest a task that failed is run again: each time is a line of the log."""
_STOP_S = 5.0
_BUG = "It hit a bug; see the log."


Run = Callable[[Core], None]


def _runs() -> dict[Task, Run]:
    runs: dict[str, Run] = {
        "scan-requests": scan_requests.start_due,
        "schedules": partial(schedule_firing.fire_due, definitions={}),
        "conditions": notices.watch,
        "libraries": notices.watch_libraries,
        "notices": channels.send_due,
        "digest": digest.queue_due,
        "folder-watches": LibraryWatches().look,
        "history": history.prune_by_itself,
        "backups": backups.run_due,
    }
    return {task: runs[task.name] for task in TASKS}


class BackgroundTasks:
    """Runs the tasks on threads of their own until `stop`."""

    def __init__(self, core: Core, runs: Mapping[Task, Run] | None = None) -> None:
        """`runs`: what is run for each task; None: all that a service does."""
        chosen = _runs() if runs is None else runs
        self._runs = [_TaskRun(core, task, run) for task, run in chosen.items()]

    def start(self) -> None:
        for run in self._runs:
            run.start()

    def stop(self) -> None:
        """Let each end what it is at; one that takes longer is done again by the next process."""
        for run in self._runs:
            run.stopped.set()
        until = time.monotonic() + _STOP_S
        for run in self._runs:
            run.join(max(0.0, until - time.monotonic()))


class _TaskRun(Thread):
    """One task of this process, again and again."""

    def __init__(self, core: Core, task: Task, run: Run) -> None:
        super().__init__(name=f"tigertag-{task.name}", daemon=True)
        self.stopped = Event()
        self._core = core
        self._task = task
        self._do = run
        self._owner = f"{socket.gethostname()[:64]}/{os.getpid()}"
        self._noted = ("", -_NOTE_EVERY_S)

    def run(self) -> None:
        while not self.stopped.is_set():
            self.stopped.wait(self._looked())

    def _looked(self) -> float:
        """Run the task if it is its turn; return when to look again, in seconds."""
        # A claimed task is looked at more often than it is due: another process may have died.
        again_s = min(self._task.every_s, _RENEW_S)
        try:
            if self._task.is_claimed:
                self._run_claimed()
            else:
                problem = self._problem()
                self._note(problem)
                return max(again_s, _FAILED_S) if problem else again_s
        except StoreError as exc:
            logger.error("%s: %s", self._task.title, exc)
        except Exception:
            # Such as no room for another thread: it must not end the task for good.
            logger.exception("%s could not be run; it is tried again", self._task.title)
        else:
            return again_s
        return max(again_s, _FAILED_S)

    def _run_claimed(self) -> None:
        name, store = self._task.name, self._core.store
        with store.read() as db:
            if not tasks.is_due(db, name):
                return
        with store.write() as db:
            if not tasks.claim(db, name, owner=self._owner, lease_s=_LEASE_S):
                return
        ended = Event()
        Thread(target=self._renew, args=(ended,), name=f"{self.name}-lease", daemon=True).start()
        try:
            problem = self._problem()
        finally:
            ended.set()
        every_s = self._task.every_s
        with store.write() as db:
            tasks.finish(db, name, owner=self._owner, again_in_s=every_s, problem=problem)

    def _renew(self, ended: Event) -> None:
        while not ended.wait(_RENEW_S):
            try:
                with self._core.store.write() as db:
                    tasks.renew(db, self._task.name, owner=self._owner, lease_s=_LEASE_S)
            except StoreError as exc:
                logger.error("%s: %s", self._task.title, exc)

    def _problem(self) -> str:
        """Run the task once; return why it failed, else ""."""
        try:
            self._do(self._core)
        except TigerTagError as exc:
            logger.warning("%s: %s", self._task.title, exc)
            return one_line(str(exc))
        except Exception:
            logger.exception("%s hit a bug; the service goes on", self._task.title)
            return _BUG
        return ""

    def _note(self, problem: str) -> None:
        """Take down a run that was not claimed, at most once a minute unless something changed."""
        before, noted_at = self._noted
        if problem == before and time.monotonic() < noted_at + _NOTE_EVERY_S:
            return
        with self._core.store.write() as db:
            tasks.note(db, self._task.name, problem)
        self._noted = (problem, time.monotonic())
