"""`tigertag scan`, its forecast, and what is done with a scan: apply, undo, resume and the like."""

from contextlib import suppress
from threading import Event

import click
from rich.table import Table

from tigertag.cli import progress
from tigertag.cli.session import confirm, console, core, require_terminal
from tigertag.core import Core
from tigertag.errors import Conflict, LibraryError
from tigertag.scan import batch_cleanup
from tigertag.scan.forecasts import EngineForecast, Forecast
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request
from tigertag.text import about, count, usd

_scan_id = click.argument("scan_id", metavar="SCAN", type=int)
_library = click.argument("library")
_section = click.argument("section", required=False)
_new = click.option("--new", is_flag=True, help="Only items that were added lately.")
_force = click.option("--force", is_flag=True, help="Analyse every item again.")
_engine = click.option(
    "--engine", "engines", multiple=True, help="Run this engine (more than once: several)."
)
_wait = click.option("--wait", is_flag=True, help="Wait until the scan finishes, even for hours.")


class UsageError(click.ClickException):
    """The command makes no sense. The message is one line."""

    exit_code = 2


@click.command()
@_library
@_section
@click.option("--apply", "write", flag_value="apply", default="preview", help="Write the tags.")
@_force
@_new
@click.option(
    "--sample", is_flag=True, help="Look at 100 photos that are known; ask no paid engine."
)
@click.option("--decide", is_flag=True, help="Re-apply rules to stored results; run no engine.")
@_engine
@click.option("--yes", is_flag=True, help="Do not ask for confirmation, whatever engines cost.")
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Treat items that are no longer listed as deleted, however many they are.",
)
@_wait
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
    """Scan a library's section: a preview, unless --apply says to write.

    Where an engine costs money or quota, it first shows a forecast, and asks you to confirm.
    """
    if mode["sample"] and accept_missing:
        raise UsageError("--sample and --accept-missing exclude each other; choose one.")
    request = Request(
        library, section, _mode(**mode), write, engines, accept_missing=accept_missing
    )
    with core() as built:
        _clean_up(built)
        scan_id = scans.unfinished(built, request)
        if scan_id is None:
            if not yes:
                _confirm_cost(built, request)
            scan_id = scans.start(built, request)
        else:
            progress.let_go_on(built, scan_id)
            click.echo(f"Scan {scan_id} has not ended; resuming it.", err=True)
        progress.work(built, scan_id, wait=wait)


@click.command()
@_library
@_section
@_force
@_new
@_engine
def forecast(library: str, section: str | None, engines: tuple[str, ...], **mode: bool) -> None:
    """Count what a scan would send to engines, and what that would cost; run none."""
    request = Request(library, section, _mode(**mode), engines=engines)
    with core() as built:
        _print_forecast(_forecast(built, request))


@click.command()
@_scan_id
def apply(scan_id: int) -> None:
    """Write what the preview SCAN decided; runs no engine."""
    with core() as built:
        progress.work(built, scans.apply(built, scan_id))


@click.command()
@_scan_id
def undo(scan_id: int) -> None:
    """Undo what SCAN wrote, where that still stands; undoing an undo restores it."""
    with core() as built:
        progress.work(built, scans.undo(built, scan_id))


@click.command()
@_scan_id
@click.option("--without", metavar="ENGINE", help="Do not wait for this engine.")
@_wait
def resume(scan_id: int, *, without: str | None, wait: bool) -> None:
    """Resume SCAN, which was paused or interrupted, or which waits."""
    with core() as built:
        if without is not None:
            scans.finish_without(built, scan_id, without)
        scans.resume(built, scan_id)
        progress.let_go_on(built, scan_id)
        progress.work(built, scan_id, wait=wait)


@click.command()
@_scan_id
def pause(scan_id: int) -> None:
    """Pause SCAN, whichever process works on it."""
    with core() as built:
        scans.pause(built, scan_id)
    click.echo(f"Scan {scan_id} is paused; `tigertag resume {scan_id}` resumes it.")


