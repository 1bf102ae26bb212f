"""`tigertag use|departures`: what was spent, and which pictures left the machine."""

import click
from rich.table import Column, Table

from tigertag.cli.session import console, core
from tigertag.services import spending
from tigertag.services.views import Departure, MonthOfUse
from tigertag.text import about, count, usd

_STATES = {"open": "under way", "settled": "", "lost": "in doubt: counts as spent"}


@click.command()
def use() -> None:
    """Show what engines took this month, and by day."""
    with core() as built:
        months, days = spending.months(built), spending.days(built)
    if not months and not days:
        click.echo("No engine that is paid for or has a limit was asked, and none is set up.")
        return
    table = Table("engine", "this month (UTC)", "renews", "in doubt", "an item costs", box=None)
    for month in months.values():
        cost = about(month.item_cost_usd)
        doubt = count(month.in_doubt, "call") if month.in_doubt else ""
        renews = f"{month.renews_at:%-d %B}"
        table.add_row(month.engine, taken(month), renews, doubt, cost)
    console.print(table)
    if days:
        by_day = Table("day (UTC)", "engine", "calls", "cost", box=None)
        for day in days:
            by_day.add_row(day.day, day.engine, str(day.units), usd(day.cost_usd))
        console.print()
        console.print(by_day)


def taken(month: MonthOfUse) -> str:
    """What an engine took, against its limits."""
    limit = month.units_limit
    calls = count(month.units, "call")
    parts = [calls if limit is None else f"{month.units} of {count(limit, 'call')}"]
    if month.usd_limit is not None:
        parts.append(f"{usd(month.cost_usd)} of {usd(month.usd_limit)}")
    elif month.cost_usd:
        parts.append(usd(month.cost_usd))
    return ", ".join(parts)


@click.command()
@click.option("--engine", default="", help="Those for this engine only.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many."
)
def departures(engine: str, limit: int) -> None:
    """List the pictures that left this machine, the newest first."""
    picture = Column("picture", overflow="fold")
    table = Table("time", picture, "engine", "host", "size", "cost", "", box=None)
    with core() as built:
        name = built.engine(engine).id if engine else ""
        for one in spending.departures(built, engine=name, limit=limit).items:
            time = f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}"
            size = f"{one.size_bytes / 1000:.1f} kB"
            row = (time, _picture(one), one.engine, one.host, size, usd(one.cost_usd))
            table.add_row(*row, _STATES[one.state])
    if table.row_count:
        console.print(table)
    else:
        click.echo("No picture has left this machine.")


def _picture(one: Departure) -> str:
    if one.card is None:
        return one.name
    return f"{one.card.section.called}/{one.card.item.called}"
