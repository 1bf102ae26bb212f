"""`tigertag prune`: history that is too old goes."""

import click

from tigertag.cli.session import core
from tigertag.core import Core
from tigertag.services import history
from tigertag.text import count, megabytes

_WORTH_NAMING_BYTES = 1_000_000


@click.command()
@click.option("--days", type=click.IntRange(1), help="Keep so many days.  [KEEP_DAYS; 90]")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
def prune(days: int | None, dry_run: bool) -> None:
    """Drop details of ended scans, egress log and events that are older than KEEP_DAYS.

    Answers, tags, tombstones and budgets stay. What is older can no longer be undone. The service
    does this by itself; it may run meanwhile.
    """
    with core() as built:
        keep = days or built.keep_days
        if not keep:
            click.echo("KEEP_DAYS is 0: all is kept. --days says how many days to keep.")
        elif dry_run:
            old = history.to_prune(built, days=keep)
            click.echo(f"Older than {count(keep, 'day')}: {_scans(old.scans, old.decisions)},")
            click.echo(
                f"{count(old.calls, 'call')} of the egress log, {count(old.events, 'event')}."
            )
        else:
            pruned = history.prune(built, days=keep)
            parts = (
                f"details of {count(pruned.scans, 'scan')}",
                f"{count(pruned.edits, 'edit')} of the ledger",
                f"{count(pruned.calls, 'call')} of the egress log",
                count(pruned.events, "event"),
            )
            click.echo(f"Pruned: {', '.join(parts)}.")
            _print_space(built, pruned.bytes_given_back)


def _scans(scans: int, decisions: int) -> str:
    return f"details of {count(scans, 'scan')} ({count(decisions, 'decision')})"


def _print_space(built: Core, given_back: int) -> None:
    space = history.used(built)
    if given_back:
        click.echo(f"{megabytes(given_back)} were given back to the disk.")
    elif space and not space.gives_back and space.free_bytes > _WORTH_NAMING_BYTES:
        click.echo(
            f"{megabytes(space.free_bytes)} of the database are free, and used again; `tigertag db"
            " vacuum` gives them back to the disk."
        )
