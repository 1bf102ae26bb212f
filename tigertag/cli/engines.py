"""`tigertag engines|use|egress|faces`: how engines do, what they cost and sent, whom they know."""

import sys
from collections.abc import Iterator

import click
from rich.table import Column, Table

from tigertag import bootstrap
from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import console, core, print_table
from tigertag.contracts import PersonStatus
from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.model import Thresholds
from tigertag.services import engines as engine_service
from tigertag.services import spending
from tigertag.services.views import EngineView, MonthOfUse
from tigertag.text import about, count, usd

_ENGINE_STATES = {"failing": "cannot be used", "off": "switched off"}
_CALL_STATES = {"open": "under way", "settled": "", "lost": "in doubt: counts as spent"}


@click.command()
@click.option("--check", is_flag=True, help="Try each one: its key, its model, its service.")
def engines(*, check: bool) -> None:
    """List the engines, and why one cannot be used."""
    if check:
        _check()
    else:
        _list()


def _check() -> None:
    with core() as built:
        outcomes = engine_service.check(built)
    for outcome in outcomes:
        click.echo(f"{outcome.engine}: {'' if outcome.ok else 'failed: '}{outcome.line}")
    if not outcomes:
        click.echo("No engine is switched on; set ENGINE_<X>_NAME (the README lists the settings).")
    if not outcomes or not all(outcome.ok for outcome in outcomes):
        sys.exit(1)


def _list() -> None:
    table = Table("engine", "plugin", "state", "from confidence", "at most", box=None)
    with core(database=False) as built:
        views = _views(built)
        for entry in built.engines:
            view = views.get(entry.id)
            status = view.status if view else "ready" if entry.engine else "failing"
            limits = (_least(entry.thresholds), f"{entry.thresholds.max_tags} tags")
            state = _ENGINE_STATES.get(status, status)
            table.add_row(entry.id, entry.name, state, *(limits if entry.engine else ()))
        is_usable = any(entry.engine for entry in built.engines)
        lines = [f"{entry.id}: {entry.problem}" for entry in built.engines if entry.problem]
        lines += [f"{view.id}: {line}" for view in views.values() for line in _notes(view)]
        misfits = bootstrap.misfits(built.engines, built.libraries)
    console.print(table)
    for line in misfits:
        click.echo(f"Warning: {line}", err=True)
    for line in lines:
        click.echo(line)
    if not is_usable:
        sys.exit(1)


def _least(limits: Thresholds) -> str:
    """The minimum confidence of its tags; the lowest and the highest where words differ."""
    each = (limits.min_confidence, *(least for _word, least in limits.each))
    reachable = [least for least in each if least <= 1]
    if not reachable:
        return "never"
    low, high = f"{min(reachable):.2f}", f"{max(reachable):.2f}"
    return low if low == high else f"{low} to {high}"


def _views(built: Core) -> dict[str, EngineView]:
    """What the database holds of the engines; nothing where there is none yet."""
    path = built.store.sqlite_path
    if path is not None and not path.exists():
        return {}
    try:
        return {view.id: view for view in engine_service.listed(built)}
    except StoreError as exc:
        click.echo(f"Warning: usage and status of engines are not known: {exc}", err=True)
        return {}


def _notes(view: EngineView) -> Iterator[str]:
    """What an engine used, its notice, and why it stopped."""
    if view.use is not None:
        yield f"{_usage(view.use)} this month; it renews on {view.use.renews_at:%-d %B}."
    if view.notice:
        yield view.notice
    if view.status == "stopped":
        until = view.until and f" It is tried again at {view.until.astimezone():%H:%M on %-d %B}."
        yield f"{view.reason}{until or ''}"


@click.command()
def use() -> None:
    """Show usage and cost of this month, and by day."""
    with core() as built:
        months, days = spending.months(built), spending.days(built)
    if not months and not days:
        click.echo("No engine that costs money or has a limit is set up or was used.")
        return
    table = Table("engine", "this month (UTC)", "renews", "in doubt", "an item costs", box=None)
    for month in months.values():
        cost = about(month.item_cost_usd)
        doubt = count(month.in_doubt, "call") if month.in_doubt else ""
        table.add_row(month.engine, _usage(month), f"{month.renews_at:%-d %B}", doubt, cost)
    console.print(table)
    if days:
        by_day = Table("day (UTC)", "engine", "calls", "cost", box=None)
        for day in days:
            by_day.add_row(day.day, day.engine, str(day.units), usd(day.cost_usd))
        console.print()
        console.print(by_day)


def _usage(month: MonthOfUse) -> str:
    """What an engine used, against its limits."""
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
def egress(engine: str, limit: int) -> None:
    """List the pictures that were sent to other services, the newest first."""
    picture = Column("picture", overflow="fold")
    table = Table("time", picture, "engine", "host", "size", "cost", "", box=None)
    with core() as built:
        name = built.engine(engine).id if engine else ""
        for sent in spending.egress_log(built, engine=name, limit=limit).items:
            card = sent.card
            table.add_row(
                f"{sent.at.astimezone():%Y-%m-%d %H:%M:%S}",
                f"{card.section.called}/{card.item.called}" if card else sent.name,
                sent.engine,
                sent.host,
                f"{sent.size_bytes / 1000:.1f} kB",
                usd(sent.cost_usd),
                _CALL_STATES[sent.state],
            )
    print_table(table, empty="No picture has left this machine.")


_of_engine = click.option("--engine", default="", help="Needed where several engines know faces.")


@click.group()
def faces() -> None:
    """Whose faces to recognize: faces.yaml, its pictures, and CompreFace."""


@faces.command()
@_of_engine
def check(engine: str) -> None:
    """Look at the file and at each picture; nothing is sent."""
    with core(database=False) as built:
        findings = engine_service.check_people(built, engine)
    for line in (*findings.wrong, *findings.odd):
        click.echo(line)
    if findings.wrong:
        sys.exit(1)
    click.echo("All pictures can be used.")


@faces.command()
@_of_engine
def enrol(engine: str) -> None:
    """Send new pictures to CompreFace, and remove people whom the file no longer names."""
    with core() as built:
        done = engine_service.enrol(built, engine)
    for line in done.problems:
        click.echo(line)
    click.echo(f"Sent {done.added}, removed {done.removed}, left out {len(done.problems)}.")
    if done.problems:
        sys.exit(SOME_FAILED)


@faces.command("list")
@_of_engine
def list_(engine: str) -> None:
    """List the people in the file, and those that CompreFace knows."""
    table = Table("person", "in the file", "sent", "known there", "whose", box=None)
    with core() as built:
        for person in engine_service.people(built, engine):
            counts = (str(person.in_file), str(person.ours), str(person.there))
            table.add_row(person.name, *counts, _owner(person))
    print_table(table, empty="Nobody is named in the file, and CompreFace knows nobody.")


def _owner(person: PersonStatus) -> str:
    """Say who put the pictures there that CompreFace has."""
    if person.there == 0:
        return "nobody's yet"
    if person.ours == 0:
        return "yours"
    return "TigerTag's" if person.ours == person.there else "both"
