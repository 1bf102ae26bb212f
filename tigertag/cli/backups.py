"""`tigertag backup create|list|verify|restore`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Column, Table

from tigertag.cli.session import core, print_table, say
from tigertag.core import Core
from tigertag.services import backups as backup_service
from tigertag.services import restoring
from tigertag.services.backups import BackupView
from tigertag.text import megabytes


@click.group()
def backup() -> None:
    """Make, list, verify and restore backups."""


@backup.command()
def create() -> None:
    """Make a backup now, while scans run or not."""
    with core() as built:
        view = backup_service.make(built)
        say(f"{built.backups / view.name}: {_contents(view)}, verified.")


@backup.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def list_backups(*, as_json: bool) -> None:
    """List the backups, the newest first."""
    with core(database=False) as built:
        views = backup_service.in_folder(built.backups)
        zone = built.timezone
    if as_json:
        for view in views:
            click.echo(json.dumps(_as_object(view)))
        return
    name = Column("backup", no_wrap=True, min_width=len("tigertag-20260101T000000Z-replaced.zip"))
    table = Table(name, "made", "size", "items", "by", box=None)
    for view in views:
        made = f"{view.made_at.astimezone(zone):%Y-%m-%d %H:%M}"
        size, items = megabytes(view.size_bytes), "" if view.problem else str(view.items)
        table.add_row(view.name, made, size, items, view.version)
    print_table(table, empty=f"There is no backup in {built.backups} yet: tigertag backup create.")
    for view in views:
        if view.problem:
            say(f"{view.name}: {view.problem}")


def _as_object(view: BackupView) -> dict[str, object]:
    return {
        **{key: getattr(view, key) for key in ("name", "kind", "size_bytes", "version")},
        **{key: getattr(view, key) for key in ("revision", "items", "rows", "files", "problem")},
        "made_at": view.made_at.isoformat(),
    }


@backup.command()
@click.argument("names", metavar="[NAME…]", nargs=-1)
def verify(names: Sequence[str]) -> None:
    """Read all of a backup and compare it with its checksums: those named, or all.

    NAME is one of the list, or a file.
    """
    with core(database=False) as built:
        listed = [view.name for view in backup_service.in_folder(built.backups)]
        paths = [_path(built, name) for name in names or listed]
    views = [backup_service.look(path, reread=True) for path in paths]
    for view in views:
        say(f"{view.name}: {view.problem or f'{_contents(view)}, as they were written.'}")
    if any(view.problem for view in views):
        sys.exit(1)


@backup.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def restore(name: str, *, yes: bool) -> None:
    """Restore a backup, NAME of the list or a file, while TigerTag is stopped.

    It takes the place of the whole database, of the rules file and of genre models of the same
    names; what was there before is kept. Passwords and keys stay those of this home.
    """
    with core(database=False) as built:
        path = _path(built, name)
        view = backup_service.look(path)
        if not view.problem and not yes:
            made = f"{view.made_at.astimezone(built.timezone):%Y-%m-%d %H:%M}"
            click.confirm(f"Restore {_contents(view)} of {made} to {built.home}?", abort=True)
        done = restoring.restore(built, path)
    say(f"Restored: {_contents(done.backup)}. Scans that were running are paused.")
    for replaced in done.replaced:
        say(f"What was there before: {replaced}.")


def _path(built: Core, name: str) -> Path:
    """Return a backup by its name, or any file by its path."""
    path = Path(name)
    return path if path.is_file() else backup_service.path_of(built, name)


def _contents(view: BackupView) -> str:
    return f"{view.items} items, {view.rows} rows, {megabytes(view.size_bytes)}"
