"""From an archive to a database: a new one in the place of the old, or all as it was.

SQLite gets a new file, which takes the old one's place in one step; the old one is kept beside it.
PostgreSQL drops the old tables and makes the new ones in one transaction.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select, text, update
from sqlalchemy.exc import IntegrityError

from tigertag.errors import BackupError, Conflict, SchemaMismatch, StoreError
from tigertag.store import migrate, schema
from tigertag.store.database import Db, Store
from tigertag.store.transfer import rows
from tigertag.store.transfer.archive import Archive
from tigertag.store.transfer.manifest import LEFT_OUT

_GOING_S = 2.0
"""A connection that was closed, such as our own, is still listed for a moment."""
_SPENT = frozenset({"usage", "budgets"})
_AMOUNTS = ("units", "cost_usd")

Kept = Mapping[str, Sequence[dict[str, Any]]]


def check_revision(revision: str) -> None:
    """Raise `SchemaMismatch` where a newer TigerTag made this."""
    if revision not in dict(migrate.history()):
        raise SchemaMismatch(
            f"The archive is of a newer TigerTag (revision {revision[:32]}; this one knows up to"
            f" {migrate.head()}); nothing was changed. Update TigerTag, then restore it."
        )


def restore(
    store: Store, archive: Archive, *, home: str, then: Callable[[], None] = lambda: None
) -> Path | None:
    """Put the archive's rows in the place of all that the database holds.

    `home`: whose batches these are from now on, see `scan.spool`. `then` runs just before the
    change is made good; if it raises, nothing changes. Returns the old SQLite file. Raises
    `BackupError`, `SchemaMismatch`, `StoreError`; `Conflict`: another process uses the database.
    """
    check_revision(archive.manifest.revision)
    path = store.sqlite_path
    if path is None:
        _require_alone(store)
        with store.migration() as db:
            _replace(db, archive, _left_out_rows(db), home)
            then()
        store.close()
        return None
    own = _secrets_of(store)
    with _draft(path) as draft:
        with closing(Store(f"sqlite:///{draft}")) as new, new.migration() as db:
            _replace(db, archive, own, home)
        _fold(draft)
        store.close()
        then()
        return _swap(draft, path)


def _replace(db: Db, archive: Archive, own: Kept, home: str) -> None:
    drop_all(db)
    migrate.upgrade_within(db, archive.manifest.revision)
    try:
        _load(db, archive)
        rows.go_on_numbering(db)
        migrate.upgrade_within(db, "head")
        _adapt(db, home)
        _put_back(db, own)
    except IntegrityError as exc:
        raise BackupError("The archive's rows contradict each other; nothing was changed.") from exc


def _load(db: Db, archive: Archive) -> None:
    made = archive.manifest.tables
    there = {table.name: table for table in rows.tables(db)}
    if unknown := made.keys() - there.keys():
        raise BackupError(f"The archive holds a table {min(unknown)} that its revision has not.")
    for name, table in there.items():
        if name in made:
            decode = rows.decoder(table, made[name].columns)
            for lines in rows.batches(archive.lines(name)):
                db.execute(table.insert(), [decode(line) for line in lines])


def _adapt(db: Db, home: str) -> None:
    """Make of the running service's state that of one that has stopped: nothing starts by itself.

    A batch whose file stayed in another home is this one's from now on: what was not sent of it is
    asked again.
    """
    chunks, scans, batches = schema.chunks, schema.scans, schema.batches
    leased = update(chunks).where(chunks.c.state == "leased")
    db.execute(leased.values(state="queued", owner="", lease_until=0.0))
    active = update(scans).where(scans.c.state.in_(("queued", "running")))
    db.execute(active.values(state="paused"))
    unsent = ("filling", "sealed", "submitting")
    db.execute(update(batches).where(batches.c.state.in_(unsent)).values(home=home))


def drop_all(db: Db) -> None:
    """Drop every table of ours, and what Alembic notes."""
    rows.reflected(db).drop_all(db)


def _left_out_rows(db: Db) -> Kept:
    """Return what archives leave out: a home keeps its own password, key and hooks.

    And what engines have taken: what was spent since the backup is spent.
    """
    return {
        table.name: [dict(row) for row in db.execute(select(table)).mappings()]
        for table in rows.tables(db)
        if table.name in LEFT_OUT | _SPENT and not table.foreign_keys
    }


def _put_back(db: Db, own: Kept) -> None:
    for table in rows.tables(db):
        for row in own.get(table.name, ()):
            known = {column: row[column] for column in row if column in table.c}
            if table.name in _SPENT:
                _keep_larger(db, table, known)
            else:
                db.execute(table.insert(), known)
    rows.go_on_numbering(db)


def _keep_larger(db: Db, table: Table, own: dict[str, Any]) -> None:
    """Keep the larger of what the archive and this home know of an engine's day or month."""
    where = [column == own[column.name] for column in table.primary_key.columns]
    row = db.execute(select(table).where(*where)).mappings().one_or_none()
    if row is None:
        db.execute(table.insert(), own)
        return
    spent = {name: max(value, row[name]) for name, value in own.items() if name in _AMOUNTS}
    db.execute(update(table).where(*where).values(**spent))


def _secrets_of(store: Store) -> Kept:
    """Return what the SQLite file keeps that archives leave out; nothing where it is damaged."""
    path = store.sqlite_path
    if path is None or not path.exists():
        return {}
    try:
        with store.read() as db:
            return _left_out_rows(db)
    except StoreError:
        return {}


def _require_alone(store: Store) -> None:
    """Raise `Conflict` where others are connected to the PostgreSQL database."""
    store.close()
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    until = time.monotonic() + _GOING_S
    while True:
        with store.read() as db:
            if not db.execute(others).scalar_one():
                return
        if time.monotonic() > until:
            raise Conflict(
                "Another program is connected to the database; nothing was changed. Stop TigerTag"
                " everywhere, and close other programs that use this database."
            )
        time.sleep(0.1)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Name the file that is filled; what is left of it, or of an earlier try, is deleted."""
    draft = path.with_name(f".{path.name}.restoring")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _delete(draft)
    try:
        yield draft
    finally:
        _delete(draft)


def _delete(draft: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        draft.with_name(draft.name + end).unlink(missing_ok=True)


def _fold(path: Path) -> None:
    """Bring what stands in the write-ahead log into the file, and keep it on the disk."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _swap(draft: Path, path: Path) -> Path | None:
    """Put the draft in the place of the old file, and return what the old one is called now."""
    if not path.exists():
        os.replace(draft, path)
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    old = path.with_name(f"{path.name}.{stamp}.bak")
    _let_go(path, old)
    with suppress(OSError):
        os.link(path, old)
    if not old.exists():
        # No hard links here: for a moment there is no database.
        os.replace(path, old)
    os.replace(draft, path)
    return old


def _let_go(path: Path, old: Path) -> None:
    """Fold the old file's log into it; SQLite refuses that while another process has it open.

    A damaged file's log is moved away with it: SQLite would play it into the new file.
    """
    try:
        with closing(sqlite3.connect(path, timeout=1.0)) as db:
            mode = db.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode == ("delete",):
            return
    except sqlite3.OperationalError as exc:
        if "locked" in str(exc):
            raise Conflict(
                f"Another program uses {path}; nothing was changed. Stop TigerTag, then restore."
            ) from exc
    except sqlite3.DatabaseError:
        pass
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(path.with_name(path.name + end), old.with_name(old.name + end))
