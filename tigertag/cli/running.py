"""A scan is worked on in a command: watched, waited for, reported."""

import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tigertag.cli.main import INTERRUPTED, SOME_FAILED
from tigertag.cli.session import stderr
from tigertag.errors import Conflict
from tigertag.services import scans
from tigertag.services.core import Core
from tigertag.services.scans import Status
from tigertag.wording import about

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
    _report(status)


def run(
    built: Core, scan_id: int, *, leave: Callable[[Core, int], None], wait: bool = False
) -> Status:
    """Work on the scan; whoever interrupts it lets `leave` say what becomes of it, and exits."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = _once(built, scan_id)
        while wait and status.scan.state == "running":
            _rest(status)
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
    for line in _waits(status):
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


def _waits(status: Status) -> list[str]:
    """What the scan waits for, and when it goes on."""
    lines = [
        f"  {line}" if line.startswith("waiting ") else f"  {engine}: {line}"
        for engine, line in status.waits.items()
    ]
    if status.due_at is not None:
        lines.append(f"  It goes on at {status.due_at.astimezone():%H:%M on %-d %B %Y}.")
    return lines


def _report(status: Status) -> None:
    """Say what came of the scan, and leave with an honest exit code."""
    scan = status.scan
    wrote = scan.write == "apply"
    if scan.is_forecast:
        click.echo(f"Forecast {scan.id} of {scan.section.library}/{scan.section.id}: {scan.state}.")
        sys.exit(0 if scan.state == "done" else 1)
    click.echo(
        f"Scan {scan.id} ({scan.kind}, {scan.mode}, {scan.write}) of"
        f" {scan.section.library}/{scan.section.id}:"
        f" {'it waits' if _is_waiting(status) else scan.state}."
    )
    click.echo(
        f"  {scan.listed} items, {scan.unchanged} unchanged, {status.done} done,"
        f" {status.failed} failed; {status.asked} answers;"
        f" {status.adds} tags {'added' if wrote else 'to add'},"
        f" {status.removes} {'removed' if wrote else 'to remove'}."
    )
    for line in _told(status):
        click.echo(line)
    if scan.state != "done" and not _is_waiting(status):
        sys.exit(1)
    if status.failed or status.waiting or status.waits:
        sys.exit(SOME_FAILED)


def _is_waiting(status: Status) -> bool:
    """Whether all that is left waits, and nobody has paused it."""
    return status.scan.state == "running" and bool(status.waits)


def _told(status: Status) -> list[str]:
    """What else the user should know."""
    scan = status.scan
    lines = [f"  failed: {key}: {reason}" for key, reason in status.failures]
    for engine, reason in status.waiting.items():
        if engine not in status.waits:
            lines.append(f"  engine {engine} could not go on; a later scan asks it: {reason}")
    if status.left_alone:
        lines.append(f"  {status.left_alone} left alone: they bear one of SKIP_TAGS.")
    lines += [
        f"  {engine} was spared {saving.items} items: {_saved(saving.cost_usd)}."
        for engine, saving in status.spared.items()
    ]
    if not scan.active:
        lines += _waits(status)
    if _is_waiting(status):
        lines += _waits(status)
        lines.append(
            f"  The service goes on by itself; without it, `tigertag resume {scan.id}` does."
        )
    elif scan.is_preview and (status.adds or status.removes):
        lines.append(f"  Nothing was written; `tigertag apply {scan.id}` writes it.")
    return lines


def _saved(cost_usd: float | None) -> str:
    return "what that saved is not known" if cost_usd is None else f"{about(cost_usd)} less"
