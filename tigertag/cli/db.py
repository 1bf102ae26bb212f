"""`tigertag db`: the database's revisions."""

import click

from tigertag.cli.session import core
from tigertag.store import migrate


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database up to date; an SQLite file is backed up first."""
    with core(database=False) as built:
        kept = migrate.upgrade(built.store)
        if kept is not None:
            click.echo(f"Backed up to {kept}.")
        click.echo(f"The database is at revision {migrate.current(built.store)}.")


@db.command()
def current() -> None:
    """Print the database's revision."""
    with core(database=False) as built:
        found = migrate.current(built.store)
    newest = migrate.head()
    note = "up to date" if found == newest else f"the newest is {newest}"
    click.echo(f"{found or 'empty'} ({note})")


@db.command()
def history() -> None:
    """List the revisions, oldest first."""
    for revision, doc in migrate.history():
        click.echo(f"{revision}  {doc}")


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("revision", default="-1")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the database back to REVISION (an id, -1 or base); what only newer ones hold is lost."""
    with core(database=False) as built:
        found = migrate.current(built.store)
        copied = built.store.sqlite_path is not None
        note = "It is backed up first." if copied else "Back it up with pg_dump first!"
        if not yes:
            click.confirm(f"Take the database back from {found} to {revision}? {note}", abort=True)
        kept = migrate.downgrade(built.store, revision)
        if kept is not None:
            click.echo(f"Backed up to {kept}.")
        click.echo(f"The database is at revision {migrate.current(built.store) or 'base'}.")
