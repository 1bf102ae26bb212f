"""`tigertag scan` and what can be done with a scan."""

import signal
import sys
import time
from threading import Thread

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core, stderr
from tigertag.errors import Conflict
from tigertag.services import scans
from tigertag.services.core import Core
from tigertag.services.scans import Request, Status

_POLL_S = 0.25


@click.command()
@click.argument("library")
@click.argument("section", required=False)
@click.option("--apply", "write", flag_value="apply", default="preview", help="Write the tags.")
@click.option(
    "--force", "mode", flag_value="force", default="changed", help="Ask anew of all items."
)
@click.option("--decide", "mode", flag_value="decide", help="Decide anew; ask no engine.")
@click.option(
    "--engine", "engines", multiple=True, help="Ask this engine (more than once: several)."
)
def scan(
    library: str, section: str | None, write: str, mode: str, engines: tuple[str, ...]
) -> None:
    """Go through a library's section: a preview, unless --apply says to write."""
    request = Request(library, section, mode, write, engines)
    with core() as built:
        scan_id = scans.unfinished(built, request)
        if scan_id is None:
            scan_id = scans.start(built, request)
        else:
            _wait_for_lease(built, scan_id)
            click.echo(f"Scan {scan_id} was interrupted; going on with it.", err=True)
        _work(built, scan_id)


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def apply(scan_id: int) -> None:
    """Write what the preview SCAN decided; asks no engine."""
    with core() as built:
        _work(built, scans.apply(built, scan_id))


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def undo(scan_id: int) -> None:
    """Take back what SCAN wrote and still stands; undoing an undo brings it back."""
    with core() as built:
        _work(built, scans.undo(built, scan_id))


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def resume(scan_id: int) -> None:
    """Go on with SCAN, which was paused or interrupted."""
    with core() as built:
        scans.resume(built, scan_id)
        _wait_for_lease(built, scan_id)
        _work(built, scan_id)


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def pause(scan_id: int) -> None:
    """Pause SCAN, wherever it is at work."""
    with core() as built:
        scans.pause(built, scan_id)
    click.echo(f"Scan {scan_id} is paused; `tigertag resume {scan_id}` goes on.")


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def cancel(scan_id: int) -> None:
    """End SCAN; what it did is kept."""
    with core() as built:
        scans.cancel(built, scan_id)
    click.echo(f"Scan {scan_id} is cancelled; what it did is kept.")


def _wait_for_lease(built: Core, scan_id: int) -> None:
    """Wait until the lease of a process that died has run out. Raises `Conflict` if it lives."""
    left_s = scans.lease_left_s(built, scan_id)
    if left_s > 0:
        click.echo(
            f"Scan {scan_id}: waiting {left_s:.0f} s for its last lease to run out.", err=True
        )
        time.sleep(left_s + 0.05)
    if scans.lease_left_s(built, scan_id) > 0:
        raise Conflict(f"Scan {scan_id} is at work in another process; wait for it, or cancel it.")


def _work(built: Core, scan_id: int) -> None:
    """Work on the scan, show how far it is, and exit by what came of it."""
    runner = scans.run(built, scan_id)
    problem: list[Exception] = []

    def work() -> None:
        try:
            runner.run()
        except Exception as exc:
            problem.append(exc)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker = Thread(target=work, name="tigertag-scan")
    worker.start()
    try:
        _watch(built, scan_id, worker)
    except KeyboardInterrupt:
        click.echo("Stopping; what is done is kept …", err=True)
        runner.stop.set()
        worker.join()
        if _paused(built, scan_id):
            click.echo(f"Scan {scan_id} is paused; `tigertag resume {scan_id}` goes on.", err=True)
        sys.exit(130)
    finally:
        runner.stop.set()
        worker.join()
    if problem:
        raise problem[0]
    _report(scans.status(built, scan_id))


def _paused(built: Core, scan_id: int) -> bool:
    """Pause the scan; False when it has ended by itself."""
    try:
        scans.pause(built, scan_id)
    except Conflict:
        return False
    return True


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


def _report(status: Status) -> None:
    """Say what came of the scan, and leave with an honest exit code."""
    scan = status.scan
    wrote = scan.write == "apply"
    click.echo(
        f"Scan {scan.id} ({scan.kind}, {scan.mode}, {scan.write}) of"
        f" {scan.section.library}/{scan.section.id}: {scan.state}."
    )
    click.echo(
        f"  {scan.listed} items, {scan.unchanged} unchanged, {status.done} done,"
        f" {status.failed} failed; {status.asked} answers;"
        f" {status.adds} tags {'added' if wrote else 'to add'},"
        f" {status.removes} {'removed' if wrote else 'to remove'}."
    )
    for key, reason in status.failures:
        click.echo(f"  failed: {key}: {reason}")
    for engine, reason in status.waiting.items():
        click.echo(f"  engine {engine} could not go on; its items wait: {reason}")
    if not wrote and (status.adds or status.removes):
        click.echo(f"  Nothing was written; `tigertag apply {scan.id}` writes it.")
    if scan.state != "done":
        sys.exit(1)
    if status.failed or status.waiting:
        sys.exit(SOME_FAILED)
