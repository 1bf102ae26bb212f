"""`tigertag problems`: what could not be done for items, until it is solved."""

import click
from rich.table import Table

from tigertag.cli.session import console, core
from tigertag.services import problems as service
from tigertag.text import count, printable

_PAGE = 200


@click.group(invoke_without_command=True)
@click.option("--library", default="", help="Of this library only.")
@click.option("--section", default="", help="Of this section only: its id or title.")
@click.option("--ignored", is_flag=True, help="Those that you have ignored.")
@click.pass_context
def problems(ctx: click.Context, library: str, section: str, ignored: bool) -> None:
    """List items that have problems: they stay listed until they are solved or ignored."""
    if ctx.invoked_subcommand is not None:
        return
    table = Table("number", "item", "engine", "since", "next scan", "reason", box=None)
    cursor: str | None = None
    with core() as built:
        while True:
            page = service.listed(
                built,
                library=library,
                section=section,
                ignored=ignored,
                cursor=cursor,
                limit=_PAGE,
            )
            for one in page.items:
                item = f"{one.card.item.library}/{one.card.item.called}"
                since = one.since.astimezone().strftime("%Y-%m-%d")
                again = "tries again" if one.again else "leaves it out"
                row = (str(one.id), item, one.engine or "-", since, again, one.reason)
                table.add_row(*map(printable, row))
            cursor = page.next
            if cursor is None:
                break
    if table.row_count:
        console.print(table)
    else:
        click.echo("None.")


@problems.command()
@click.argument("numbers", nargs=-1, type=int, required=True)
def ignore(numbers: tuple[int, ...]) -> None:
    """Leave these problems out until their items change."""
    _ignore(numbers, ignored=True)


@problems.command()
@click.argument("numbers", nargs=-1, type=int, required=True)
def show(numbers: tuple[int, ...]) -> None:
    """Show these problems again that you have ignored."""
    _ignore(numbers, ignored=False)


def _ignore(numbers: tuple[int, ...], *, ignored: bool) -> None:
    with core() as built:
        for number in dict.fromkeys(numbers):
            service.ignore(built, number, ignored=ignored)
    shown = count(len(set(numbers)), "problem")
    click.echo(f"{shown} ignored until the item changes." if ignored else f"{shown} shown again.")
