"""Whether the service is well, and what the user should know."""

from collections.abc import Iterator
from contextlib import suppress

from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.plugins import is_switched_off
from tigertag.services import (
    accounts,
    channels,
    engines,
    libraries,
    library_watches,
    machine,
    schedules,
    workers,
)
from tigertag.services.views import Notice
from tigertag.store import tags

LITTLE_SPACE_BYTES = 500_000_000


def check(core: Core) -> None:
    """Read from the database. Raises `StoreError`."""
    with core.store.read() as db:
        tags.rules(db)


def notices(core: Core) -> tuple[Notice, ...]:
    """Return what the user should know, the worst first; empty when all is well."""
    found = [*_database(core), *_settings(core), *_home(core)]
    with suppress(StoreError):
        found += [*_plugins(core), *_channels(core), *_schedules(core), *_workers(core)]
    worst = {"error": 0, "warning": 1, "notice": 2}
    return tuple(sorted(found, key=lambda notice: worst[notice.level]))


def _database(core: Core) -> Iterator[Notice]:
    try:
        check(core)
    except StoreError as exc:
        yield Notice("database", "error", str(exc))


def _settings(core: Core) -> Iterator[Notice]:
    for problem in core.problems:
        yield Notice("settings", "warning", problem)
    if not core.libraries:
        yield Notice("settings", "error", "No library is set up; set LIBRARY_<X>_NAME.")
    if not any(entry.engine for entry in core.engines):
        yield Notice("settings", "error", "No engine can be used; set ENGINE_<X>_NAME.")


def _plugins(core: Core) -> Iterator[Notice]:
    for engine in engines.listed(core):
        if engine.status == "failing":
            yield Notice(f"engine {engine.id}", "error", engine.reason)
        if engine.status == "stopped":
            yield Notice(f"engine {engine.id}", "warning", engine.reason)
    for library in libraries.listed(core):
        if is_switched_off(library.problem):
            continue
        if library.problem:
            yield Notice(f"library {library.id}", "error", library.problem)
    for library_id, problem in library_watches.problems(core).items():
        if problem and problem != library_watches.NOT_BEGUN:
            yield Notice(f"library {library_id}", "warning", problem)


def _channels(core: Core) -> Iterator[Notice]:
    for channel in channels.overview(core).channels if core.channels else ():
        last = channel.last
        if channel.problem and not channel.is_off:
            yield Notice(f"channel {channel.id}", "warning", channel.problem)
        elif last is not None and last.problem:
            yield Notice(
                f"channel {channel.id}", "warning", f"Notices do not arrive: {last.problem}"
            )


def _schedules(core: Core) -> Iterator[Notice]:
    for schedule in schedules.every(core):
        problem = schedules.problem_of(core, schedule)
        if problem and schedule.enabled:
            yield Notice(f"schedule {schedule.id}", "warning", problem)


def _workers(core: Core) -> Iterator[Notice]:
    if not core.is_clustered:
        return
    shown = workers.glance(core)
    if shown.problem:
        yield Notice("workers", "error", shown.problem)
    for scan_id, problem in shown.without_worker.items():
        yield Notice("workers", "warning", f"Nobody can work on scan {scan_id}: {problem}")


def _home(core: Core) -> Iterator[Notice]:
    path = accounts.left_over(core)
    if path is not None:
        message = f"The generated password or key is still in {path}; note it and delete the file."
        yield Notice("sign-in", "notice", message)
    disk = machine.disk(core.home)
    if disk is not None and disk.free_bytes < LITTLE_SPACE_BYTES:
        yield Notice("disk", "warning", f"Less than 500 MB are left in {core.home}.")
