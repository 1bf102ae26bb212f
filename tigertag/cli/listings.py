"""`tigertag scans|show|libraries`: what there is."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click
from rich.table import Table

from tigertag.cli.session import console, core
from tigertag.cli.telling import worded
from tigertag.core import Core, LibraryEntry
from tigertag.errors import TigerTagError
from tigertag.model import Tag
from tigertag.services import browsing
from tigertag.services import scans as service
from tigertag.services.scans import Status

_WORTH_SHOWING = 0.01
_GIVEN_UP = " Left out by the next scan while the file is as it is."


@click.command()
def scans() -> None:
    """List the newest scans."""
    table = Table("scan", "section", "kind", "mode", "write", "state", "started", box=None)
    with core() as built:
        for scan in (status.scan for status in service.listed(built).items):
            started = scan.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            table.add_row(
                str(scan.id),
                scan.section.called,
                scan.kind if scan.source_id is None else f"{scan.kind} of {scan.source_id}",
                scan.mode,
                "forecast" if scan.is_forecast else scan.write,
                scan.state if not scan.error else f"{scan.state}: {scan.error}",
                started,
            )
    if table.row_count:
        console.print(table)
    else:
        click.echo("No scan yet; `tigertag scan LIBRARY` makes one.")


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def show(scan_id: int) -> None:
    """Show what SCAN decided of each item, and why."""
    table = Table("item", "tags", "to add", "to remove", "why", box=None)
    with core() as built:
        silent = _silent(service.status(built, scan_id))
        given_up = browsing.given_up(built, scan_id)
        for item, decision in service.decided(built, scan_id):
            reason = decision.reason + (_GIVEN_UP if item.id in given_up else "")
            table.add_row(
                item.item.called,
                ", ".join(map(worded, decision.tags)),
                ", ".join(map(worded, decision.adds)),
                ", ".join(map(worded, decision.removes)),
                reason or _reasons(decision.tags, silent),
            )
    console.print(table)


def _reasons(tags: Sequence[Tag], silent: str) -> str:
    return "; ".join(_why(tag) for tag in tags) or f"nothing sure enough{silent}"


def _silent(status: Status) -> str:
    """Name the engines that have not answered all."""
    names = ", ".join(sorted({*status.waiting, *status.waits}))
    return f"; not all is answered yet: {names}" if names else ""


def _why(tag: Tag) -> str:
    """Say which engines' labels speak for a tag."""
    said = dict.fromkeys(
        f"{one.engine}: {one.label.name} {one.label.confidence:.2f}"
        for one in tag.because
        if one.label.confidence >= _WORTH_SHOWING
    )
    return f"{tag.name} {tag.confidence:.2f} ({', '.join(said)})"


@click.command()
def libraries() -> None:
    """List the libraries and their sections."""
    table = Table("library", "plugin", "sections", box=None)
    problems: list[str] = []
    with core(database=False) as built, ThreadPoolExecutor(len(built.libraries) or 1) as pool:
        found = pool.map(lambda entry: _sections(built, entry, problems), built.libraries)
        for entry, sections in zip(built.libraries, found, strict=True):
            table.add_row(entry.id, entry.name, sections)
    if table.row_count:
        console.print(table)
        click.echo("".join(f"{problem}\n" for problem in problems), nl=False)
    else:
        click.echo("No library yet; set LIBRARY_<X>_NAME (the README lists the settings).")
    if problems:
        sys.exit(1)


def _sections(built: Core, entry: LibraryEntry, problems: list[str]) -> str:
    try:
        found = built.library(entry.id).sections()
    except TigerTagError as exc:
        problems.append(str(exc))
        return "cannot be used"
    return ", ".join(f"{section.id} ({section.title})" for section in found)
