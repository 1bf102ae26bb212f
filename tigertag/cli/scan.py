"""`tigertag scan` and what can be done with a scan."""

from contextlib import suppress
from threading import Event

import click

from tigertag.cli import forecast as forecasting
from tigertag.cli import running
from tigertag.cli.modes import chosen
from tigertag.cli.session import core
from tigertag.errors import Conflict
from tigertag.scan import batch_cleanup as winding
from tigertag.services import scans
from tigertag.services.scans import Request

_waiting = click.option(
    "--wait", is_flag=True, help="Stay until its end, hours if need be, while it waits."
)


@click.command()
@click.argument("library")
@click.argument("section", required=False)
@click.option("--apply", "write", flag_value="apply", default="preview", help="Write the tags.")
@click.option("--force", is_flag=True, help="Ask anew of all items.")
@click.option("--new", is_flag=True, help="Look only at what was added lately.")
@click.option("--decide", is_flag=True, help="Decide anew; ask no engine.")
@click.option(
    "--engine", "engines", multiple=True, help="Ask this engine (more than once: several)."
)
@click.option("--yes", is_flag=True, help="Do not ask first, whatever engines cost.")
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Known items that are not listed any more are gone, however many they are.",
)
@_waiting
def scan(
    library: str,
    section: str | None,
    write: str,
    engines: tuple[str, ...],
    *,
    yes: bool,
    accept_missing: bool,
    wait: bool,
    **mode: bool,
) -> None:
    """Go through a library's section: a preview, unless --apply says to write.

    Where an engine is paid for, it first counts what would be asked, and asks you.
    """
    request = Request(
        library, section, chosen(**mode), write, engines, accept_missing=accept_missing
    )
    with core() as built:
        winding.wind_up(built, Event())
        scan_id = scans.unfinished(built, request)
        if scan_id is None:
            if not yes:
                forecasting.ask_first(built, request)
            scan_id = scans.start(built, request)
        else:
            running.wait_for_lease(built, scan_id)
            click.echo(f"Scan {scan_id} has not ended; going on with it.", err=True)
        running.work(built, scan_id, wait=wait)


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def apply(scan_id: int) -> None:
    """Write what the preview SCAN decided; asks no engine."""
    with core() as built:
        running.work(built, scans.apply(built, scan_id))


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def undo(scan_id: int) -> None:
    """Take back what SCAN wrote and still stands; undoing an undo brings it back."""
    with core() as built:
        running.work(built, scans.undo(built, scan_id))


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
@click.option("--without", metavar="ENGINE", help="Wait no more for this engine.")
@_waiting
def resume(scan_id: int, *, without: str | None, wait: bool) -> None:
    """Go on with SCAN, which was paused or interrupted, or which waits."""
    with core() as built:
        if without is not None:
            scans.finish_without(built, scan_id, without)
        scans.resume(built, scan_id)
        running.wait_for_lease(built, scan_id)
        running.work(built, scan_id, wait=wait)


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
        with suppress(Conflict):
            scans.cancel(built, scan_id)
        state = scans.status(built, scan_id).scan.state
        if state != "cancelled":
            raise Conflict(f"Scan {scan_id} is {state}; it cannot be cancelled.")
        winding.hasten(built, scan_id)
        winding.wind_up(built, Event())
        waits = scans.status(built, scan_id).waits
    click.echo(f"Scan {scan_id} is cancelled; what it did is kept.")
    for line in waits.values():
        click.echo(f"  {line}")
