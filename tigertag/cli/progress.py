"""A scan of a command: worked on here or by workers, watched, waited for, and reported."""

import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from datetime import UTC, datetime
from threading import Thread
from typing import NoReturn

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tigertag.cli.main import INTERRUPTED, SOME_FAILED
from tigertag.cli.session import say, stderr
from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.scan import summary
from tigertag.services import browsing, scan_status, scans, workers
from tigertag.services.scan_status import Status
from tigertag.text import about, count, printable

_POLL_S = 0.25
_REST_S = 1.0
_SERVICE_S = 30.0
"""So long a new scan waits for the service, which may be restarting."""


def let_go_on(built: Core, scan_id: int) -> None:
    """Let a scan that has not ended go on. Raises `Conflict` if another process works on it.

    Without a broker it waits until the lease of a process that died has run out.
    """
    if built.is_clustered:
        if scan_status.status(built, scan_id).scan.state == "paused":
            scans.resume(built, scan_id)
        return
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
    """Have the scan worked on; when interrupted, call `leave` with it and exit.

    With a broker it is only watched: the service takes it up, and workers work on it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return (_follow if built.is_clustered else _work_here)(built, scan_id, wait=wait)
    except KeyboardInterrupt:
        leave(built, scan_id)
        sys.exit(INTERRUPTED)


def _work_here(built: Core, scan_id: int, *, wait: bool) -> Status:
    """Work on the scan in this process."""
    status = _once(built, scan_id)
    while wait and status.scan.state in ("running", "waiting"):
        _rest(status)
        with suppress(Conflict):
            # Another scan of the section is at work: this one goes on after it.
            status = _once(built, scan_id)
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
        with closing(_looks(built, scan_id, sleep=worker.join)) as looks:
            while worker.is_alive():
                next(looks)
    except KeyboardInterrupt:
        click.echo("Stopping; what is done is kept …", err=True)
        raise
    finally:
        runner.stop.set()
        worker.join()
    if problem:
        raise problem[0]
    return scan_status.status(built, scan_id)


def _follow(built: Core, scan_id: int, *, wait: bool) -> Status:
    """Watch the scan until it ends, is paused, or waits for a later time."""
    began, shown = time.monotonic(), list[str]()
    click.echo(_how_to_stop(scan_status.status(built, scan_id)), err=True)
    with closing(_looks(built, scan_id, sleep=time.sleep)) as looks:
        for status in looks:
            if not _goes_on(built, status, wait=wait):
                break
            nobody = workers.why_not_taken_up(built, status.scan)
            lines = [nobody] if nobody else _held_up(status)
            for line in lines:
                if line not in shown:
                    say(line, to=stderr)
            shown = lines
            if not nobody:
                began = time.monotonic()
            elif not wait and time.monotonic() > began + _SERVICE_S:
                _give_up(built, status)
    built.cache.forget("tally", "problems")
    return scan_status.status(built, scan_id)


def _how_to_stop(status: Status) -> str:
    scan_id = status.scan.id
    if status.scan.is_forecast:
        return f"Workers count forecast {scan_id}. Ctrl-C cancels it."
    return (
        f"Workers work on scan {scan_id}. Ctrl-C pauses it; `tigertag cancel {scan_id}` cancels it."
    )


def _goes_on(built: Core, status: Status, *, wait: bool) -> bool:
    scan = status.scan
    if scan.state == "waiting":
        return wait or scans.is_due(built, scan.id)
    return scan.state in ("queued", "running")


def _held_up(status: Status) -> list[str]:
    """What the scan waits for; while others work on it, only that nobody can."""
    if status.scan.state == "waiting":
        return _waits(status)
    return [line for key, line in status.waits.items() if key == scan_status.WORKER]


def _give_up(built: Core, status: Status) -> NoReturn:
    """Raise `Conflict` for a scan that nobody takes up."""
    scan = status.scan
    if scan.is_forecast:
        with suppress(Conflict):
            scans.cancel(built, scan.id)
        raise Conflict(f"Forecast {scan.id} is cancelled: no service took it up.")
    raise Conflict(
        f"No service took up scan {scan.id}. It begins once one runs, unless you cancel it:"
        f" `tigertag cancel {scan.id}`."
    )


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


def _looks(built: Core, scan_id: int, *, sleep: Callable[[float], object]) -> Generator[Status]:
    """Look how far the scan has come, again and again, and show it."""
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
        while True:
            sleep(pause_s)
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
            yield status


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
    for line in (_counts(status), *_failed(built, status), *_notes(status), *_next(built, status)):
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


def _next(built: Core, status: Status) -> list[str]:
    """What the scan waits for, or what can be done with it."""
    scan, lines = status.scan, []
    if _is_waiting(status) or not scan.active:
        lines = _waits(status)
    if _is_waiting(status):
        without = f"; without the service, use `tigertag resume {scan.id}`"
        lines.append(f"The service resumes it by itself{'' if built.is_clustered else without}.")
    elif scan.is_preview and (status.adds or status.removes):
        lines.append(f"Nothing was written; `tigertag apply {scan.id}` writes it.")
    return lines
