"""A scan at work in a command: run, watched, waited for, and reported at its end."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tigertag.cli.main import INTERRUPTED, SOME_FAILED
from tigertag.cli.session import stderr
from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.scan import summary
from tigertag.services import browsing, scan_status, scans
from tigertag.services.scan_status import Status
from tigertag.text import about, count, printable

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
    """Work on the scan, show its progress, report it, and exit with its code.

    `wait`: stay, too, while all that is left waits for a batch, an engine or the next month.
    """
    report(built, run(built, scan_id, leave=_pause, wait=wait))


def run(
    built: Core, scan_id: int, *, leave: Callable[[Core, int], None], wait: bool = False
) -> Status:
    """Work on the scan; when interrupted, call `leave` with it and exit."""
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
    return scan_status.status(built, scan_id)


def _rest(status: Status) -> None:
    """Print what the scan waits for, and sleep until it may be there."""
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
            status = scan_status.status(built, scan_id)
            # Counting a large scan takes a while: it is not to be most of the work.
            pause_s = max(_POLL_S, 10 * (time.perf_counter() - asked))
            progress.update(
                task,
                total=status.total or None,
                completed=status.done + status.failed,
                pace=_pace(status),
            )


def _pace(status: Status) -> str:
    pace = f"{status.items_per_s:.0f} items/s"
    if status.eta_s is None:
        return pace
    minutes, seconds = divmod(round(status.eta_s), 60)
    left = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
    return f"{pace}, {left} left"


def report(built: Core, status: Status) -> None:
    """Print the outcome of the scan, and exit with the code that fits unless it is done."""
    scan = status.scan
    if scan.is_forecast:
        click.echo(f"Forecast {scan.id} of {scan.section.called}: {scan.state}.")
        sys.exit(0 if scan.state == "done" else 1)
    click.echo(
        f"Scan {scan.id} ({scan.kind}, {scan.mode}, {scan.write}) of {scan.section.called}:"
        f" {'it waits' if _is_waiting(status) else scan.state}."
    )
    for line in (_counts(status), *_failed(built, status), *_notes(status), *_next(status)):
        click.echo(f"  {line}")
    if scan.state != "done" and not _is_waiting(status):
        sys.exit(1)
    if status.failed or status.waiting or status.waits:
        sys.exit(SOME_FAILED)


def _waits(status: Status) -> list[str]:
    """What the scan waits for, and when it goes on."""
    lines = [
        line if line.startswith("waiting ") else f"{engine}: {line}"
        for engine, line in status.waits.items()
    ]
    if status.due_at is not None:
        lines.append(f"It goes on at {status.due_at.astimezone():%H:%M on %-d %B %Y}.")
    return lines


def _is_waiting(status: Status) -> bool:
    """Whether all that is left waits, and nobody has paused it."""
    return status.scan.state in ("running", "waiting") and bool(status.waits)


def _counts(status: Status) -> str:
    scan, wrote = status.scan, status.scan.write == "apply"
    return (
        f"{count(scan.listed, 'item')}, {scan.unchanged} unchanged, {status.done} done,"
        f" {status.failed} failed; {count(status.asked, 'answer')};"
        f" {count(status.adds, 'tag')} {'added' if wrote else 'to add'},"
        f" {status.removes} {'removed' if wrote else 'to remove'}."
    )


def _failed(built: Core, status: Status) -> list[str]:
    """Which items failed, and whether they are tried again."""
    if not status.failed:
        return []
    scan = status.scan
    lines = [f"failed: {called}: {reason}" for called, reason in status.failures]
    if status.failed > len(status.failures):
        more = status.failed - len(status.failures)
        lines.append(f"… and {more} more; `tigertag show {scan.id}` lists them.")
    if scan.kind in ("undo", "redo"):
        return [*lines, f"`tigertag undo {scan.source_id}` tries them again."]
    given_up = len(browsing.given_up(built, scan.id))
    tried = status.failed - given_up
    if not given_up:
        return [*lines, "The next scan that you start tries what failed again; others wait longer."]
    skips = f"skips {given_up} of them" if tried else "skips what failed"
    again = f"tries {tried} of them again and " if tried else ""
    return [*lines, f"The next scan {again}{skips} until the files change (unless --force is set)."]


def _notes(status: Status) -> list[str]:
    """What the user should know of items and engines besides."""
    lines = []
    # This scan may have passed over items that failed in earlier ones.
    if status.problems and not (status.failed and status.problems == status.failed):
        have = "item still has a problem" if status.problems == 1 else "items still have problems"
        lines.append(f"{status.problems} {have}; `tigertag problems` shows why.")
    lines += [f"left out: {printable(summary.left_out_line(each))}" for each in status.left_out]
    lines += [
        f"engine {engine} stopped; a later scan runs it: {reason}"
        for engine, reason in status.waiting.items()
        if engine not in status.waits
    ]
    if status.left_alone:
        have = "it has" if status.left_alone == 1 else "they have"
        lines.append(f"{count(status.left_alone, 'item')} skipped: {have} one of SKIP_TAGS.")
    for engine, saving in status.spared.items():
        cost_usd = saving.cost_usd
        saved = "savings not known" if cost_usd is None else f"{about(cost_usd)} saved"
        items = count(saving.items, "item")
        lines.append(f"{engine} skipped for {items}: another engine was confident; {saved}.")
    return lines


def _next(status: Status) -> list[str]:
    """What the scan waits for, or what can be done with it."""
    scan, lines = status.scan, []
    if _is_waiting(status) or not scan.active:
        lines = _waits(status)
    if _is_waiting(status):
        resume = f"`tigertag resume {scan.id}`"
        lines.append(f"The service resumes it by itself; without the service, use {resume}.")
    elif scan.is_preview and (status.adds or status.removes):
        lines.append(f"Nothing was written; `tigertag apply {scan.id}` writes it.")
    return lines
