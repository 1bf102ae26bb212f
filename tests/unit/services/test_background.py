"""Background tasks: claimed in the database, run again after a process died, never fatal."""

import time
from threading import Event
from typing import Any

import pytest

from tests.world import World
from tigertag.core import Core
from tigertag.errors import NotFound, StoreUnavailable
from tigertag.services import background
from tigertag.services.background import BackgroundTasks
from tigertag.services.tasks import Task
from tigertag.store import tasks


def _wait(happened: Event) -> None:
    assert happened.wait(10)


def test_a_claimed_task_runs_in_one_of_several_processes(world: World) -> None:
    runs: list[float] = []

    def run(_core: Core) -> None:
        runs.append(time.monotonic())

    task = Task("count", "Count", 600, is_claimed=True)
    several = [BackgroundTasks(world.core, {task: run}) for _ in range(2)]
    for each in several:
        each.start()
    time.sleep(0.5)
    for each in several:
        each.stop()
    assert len(runs) == 1


def test_a_task_whose_process_died_is_run_once_its_lease_has_ended(world: World) -> None:
    with world.store.write() as db:
        assert tasks.claim(db, "count", owner="dead", lease_s=0.3)
    with world.store.write() as db:
        assert not tasks.claim(db, "count", owner="other", lease_s=60)
    time.sleep(0.4)
    with world.store.write() as db:
        assert tasks.claim(db, "count", owner="other", lease_s=60)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (NotFound("There is nothing to do it with."), "There is nothing to do it with."),
        (ZeroDivisionError(), "It hit a bug; see the log."),
    ],
)
def test_a_task_that_fails_is_noted_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, problem: str
) -> None:
    monkeypatch.setattr(background, "_FAILED_S", 0.01)
    again = Event()
    runs: list[None] = []

    def run(_core: Core) -> None:
        runs.append(None)
        if len(runs) > 1:
            again.set()
        raise error

    tasks_of_process = BackgroundTasks(world.core, {Task("fail", "Fail", 0.01): run})
    tasks_of_process.start()
    _wait(again)
    tasks_of_process.stop()
    with world.store.read() as db:
        assert tasks.every(db)["fail"].problem == problem


def test_a_task_that_cannot_even_be_claimed_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system has no room for another thread."""
    ran = Event()
    claim, refused = tasks.claim, iter((RuntimeError("can't start new thread"),))

    def claimed(*args: Any, **options: Any) -> bool:
        for refusal in refused:
            raise refusal
        return claim(*args, **options)

    monkeypatch.setattr(background, "_FAILED_S", 0.01)
    monkeypatch.setattr(tasks, "claim", claimed)
    task = Task("claimed", "Claimed", 0.01, is_claimed=True)
    tasks_of_process = BackgroundTasks(world.core, {task: lambda _core: ran.set()})
    tasks_of_process.start()
    _wait(ran)
    tasks_of_process.stop()


def test_a_task_that_fails_is_not_run_again_many_times_a_second(world: World) -> None:
    runs: list[None] = []

    def run(_core: Core) -> None:
        runs.append(None)
        raise StoreUnavailable("The database is away.")

    tasks_of_process = BackgroundTasks(world.core, {Task("away", "Away", 0.01): run})
    tasks_of_process.start()
    time.sleep(0.3)
    tasks_of_process.stop()
    assert len(runs) == 1
