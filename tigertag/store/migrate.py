"""Migrations: at the start of the program, by `tigertag db`, and by plain Alembic."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import inspect, text

from tigertag import locks
from tigertag.errors import SchemaMismatch, StoreUnavailable, os_reason
from tigertag.store import events
from tigertag.store.database import Db, Store, make_folder

_ADVISORY_LOCK = 7_309_453
_TABLES_OF_SQLITE = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
)
# Tables that each of our revisions has, and no other program is likely to have together.
_EVER_OURS = frozenset({"scans", "items", "chunks", "standing"})
_ORIGINAL = frozenset({"resource", "tag", "resource_tag"})
"""The tables of the original TigerTag, by hedrickbt."""
COPYING = "copying"
"""How the revision of a database begins that `tigertag db copy` has not filled yet."""


def scripts_folder() -> Path:
    """Where the migrations are: in the wheel, or at the top of a checkout."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "alembic"


def config(store: Store | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    made.attributes["store"] = store
    return made


def upgrade_within(db: Db, revision: str) -> None:
    """Bring the database to a revision within a transaction of `Store.migration`."""
    made = config()
    made.attributes["transaction"] = db
    command.upgrade(made, revision)


def current(store: Store) -> str | None:
    """Return the revision of the database; None when it is empty."""
    with store.read() as db:
        return revision_of(db)


def revision_of(db: Db) -> str | None:
    return MigrationContext.configure(db).get_current_revision()


@cache
def head() -> str | None:
    """Return the newest revision that this program knows: it reads each of them, once."""
    return ScriptDirectory.from_config(config()).get_current_head()


def history() -> list[tuple[str, str]]:
    """Return (revision, what it did), oldest first."""
    scripts = ScriptDirectory.from_config(config()).walk_revisions()
    return [(script.revision, script.doc) for script in scripts][::-1]


def upgrade(store: Store) -> Path | None:
    """Bring the database up to date, one process at a time; return the backup that was made.

    Raises `SchemaMismatch` when a newer TigerTag or another program has made it.
    """
    refuse_others(store)
    with _alone(store):
        revision = current(store)
        if revision == head():
            return None
        if revision is not None and revision.startswith(COPYING):
            raise SchemaMismatch(
                "The database is an unfinished copy; nothing was changed. Finish it with `tigertag"
                " db copy`, with DB_URL set to the database that it is copied from."
            )
        if revision is not None and revision not in dict(history()):
            raise SchemaMismatch(
                f"The database is of a newer TigerTag (revision {revision}); nothing was changed."
                " Update TigerTag, or restore the backup that the newer one made."
            )
        kept = backup(store) if revision else None
        command.upgrade(config(store), "head")
        if revision is not None:
            message = f"The database was brought from revision {revision} to {head()}."
            with store.write() as db:
                events.record(db, "info", "system", message)
        return kept


def refuse_others(store: Store) -> None:
    """Raises `SchemaMismatch` when the tables are not ours; nothing is written before that."""
    tables = _tables(store) - {"alembic_version"}
    if tables and not tables >= _EVER_OURS:
        if tables >= _ORIGINAL:
            raise SchemaMismatch(
                "DB_URL names a database of the original TigerTag, which this one cannot work with;"
                " nothing was changed. Give TigerTag another DB_URL, then take the old one over"
                " with `tigertag db import-original`."
            )
        raise SchemaMismatch(
            "DB_URL names a database of another program; nothing was changed. Give TigerTag a"
            " database of its own: it starts with an empty one."
        )


def _tables(store: Store) -> set[str]:
    path = store.sqlite_path
    if path is None:
        with store.read() as db:
            return {*inspect(db).get_table_names()}
    if not path.exists():
        return set()
    try:
        # Read-only: our own connections would turn another program's file to WAL.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return {name for (name,) in db.execute(_TABLES_OF_SQLITE)}
    except sqlite3.Error:
        return set()  # A damaged file is told where it is opened.


def downgrade(store: Store, revision: str) -> Path | None:
    """Take the database back to a revision (an id, "-1" or "base"); return the backup made."""
    with _alone(store):
        kept = backup(store)
        try:
            command.downgrade(config(store), revision)
        except CommandError as exc:
            if kept is not None:
                kept.unlink()
            raise SchemaMismatch(
                f"There is no such step down: {exc}. Nothing was changed."
            ) from exc
        return kept


def backup(store: Store) -> Path | None:
    """Copy the SQLite file beside itself; None when the database is a server's."""
    path = store.sqlite_path
    if path is None or not path.exists():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.name}.{stamp}.bak")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as exc:
        target.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"The database could not be backed up ({exc}); it was not changed."
        ) from exc
    return target


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    path = store.sqlite_path
    if path is None:
        with store.migration() as db:
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield
        return
    make_folder(path)
    try:
        lock = path.with_name(f"{path.name}.lock").open("w")
    except OSError as exc:
        raise StoreUnavailable(
            f"The database's folder {path.parent} cannot be written: {os_reason(exc)}."
        ) from exc
    with lock:
        if not locks.wait_for(lock):
            raise StoreUnavailable(
                f"The file system of {path.parent} has no locks, which SQLite needs; nothing was"
                " changed. Put the database on a local disk, or use PostgreSQL (DB_URL)."
            )
        yield
