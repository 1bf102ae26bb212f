"""`tigertag hooks`: addresses where other programs announce what is new."""

import click
from rich.table import Table

from tigertag import settings
from tigertag.cli.session import core, print_table
from tigertag.services import hooks as service


@click.group()
def hooks() -> None:
    """Addresses where other programs announce what is new."""


@hooks.command("list")
def list_hooks() -> None:
    """List the hooks. Their addresses are shown only when they are made."""
    table = Table("hook", "name", "for", "scans", "news", "other calls", "last called", box=None)
    with core() as built:
        for row in service.listed(built):
            place = "/".join(filter(None, (row.library, row.section))) or "any library"
            last = f"{row.last_at.astimezone():%Y-%m-%d %H:%M}" if row.last_at else "never"
            counts = (str(row.news), str(row.others))
            table.add_row(str(row.id), row.name, place, row.write, *counts, last)
    print_table(table, empty="No hooks.")


@hooks.command()
@click.argument("name")
@click.option("--library", default="", help="For this library only.")
@click.option("--section", default="", help="For this section of it only: an id or a title.")
@click.option("--apply", "applies", is_flag=True, help="Its scans write tags; else they preview.")
def add(name: str, library: str, section: str, applies: bool) -> None:
    """Make a hook called NAME, and print its address, which is not shown again."""
    read = settings.load()
    write = "apply" if applies else "preview"
    with core() as built:
        new = service.add(built, name, library=library, section=section, write=write)
    click.echo(f"http://{read.host}:{read.port}{read.web.base_path}/api/v1/hooks/{new.token}")
    click.echo("Replace the host by the one under which that program reaches TigerTag.", err=True)


@hooks.command()
@click.argument("hook_id", metavar="HOOK", type=int)
def remove(hook_id: int) -> None:
    """Revoke the hook of this number."""
    with core() as built:
        service.remove(built, hook_id)
    click.echo("Revoked. Whoever calls its address is refused from now on.")
