"""What commands share: the core, the database, and how they print and ask."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.console import Console
from rich.table import Table

from tigertag import bootstrap, settings
from tigertag.core import Core, EngineEntry
from tigertag.errors import RequestError
from tigertag.logs import Role
from tigertag.model import Field, Tag, TagRef
from tigertag.text import printable

# Names from outside may look like markup: [/b] in one would end the command.
console = Console(highlight=False, markup=False, emoji=False)
stderr = Console(highlight=False, markup=False, emoji=False, stderr=True)


@contextmanager
def core(
    *,
    database: bool = True,
    role: Role | None = None,
    migrates: bool = True,
    workers: int | None = None,
) -> Iterator[Core]:
    """Build the core from the environment; bring the database up to date where it is used.

    `role`: it is a process of the service, whose log is kept; nobody is at the terminal, and people
    hear from channels that it cannot start. `migrates` False: it waits for another process that
    brings the database up to date, which is the service's alone with a broker. `workers`: threads,
    where the command says so.
    """
    read = settings.load()
    if workers is not None:
        read = replace(read, workers=workers)
    if database:
        settings.homes.check(read.home)
    if role is not None:
        bootstrap.log(read, role)
    else:
        _talk(read, about_home=database)
    built = bootstrap.build(read)
    try:
        if not migrates:
            bootstrap.await_store(built)
        elif role is not None:
            bootstrap.open_service(built)
        elif database and built.is_clustered:
            # The service may be an older one, on another machine.
            bootstrap.use_store(built)
        elif database:
            bootstrap.open_store(built)
        yield built
    finally:
        # Engines may still keep something when they are closed.
        for entry in built.engines:
            if entry.engine is not None:
                entry.engine.close()
        built.store.close()


def _talk(read: settings.Settings, *, about_home: bool) -> None:
    """Tell whoever is at the terminal what is logged, and what is odd about the settings."""
    logging.basicConfig(level=read.log_level, format="%(levelname)s %(name)s: %(message)s")
    bootstrap.quieten()
    for problem in read.problems:
        click.echo(f"Warning: {problem}", err=True)
    if about_home and settings.homes.is_new(read):
        click.echo(f"Note: {settings.homes.note(read)}", err=True)


def say(line: str, *, to: Console = console) -> None:
    """Print a line that may hold text from outside; a terminal gets it wrapped between words."""
    to.print(printable(line), markup=False, emoji=False, soft_wrap=not to.is_terminal)


def print_table(table: Table, *, empty: str) -> None:
    """Print the table, or this line where it has no row."""
    if table.row_count:
        console.print(table)
    else:
        click.echo(empty)


def tag_text(tag: Tag | TagRef) -> str:
    """Return a tag's name, and its field unless that is where tags usually go."""
    return tag.name if tag.field == Field.TAG else f"{tag.name} ({tag.field})"


def require_terminal(paid: Sequence[EngineEntry], *, hint: str = "") -> None:
    """Raise `RequestError` where nobody can be asked whether paid engines may run."""
    if not is_terminal():
        names = ", ".join(entry.id for entry in paid)
        raise RequestError(
            f"This would call paid engines ({names}), and there is no terminal to confirm it at;"
            f" nothing was sent. Add --yes{hint}."
        )


def is_terminal() -> bool:
    return sys.stdin.isatty()


def confirm(question: str) -> None:
    """Exit unless the answer is yes."""
    if not click.confirm(question, default=False, err=True):
        click.echo("Nothing was sent.", err=True)
        sys.exit(1)
