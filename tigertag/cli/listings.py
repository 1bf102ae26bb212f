"""`tigertag scans|show|problems|review|libraries`: what there is."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click
from rich.table import Table

from tigertag.cli.session import console, core, print_table, tag_text
from tigertag.model import Label, Tag
from tigertag.services import browsing, retries, scan_status
from tigertag.services import problems as problem_service
from tigertag.services import review as review_service
from tigertag.services.libraries import Look, look
from tigertag.services.views import Problem
from tigertag.text import count, printable

_WORTH_SHOWING = 0.01
_PAGE = 200
_GIVEN_UP = " Skipped by the next scan until the file changes."


@click.command()
def scans() -> None:
    """List the newest scans."""
    table = Table("scan", "section", "kind", "mode", "write", "state", "started", "by", box=None)
    with core() as built:
        for scan in (status.scan for status in scan_status.listed(built).items):
            table.add_row(
                str(scan.id),
                scan.section.called,
                scan.kind if scan.source_id is None else f"{scan.kind} of {scan.source_id}",
                scan.mode,
                "forecast" if scan.is_forecast else scan.write,
                scan.state if not scan.error else f"{scan.state}: {scan.error}",
                f"{scan.created_at.astimezone():%Y-%m-%d %H:%M}",
                scan.reason,
            )
    print_table(table, empty="No scan yet; `tigertag scan LIBRARY` makes one.")


@click.command()
@click.argument("scan_id", metavar="SCAN", type=int)
def show(scan_id: int) -> None:
    """Show what SCAN decided of each item, and why."""
    table = Table("item", "tags", "to add", "to remove", "why", box=None)
    with core() as built:
        status = scan_status.status(built, scan_id)
        no_engines = {status.scan.section.library, scan_status.WORKER}
        missing = ", ".join(sorted({*status.waiting, *status.waits} - no_engines))
        nothing = f"no confident tag; answers missing: {missing}" if missing else "no confident tag"
        given_up = browsing.given_up(built, scan_id)
        for item, decision in scan_status.decided(built, scan_id):
            reason = decision.reason + (_GIVEN_UP if item.id in given_up else "")
            tags = (decision.tags, decision.adds, decision.removes)
            cells = (", ".join(map(tag_text, each)) for each in tags)
            open_or_nothing = "not decided yet" if decision.state == "todo" else nothing
            why = reason or "; ".join(map(_why, decision.tags)) or open_or_nothing
            table.add_row(item.item.called, *cells, why)
    if status.scan.pruned:
        click.echo(
            f"The details of scan {scan_id} were pruned: it ended longer ago than KEEP_DAYS."
            f" It looked at {count(status.total, 'item')}, {status.failed} of which failed."
        )
        return
    console.print(table)


def _why(tag: Tag) -> str:
    """Name the labels that speak for a tag, and their engines."""
    labels = dict.fromkeys(
        f"{source.engine}: {source.label.note or _label_text(source.label)}".removeprefix(": ")
        for source in tag.because
        if source.label.confidence >= _WORTH_SHOWING
    )
    return f"{tag.name} {tag.confidence:.2f} ({', '.join(labels)})"


def _label_text(label: Label) -> str:
    return f"{label.name} {label.confidence:.2f}"


@click.group(invoke_without_command=True)
@click.option("--library", default="", help="Of this library only.")
@click.option("--section", default="", help="Of this section only: its id or title.")
@click.option("--ignored", is_flag=True, help="Those that you have ignored.")
@click.pass_context
def problems(ctx: click.Context, library: str, section: str, ignored: bool) -> None:
    """List items that have problems: they stay listed until they are solved or ignored."""
    if ctx.invoked_subcommand is not None:
        return
    table = Table("number", "item", "engine", "since", "retry", "reason", box=None)
    cursor: str | None = None
    with core() as built:
        while True:
            page = problem_service.listed(
                built,
                library=library,
                section=section,
                ignored=ignored,
                cursor=cursor,
                limit=_PAGE,
            )
            for problem in page.items:
                item = f"{problem.card.item.library}/{problem.card.item.called}"
                since = f"{problem.since.astimezone():%Y-%m-%d}"
                engine, again = problem.engine or "-", _next_try(problem)
                row = (str(problem.id), item, engine, since, again, problem.reason)
                table.add_row(*map(printable, row))
            cursor = page.next
            if cursor is None:
                break
    print_table(table, empty="None.")


def _next_try(problem: Problem) -> str:
    if problem.given_up:
        return f"given up after {problem_service.MOST_TRIES} tries"
    if not problem.again:
        return "when the file changes"
    at = problem.retry_at
    return f"from {at.astimezone():%Y-%m-%d %H:%M}" if at and problem.tries else "next scan"


@problems.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All problems that are not ignored.")
@click.option("--engine", help="All of this engine.")
@click.option("--reason", help="All with exactly this reason.")
def retry(numbers: Sequence[int], every: bool, engine: str | None, reason: str | None) -> None:
    """Retry these problems now; the count of tries starts anew.

    The service works on the scans that this starts; `tigertag resume SCAN` does so here.
    """
    is_group = every or engine is not None or reason is not None
    if bool(numbers) == is_group:
        raise click.UsageError(
            "Name problems by their numbers, or use --all, --engine or --reason."
        )
    with core() as built:
        if numbers:
            retried = retries.retry(built, numbers)
        else:
            retried = retries.retry_all(built, engine=engine, reason=reason)
    scans_made = ", ".join(f"scan {scan_id}" for scan_id in retried.scans)
    by = f" by {scans_made}" if scans_made else ""
    click.echo(f"{count(retried.problems, 'problem')} retried{by}.")
    for line in retried.waiting:
        click.echo(printable(line))


@problems.command()
@click.argument("numbers", nargs=-1, type=int, required=True)
def ignore(numbers: Sequence[int]) -> None:
    """Ignore these problems until their items change."""
    click.echo(f"{_set_ignored(numbers, ignored=True)} ignored until the item changes.")


@problems.command("show")
@click.argument("numbers", nargs=-1, type=int, required=True)
def unignore(numbers: Sequence[int]) -> None:
    """Show these problems again that you have ignored."""
    click.echo(f"{_set_ignored(numbers, ignored=False)} shown again.")


def _set_ignored(numbers: Sequence[int], *, ignored: bool) -> str:
    with core() as built:
        for number in dict.fromkeys(numbers):
            problem_service.ignore(built, number, ignored=ignored)
    return count(len(set(numbers)), "problem")


@click.command()
@click.option("--limit", type=click.IntRange(1, 200), default=20, help="How many at most.")
def review(limit: int) -> None:
    """List words that are just above or below the confidence from which they are tags.

    Looks at up to 300 items, drawn at random, and at what engines said of them; asks none.
    """
    table = Table("item", "word", "engine", "confidence", "threshold", "now", "", box=None)
    with core() as built:
        for doubt in review_service.doubtful(built, limit=limit):
            table.add_row(
                f"{doubt.card.id} {printable(doubt.card.item.title)}",
                printable(doubt.name),
                doubt.engine,
                f"{doubt.confidence:.0%}",
                f"{doubt.threshold:.0%}",
                "tag" if doubt.is_tagged else "no tag",
                "engines disagree" if doubt.contradicted else "",
            )
    print_table(table, empty="Nothing doubtful among the items that were looked at.")


@click.command()
def libraries() -> None:
    """List the libraries and their sections, and what to know of how they are set up."""
    table = Table("library", "plugin", "sections", box=None)
    with core(database=False) as built, ThreadPoolExecutor(len(built.libraries) or 1) as pool:
        looks = list(pool.map(lambda entry: look(built, entry.id), built.libraries))
        for entry, seen in zip(built.libraries, looks, strict=True):
            table.add_row(entry.id, entry.name, _sections(seen))
    print_table(
        table, empty="No library yet; set LIBRARY_<X>_NAME (the README lists the settings)."
    )
    for entry, seen in zip(built.libraries, looks, strict=True):
        for line in seen.advice:
            click.echo(printable(f"Library {entry.id}: {line}"))
    failures = [seen.problem for seen in looks if seen.problem]
    for line in failures:
        click.echo(line)
    if failures:
        sys.exit(1)


def _sections(seen: Look) -> str:
    if seen.problem:
        return "cannot be used"
    return ", ".join(f"{section.id} ({section.title})" for section in seen.sections)
