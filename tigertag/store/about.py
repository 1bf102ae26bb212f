"""The database itself: which it is, and how large."""

from dataclasses import dataclass

from sqlalchemy import text

from tigertag.store import migrate, totals
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
    size_bytes = totals.size_bytes(store)
    with store.read() as db:
        if path is None:
            version = str(db.scalar(text("SHOW server_version"))).split()[0]
            place = f"{store.url.host or 'local'}/{store.url.database}"
            return DatabaseInfo("PostgreSQL", version, revision, size_bytes, place)
        version = str(db.scalar(text("SELECT sqlite_version()")))
    return DatabaseInfo("SQLite", version, revision, size_bytes, str(path))