@click.command()
@_scan_id
def cancel(scan_id: int) -> None:
    """End SCAN; what it did is kept."""
    with core() as built:
        with suppress(Conflict):
            scans.cancel(built, scan_id)
        state = scan_status.status(built, scan_id).scan.state
        if state != "cancelled":
            raise Conflict(f"Scan {scan_id} is {state}; it cannot be cancelled.")
        batch_cleanup.make_due(built, scan_id)
        _clean_up(built)
        waits = scan_status.status(built, scan_id).waits
    click.echo(f"Scan {scan_id} is cancelled; what it did is kept.")
    for line in waits.values():
        click.echo(f"  {line}")


def _clean_up(built: Core) -> None:
    """End the batches of ended scans; with a broker the service does."""
    if not built.is_clustered:
        batch_cleanup.clean_up(built, Event())


def _mode(**flags: bool) -> str:
    """Return the mode whose flag is set. Raises `UsageError` for two."""
    modes = [mode for mode, is_set in flags.items() if is_set]
    if len(modes) > 1:
        raise UsageError("--{} and --{} exclude each other; choose one.".format(*modes))
    return modes[0] if modes else "changed"


def _confirm_cost(built: Core, request: Request) -> None:
    """Show what a scan would cost, and exit unless the answer is yes; a free one just starts.

    Raises `RequestError` where there is nobody to answer.
    """
    paid = scans.paid_engines(built, request)
    if not paid:
        return
    require_terminal(paid, hint=", or see the cost first: `tigertag forecast`")
    counted = _forecast(built, request)
    _print_forecast(counted)
    if counted.paid:
        confirm("Start the scan?")


def _forecast(built: Core, request: Request) -> Forecast:
    """Run a forecast to its end. Raises `TigerTagError`."""
    scan_id = scans.forecast_under_way(built, request)
    if scan_id is None:
        scan_id = scans.forecast(built, request)
    else:
        progress.let_go_on(built, scan_id)
    status = progress.run(built, scan_id, leave=_drop)
    if status.forecast is None:
        raise LibraryError(f"Forecast {scan_id} is {status.scan.state}: nothing was counted.")
    return status.forecast


def _drop(built: Core, scan_id: int) -> None:
    """A forecast that was interrupted is of no use."""
    with suppress(Conflict):
        scans.cancel(built, scan_id)


def _print_forecast(counted: Forecast) -> None:
    if not any(engine.items for engine in counted.engines):
        click.echo("No engine would run: every item has its answers.")
        return
    table = Table("engine", "items", "calls", "cost", "left this month", "", box=None)
    for engine in counted.engines:
        items = f"at most {engine.items}" if engine.at_most and engine.items else str(engine.items)
        calls = str(engine.calls) if engine.calls else ""
        verdict = "" if engine.enough else "not enough: the rest would wait"
        table.add_row(engine.engine, items, calls, _cost(engine), _left(engine), verdict)
    console.print(table)
    if counted.paid:
        click.echo(_total(counted))


def _cost(engine: EngineForecast) -> str:
    if not engine.paid:
        return "free"
    return "no money" if engine.cost_usd == 0 else usd(engine.cost_usd)


def _left(engine: EngineForecast) -> str:
    """What the month's budget still allows."""
    parts = [] if engine.units_left is None else [count(engine.units_left, "call")]
    if engine.usd_left is not None:
        parts.append(usd(engine.usd_left))
    return ", ".join(parts) or ("no limit" if engine.paid else "")


def _total(counted: Forecast) -> str:
    if not counted.unknown:
        if not counted.cost_usd:
            return "Free, but uses calls of your quota."
        return f"{about(counted.cost_usd).capitalize()} in all."
    names = ", ".join(counted.unknown)
    others = f"; the others cost {about(counted.cost_usd)}" if counted.cost_usd else ""
    return f"What {names} costs is not known{others}."
