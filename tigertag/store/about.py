"""The database itself: which it is, and how large."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import text

from tigertag.store import migrate
from tigertag.store.database import Store


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    """`version`: of SQLite or PostgreSQL. `place`: its file, or its host and name, no password."""

    kind: str
    version: str
    revision: str
    size_bytes: int
    place: str


def database(store: Store) -> DatabaseInfo:
    """Return what the database is. Raises `StoreError`."""
    revision = migrate.current(store) or "empty"
    path = store.sqlite_path
    with store.read() as db:
        if path is None:
            version = str(db.scalar(text("SHOW server_version")))
            size = db.scalar(text("SELECT pg_database_size(current_database())")) or 0
            place = f"{store.url.host or 'local'}/{store.url.database}"
            return DatabaseInfo("PostgreSQL", version.split()[0], revision, int(size), place)
        version = str(db.scalar(text("SELECT sqlite_version()")))
    size = 0
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            size += path.with_name(path.name + suffix).stat().st_size
    return DatabaseInfo("SQLite", version, revision, size, str(path))
