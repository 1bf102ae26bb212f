"""`tigertag status|events|overview`: what runs, what happened, and what needs attention."""

from collections.abc import Iterator

import click

from tigertag.cli.session import core, say
from tigertag.services import events as event_service
from tigertag.services import health, system
from tigertag.services import overview as overview_service
from tigertag.services.overview import Overview
from tigertag.services.system import SystemStatus, Tasks
from tigertag.text import count, data_size, usd

_LEVELS, _SOURCES = event_service.LEVELS, event_service.SOURCES


@click.command()
def status() -> None:
    """Show versions, database, disk, memory, what runs, and what needs attention."""
    with core() as built:
        for line in _status_lines(system.status(built), is_clustered=built.is_clustered):
            say(line)
        for line in _task_lines(system.tasks(built)):
            say(line)
        for notice in health.notices(built):
            say(f"{notice.level.capitalize()}: {notice.source}: {notice.message}")


def _status_lines(status: SystemStatus, *, is_clustered: bool) -> Iterator[str]:
    database, disk, machine = status.database, status.disk, status.machine
    yield f"TigerTag {status.version}, Python {status.python}, {status.system}"
    size = data_size(database.size_bytes)
    place = f"revision {database.revision}, {database.place}"
    yield f"Database: {database.kind} {database.version}, {size}, {place}"
    if disk is not None:
        free, total = data_size(disk.free_bytes), data_size(disk.total_bytes)
        yield f"Disk: {free} free of {total}, {disk.place}"
    if machine.memory_bytes and machine.memory_free_bytes is not None:
        free, total = data_size(machine.memory_free_bytes), data_size(machine.memory_bytes)
        yield f"Memory: {free} free of {total}"
    load = "" if machine.load is None else f", load {machine.load:.2f}"
    yield f"CPU: {count(machine.cpus, 'core')}{load}"
    start = "start `tigertag worker`" if is_clustered else "`tigertag serve` starts it"
    yield f"Worker for scans: {'running' if status.works else f'none; {start}'}"


def _task_lines(tasks: Tasks) -> Iterator[str]:
    for one in tasks.scans:
        total = f", {one.done + one.failed} of {count(one.total, 'item')}" if one.total else ""
        yield f"Scan {one.scan.id} of {one.scan.section.called}: {one.scan.state}{total}"
    for wanted in tasks.requests:
        place = f"{wanted.library}/{wanted.section}" if wanted.section else wanted.library
        problem = f": {wanted.problem}" if wanted.problem else ""
        yield f"Scan of {place} waits, wanted by {wanted.reason}{problem}"
    for view in tasks.schedules:
        next_run = f", next {view.next_runs[0]:%Y-%m-%d %H:%M}" if view.next_runs else ""
        problem = f": {view.problem}" if view.problem else ""
        yield f"Schedule {view.schedule.id}: {view.words}{next_run}{problem}"
    for task in tasks.background:
        if task.problem:
            yield f"Error: {task.title}: {task.problem}"


@click.command()
@click.option("--level", type=click.Choice(_LEVELS), help="This level and worse.")
@click.option("--source", type=click.Choice(_SOURCES), help="Of this kind only.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many."
)
def events(level: str | None, source: str | None, limit: int) -> None:
    """List what happened, the newest last: scans, writes, failures, sign-ins and more."""
    with core() as built:
        page = event_service.listed(built, level=level or "", source=source or "", limit=limit)
        for event in page.items[::-1]:
            at = f"{event.at.astimezone(built.timezone):%Y-%m-%d %H:%M:%S}"
            say(f"{at}  {event.level:7}  {event.source:8}  {event.message}")
    if not page.items:
        say("None.")


@click.command()
@click.option(
    "--days", type=click.Choice(["1", "7", "30"]), default="1", show_default=True, help="How many."
)
def overview(days: str) -> None:
    """Show what was processed, failed, written and spent today or in the last days."""
    with core() as built:
        for line in _overview_lines(overview_service.overview(built, int(days))):
            say(line)


def _overview_lines(shown: Overview) -> Iterator[str]:
    pace = f", {shown.items_per_s:.1f} a second" if shown.items_per_s else ""
    yield f"Items processed: {shown.items} by {count(shown.scans, 'scan')}{pace}"
    yield f"Tags written: {shown.added}; removed: {shown.removed}"
    saved = f"; saved: {usd(shown.saved_usd)}" if shown.saved_usd else ""
    yield f"Cost: {usd(shown.cost_usd)}{saved}"
    for engine in shown.engines:
        skipped = f", skipped for {count(engine.skipped, 'item')}" if engine.skipped else ""
        cost = f"{count(engine.calls, 'call')}, {usd(engine.cost_usd)}"
        yield f"  {engine.engine}: {cost}{skipped}"
    yield f"Failed and unsolved: {count(shown.failed, 'item')}"
    for failure in shown.failures:
        cause = failure.engine or "library"
        yield f"  {count(failure.problems, 'item')}, {cause}: {failure.reason}"
    if shown.failures:
        yield "`tigertag problems retry --reason REASON` tries all with a reason again."
