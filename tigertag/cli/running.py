"""A scan is worked on in a command: watched and waited for."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tigertag.cli.main import INTERRUPTED
from tigertag.cli.reporting import report, waits
from tigertag.cli.session import stderr
from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.services import scans
from tigertag.services.scans import Status

_POLL_S = 0.25
_REST_S = 1.0


def wait_for_lease(built: Core, scan_id: int) -> None:
    """Wait until the lease of a process that died has run out. Raises `Conflict` if it lives."""
    left_s = scans.lease_left_s(built, scan_id)
    if left_s > 0:
        click.echo(
            f"Scan {scan_id}: waiting {left_s:.0f} s for its last lease to run out.", err=True
        )
        time.sleep(left_s + 0.05)
    if scans.lease_left_s(built, scan_id) > 0:
        raise Conflict(f"Scan {scan_id} is at work in another process; wait for it, or cancel it.")


def work(built: Core, scan_id: int, *, wait: bool = False) -> None:
    """Work on the scan, show how far it is, and exit by what came of it.

    `wait`: stay, too, while all that is left waits for a batch, an engine or the next month.
    """
    status = run(built, scan_id, leave=_pause, wait=wait)
    report(built, status)


def run(
    built: Core, scan_id: int, *, leave: Callable[[Core, int], None], wait: bool = False
) -> Status:
    """Work on the scan; whoever interrupts it lets `leave` say what becomes of it, and exits."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = _once(built, scan_id)
        while wait and status.scan.state in ("running", "waiting"):
            _rest(status)
            with suppress(Conflict):
                # Another scan of the section is at work: this one goes on after it.
                status = _once(built, scan_id)
    except KeyboardInterrupt:
        leave(built, scan_id)
        sys.exit(INTERRUPTED)
    return status


def _once(built: Core, scan_id: int) -> Status:
    """Work until there is nothing more to do for now."""
    runner = scans.run(built, scan_id)
    problem: list[Exception] = []

    def work() -> None:
        try:
            runner.run()
        except Exception as exc:
            problem.append(exc)

    worker = Thread(target=work, name="tigertag-scan")
    worker.start()
    try:
        _watch(built, scan_id, worker)
    except KeyboardInterrupt:
        click.echo("Stopping; what is done is kept …", err=True)
        raise
    finally:
        runner.stop.set()
        worker.join()
    if problem:
        raise problem[0]
    return scans.status(built, scan_id)


def _rest(status: Status) -> None:
    """Say what is waited for, and sleep until it may have come."""
    for line in waits(status):
        click.echo(line, err=True)
    left_s = _REST_S
    if status.due_at is not None:
        left_s = max(left_s, (status.due_at - datetime.now(UTC)).total_seconds())
    time.sleep(left_s)


def _pause(built: Core, scan_id: int) -> None:
    """Pause the scan, unless it has ended by itself."""
    try:
        scans.pause(built, scan_id)
    except Conflict:
        return
    click.echo(f"Scan {scan_id} is paused; `tigertag resume {scan_id}` goes on.", err=True)


def _watch(built: Core, scan_id: int, worker: Thread) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    quiet = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=quiet) as progress:
        task = progress.add_task(f"Scan {scan_id}", total=None, pace="")
        pause_s = _POLL_S
        while worker.is_alive():
            worker.join(pause_s)
            asked = time.perf_counter()
            status = scans.status(built, scan_id)
            # Counting a large scan takes a while: it is not to be most of the work.
            pause_s = max(_POLL_S, 10 * (time.perf_counter() - asked))
            progress.update(
                task,
                total=status.total or None,
                completed=status.done + status.failed,
                pace=_pace(status),
            )


def _pace(status: Status) -> str:
    left = "" if status.eta_s is None else f", {_minutes(status.eta_s)} left"
    return f"{status.items_per_s:.0f} items/s{left}"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
