"""`tigertag forecast`: what a scan would ask and cost; and the question before a paid one."""

import sys
from contextlib import suppress

import click
from rich.table import Table

from tigertag.cli import running
from tigertag.cli.modes import chosen
from tigertag.cli.session import console, core
from tigertag.core import Core
from tigertag.errors import Conflict, LibraryError, RequestError
from tigertag.scan.forecasts import EngineForecast, Forecast
from tigertag.services import consent, scans
from tigertag.services.scans import Request
from tigertag.text import about, count, usd


@click.command()
@click.argument("library")
@click.argument("section", required=False)
@click.option("--force", is_flag=True, help="Of all items anew.")
@click.option("--new", is_flag=True, help="Of what was added lately only.")
@click.option(
    "--engine", "engines", multiple=True, help="Of this engine (more than once: several)."
)
def forecast(library: str, section: str | None, engines: tuple[str, ...], **mode: bool) -> None:
    """Count what a scan would ask engines, and what that would cost; ask none."""
    request = Request(library, section, chosen(**mode), engines=engines)
    with core() as built:
        show(counted(built, request))


def ask_first(built: Core, request: Request) -> None:
    """Show what a scan would cost, and ask; nothing is asked where no engine is paid for.

    Leaves when the answer is no. Raises `RequestError` where there is nobody to answer.
    """
    paid = consent.paid_engines(built, request)
    if not paid:
        return
    names = ", ".join(entry.id for entry in paid)
    if not is_answered():
        raise RequestError(
            f"This would ask engines that are paid for ({names}), and nobody is here to say yes;"
            " nothing was asked. Add --yes, or see the cost first: `tigertag forecast`."
        )
    found = counted(built, request)
    show(found)
    if found.paid:
        confirm("Start the scan?")


def confirm(question: str) -> None:
    """Leave unless the answer is yes."""
    if not click.confirm(question, default=False, err=True):
        click.echo("Nothing was asked.", err=True)
        sys.exit(1)


def is_answered() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty()


def counted(built: Core, request: Request) -> Forecast:
    """Run a forecast to its end. Raises `TigerTagError`."""
    scan_id = consent.under_way(built, request)
    if scan_id is None:
        scan_id = consent.forecast(built, request)
    else:
        running.wait_for_lease(built, scan_id)
    status = running.run(built, scan_id, leave=_drop)
    if status.forecast is None:
        raise LibraryError(f"Forecast {scan_id} is {status.scan.state}: nothing was counted.")
    return status.forecast


def _drop(built: Core, scan_id: int) -> None:
    """A forecast that was interrupted is of no use."""
    with suppress(Conflict):
        scans.cancel(built, scan_id)


def show(found: Forecast) -> None:
    """Print what each engine would be asked."""
    if not any(one.items for one in found.engines):
        click.echo("No engine would be asked: every item has its answers.")
        return
    table = Table("engine", "items", "calls", "cost", "left this month", "", box=None)
    for one in found.engines:
        items = f"at most {one.items}" if one.at_most and one.items else str(one.items)
        calls = str(one.calls) if one.calls else ""
        table.add_row(one.engine, items, calls, _cost(one), left(one), _verdict(one))
    console.print(table)
    if found.paid:
        click.echo(_sum(found))


def _cost(one: EngineForecast) -> str:
    if not one.paid:
        return "free"
    return "no money" if one.cost_usd == 0 else usd(one.cost_usd)


def left(one: EngineForecast) -> str:
    """What the month's budget still allows."""
    parts = [] if one.units_left is None else [count(one.units_left, "call")]
    if one.usd_left is not None:
        parts.append(usd(one.usd_left))
    return ", ".join(parts) or ("no limit" if one.paid else "")


def _verdict(one: EngineForecast) -> str:
    return "" if one.enough else "not enough: the rest would wait"


def _sum(found: Forecast) -> str:
    if not found.unknown:
        if not found.cost_usd:
            return "It costs no money, but calls of a quota."
        return f"{about(found.cost_usd).capitalize()} in all."
    names = ", ".join(found.unknown)
    known = f"; the others cost {about(found.cost_usd)}" if found.cost_usd else ""
    return f"What {names} costs is not known{known}."
