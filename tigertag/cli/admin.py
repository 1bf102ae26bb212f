"""`tigertag serve|work|password|db`: the service, its worker, its password and its database."""

import os
import sys
from pathlib import Path
from threading import Thread

import click

from tigertag import settings
from tigertag.cli.session import core, say
from tigertag.services import accounts, moving, originals
from tigertag.services import history as history_service
from tigertag.services.accounts import Accounts
from tigertag.store import migrate
from tigertag.text import count, megabytes


@click.command()
@click.option("--host", help="The address to listen at.  [HOST; 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen at.  [PORT; 5000]")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="How many."
)
def serve(host: str | None, port: int | None, processes: int) -> None:
    """Serve the dashboard and REST until interrupted."""
    from tigertag.web import server

    read = settings.load()
    settings.homes.check(read.home)
    server.serve(host or read.host, port or read.port, processes=processes)


@click.command()
@click.option("--nice", type=click.IntRange(0, 19), default=0, help="Lower its priority by this.")
def work(nice: int) -> None:
    """Work on the scans that were started in the dashboard or over REST, until end of input.

    One such process works for a home; `tigertag serve` starts it by itself.
    """
    from tigertag.scan.worker import ScanWorker
    from tigertag.services.background import BackgroundTasks

    def listen() -> None:
        # A line from the service wakes the worker, the end of input stops it.
        for _line in sys.stdin:
            scan_worker.wake()
        scan_worker.stop()

    os.nice(nice)
    with core(role="work") as built:
        scan_worker = ScanWorker(built, BackgroundTasks(built))
        Thread(target=listen, daemon=True).start()
        if not scan_worker.run():
            click.echo("Another process works on the scans of this home.", err=True)


@click.command()
@click.option("--generate", is_flag=True, help="Make one up, and print it.")
@click.option("--api-key", is_flag=True, help="Make a new key for REST instead, and print it.")
@click.option(
    "--link", is_flag=True, help="Print a link instead that signs in once, within 30 min."
)
def password(generate: bool, api_key: bool, link: bool) -> None:
    """Set the dashboard's password: typed twice, or read from standard input.

    Everybody who is signed in is signed out. A new key for REST ends the old one.
    """
    read = settings.load()
    with core() as built:
        mine = Accounts(built, password=read.web.password, api_key=read.web.api_key)
        if api_key:
            click.echo(mine.new_key())
            return
        if link:
            address = f"http://{read.host}:{read.port}{read.web.base_path}/sign-in"
            click.echo(f"{address}#link={mine.link()}")
            return
        chosen = accounts.generated_password() if generate else _typed_password()
        mine.set_password(chosen)
        if generate:
            click.echo(chosen)
    click.echo("The password is changed; everybody is signed out.", err=True)


def _typed_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("New password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database up to date; an SQLite file is backed up first."""
    with core(database=False) as built:
        _print_backup(migrate.upgrade(built.store))
        click.echo(f"The database is at revision {migrate.current(built.store)}.")


@db.command()
def current() -> None:
    """Print the database's revision."""
    with core(database=False) as built:
        revision = migrate.current(built.store)
    newest = migrate.head()
    note = "up to date" if revision == newest else f"the newest is {newest}"
    click.echo(f"{revision or 'empty'} ({note})")


@db.command()
def history() -> None:
    """List the revisions, oldest first."""
    for revision, doc in migrate.history():
        click.echo(f"{revision}  {doc}")


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("revision", default="-1")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the database back to REVISION (an id, -1 or base); what only newer ones hold is lost."""
    with core(database=False) as built:
        now = migrate.current(built.store)
        is_copied = built.store.sqlite_path is not None
        note = "It is backed up first." if is_copied else "Back it up with pg_dump first!"
        if not yes:
            click.confirm(f"Take the database back from {now} to {revision}? {note}", abort=True)
        _print_backup(migrate.downgrade(built.store, revision))
        click.echo(f"The database is at revision {migrate.current(built.store) or 'base'}.")


@db.command()
def vacuum() -> None:
    """Rewrite an SQLite file without its free space; afterwards it gives space back by itself.

    It takes about twice the file's size on the disk, and nobody can write meanwhile: run it while
    no scan runs.
    """
    with core() as built:
        sizes = history_service.rewrite(built)
    if sizes is None:
        click.echo("PostgreSQL does this by itself (autovacuum); nothing was changed.")
    else:
        before, after = sizes
        click.echo(f"The database had {megabytes(before)}, and has {megabytes(after)} now.")


@db.command()
@click.argument("url")
def copy(url: str) -> None:
    """Copy the database to the empty one at URL: from SQLite to PostgreSQL, or back.

    Stop TigerTag first. A copy that was interrupted goes on where it was; both databases are
    compared at the end. Then set DB_URL to URL. The old database stays as it is.
    """
    with core() as built:

        def show(table: str, done: int, total: int) -> None:
            click.echo(f"\r{table}: {done} of {total}\033[K", nl=False, err=True)

        def ignore(_table: str, _done: int, _total: int) -> None:
            """Print nothing where nobody watches."""

        progress = show if sys.stderr.isatty() else ignore
        copied = moving.copy_to(built, settings.database_url(url), progress)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    rows = sum(table.rows for table in copied)
    click.echo(f"{rows} rows of {len(copied)} tables were copied and compared; now set DB_URL.")


@db.command("import-original")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--library", required=True, help="The library that has the photos.")
@click.option("--section", help="The section, its id or title.")
def import_original(path: Path, library: str, section: str | None) -> None:
    """Take over the SQLite file at PATH of the original TigerTag (by hedrickbt).

    Tags that it wrote, and that photos still have, count as written by TigerTag: later scans keep
    them up to date, and an undo removes them. Nothing is written to the library now. Stop TigerTag
    first.
    """
    with core() as built:
        done = originals.take_over(built, path, library, section)
    undo = "" if done.scan_id is None else f" To remove them all: tigertag undo {done.scan_id}."
    say(
        f"{done.section.called}: {count(done.tags, 'tag')} of {count(done.items, 'item')} taken"
        f" over; {done.gone} no longer there.{undo}"
    )


def _print_backup(path: object) -> None:
    if path is not None:
        click.echo(f"Backed up to {path}.")
