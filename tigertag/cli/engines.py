"""`tigertag engines`: what there is, how it does, and with --check whether it works."""

import sys

import click
from rich.table import Table

from tigertag import bootstrap
from tigertag.cli.session import console, core
from tigertag.cli.use import taken
from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.model import Thresholds
from tigertag.services import checking, sources
from tigertag.services.views import EngineView

_STATES = {"failing": "cannot be used", "off": "switched off"}


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
        found = checking.check(built)
    for one in found:
        click.echo(f"{one.engine}: {'' if one.ok else 'failed: '}{one.line}")
    if not found:
        click.echo("No engine is switched on; set ENGINE_<X>_NAME (the README lists the settings).")
    if not found or not all(one.ok for one in found):
        sys.exit(1)


def _list() -> None:
    table = Table("engine", "plugin", "state", "from confidence", "at most", box=None)
    with core(database=False) as built:
        views = _views(built)
        for entry in built.engines:
            view = views.get(entry.id)
            status = view.status if view else "ready" if entry.engine else "failing"
            table.add_row(
                entry.id,
                entry.name,
                _STATES.get(status, status),
                _least(entry.thresholds) if entry.engine else "",
                f"{entry.thresholds.max_tags} tags" if entry.engine else "",
            )
        usable = any(entry.engine for entry in built.engines)
        lines = [f"{entry.id}: {entry.problem}" for entry in built.engines if entry.problem]
        lines += [line for view in views.values() for line in _told(view)]
        misfits = bootstrap.misfits(built.engines, built.libraries)
    console.print(table)
    for line in misfits:
        click.echo(f"Warning: {line}", err=True)
    for line in lines:
        click.echo(line)
    if not usable:
        sys.exit(1)


def _least(limits: Thresholds) -> str:
    """From what confidence on its words are told, where that differs from the least to the most."""
    some = (limits.min_confidence, *(least for _word, least in limits.each))
    told = [least for least in some if least <= 1]
    if not told:
        return "never"
    low, high = f"{min(told):.2f}", f"{max(told):.2f}"
    return low if low == high else f"{low} to {high}"


def _views(built: Core) -> dict[str, EngineView]:
    """What the database knows of the engines; nothing where there is none yet."""
    path = built.store.sqlite_path
    if path is not None and not path.exists():
        return {}
    try:
        return {view.id: view for view in sources.engines(built)}
    except StoreError as exc:
        click.echo(f"Warning: what they took and why they stopped is not known: {exc}", err=True)
        return {}


def _told(view: EngineView) -> list[str]:
    """What an engine took, what it says of itself, and why it stopped."""
    lines = []
    if view.use is not None:
        renewed = f"it begins anew on {view.use.renews_at:%-d %B}"
        lines.append(f"{view.id}: {taken(view.use)} this month; {renewed}.")
    if view.notice:
        lines.append(f"{view.id}: {view.notice}")
    if view.status == "stopped":
        again = "" if view.until is None else f" It is tried again at {_clock(view)}."
        lines.append(f"{view.id}: {view.reason}{again}")
    return lines


def _clock(view: EngineView) -> str:
    return "" if view.until is None else f"{view.until.astimezone():%H:%M on %-d %B}"
