"""`tigertag faces`: whom to know, and by which pictures."""

import sys

import click
from rich.table import Table

from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import console, core
from tigertag.contracts import PersonStatus
from tigertag.services import faces as service

_of_engine = click.option("--engine", default="", help="Where several engines know faces.")


@click.group()
def faces() -> None:
    """Whose faces to know: faces.yaml, its pictures, and CompreFace."""


@faces.command()
@_of_engine
def check(engine: str) -> None:
    """Look at the file and at each picture; nothing is sent."""
    with core(database=False) as built:
        found = service.check(built, engine)
    for line in (*found.wrong, *found.odd):
        click.echo(line)
    if found.wrong:
        sys.exit(1)
    click.echo("All pictures can be used.")


@faces.command()
@_of_engine
def enrol(engine: str) -> None:
    """Send what is new to CompreFace, and remove what is named no more."""
    with core() as built:
        done = service.enrol(built, engine)
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
        for person in service.people(built, engine):
            counts = (str(person.in_file), str(person.ours), str(person.there))
            table.add_row(person.name, *counts, _whose(person))
    if table.row_count:
        console.print(table)
    else:
        click.echo("Nobody is named in the file, and CompreFace knows nobody.")


def _whose(person: PersonStatus) -> str:
    """Say who put the pictures there that CompreFace has."""
    if person.there == 0:
        return "nobody's yet"
    if person.ours == 0:
        return "yours"
    return "TigerTag's" if person.ours == person.there else "both"
