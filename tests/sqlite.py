"""SQLite databases that are up to date: migrating one for each test would take most of its time."""

from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tigertag.store import Store, migrate


def make_migrated(path: Path) -> str:
    """Make a database that is up to date; return its URL."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(_migrated())
    return f"sqlite:///{path}"


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tigertag.db"
        with closing(Store(f"sqlite:///{path}")) as store:
            migrate.upgrade(store)
        return path.read_bytes()
