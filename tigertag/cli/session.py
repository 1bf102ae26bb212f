"""What every command needs: the core, the database, and a place to print."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.text import printable

# Names from outside may look like markup: [/b] in one would end the command.
console = Console(highlight=False, markup=False, emoji=False)
stderr = Console(highlight=False, markup=False, emoji=False, stderr=True)


def say(line: str, *, to: Console = console) -> None:
    """Print a line that may hold text from outside; a terminal gets it wrapped between words."""
    to.print(printable(line), markup=False, emoji=False, soft_wrap=not to.is_terminal)


@contextmanager
def core(*, database: bool = True) -> Iterator[Core]:
    """Build the core from the environment; bring the database up to date where it is used."""
    read = settings.load()
    logging.basicConfig(level=read.log_level, format="%(levelname)s %(name)s: %(message)s")
    bootstrap.quieten()
    for problem in read.problems:
        click.echo(f"Warning: {problem}", err=True)
    if database and settings.homes.is_new(read):
        click.echo(f"Note: {settings.homes.note(read)}", err=True)
    built = bootstrap.build(read)
    try:
        if database:
            bootstrap.open_store(built)
        yield built
    finally:
        # Engines may still keep something when they are closed.
        for entry in built.engines:
            if entry.engine is not None:
                entry.engine.close()
        built.store.close()
