"""The space of an SQLite file: what is free in it is used again, and given back to the disk.

A file made by this version gives it back a part at a time. An older one has to be rewritten once:
that takes about twice its size on the disk, and nobody can write meanwhile.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tigertag.errors import StoreError, StoreFull, StoreUnavailable
from tigertag.store.database import Store

INCREMENTAL = 2
"""SQLite's number for `auto_vacuum = INCREMENTAL`."""
_KEPT_FREE_BYTES = 1 << 20
_PAGES_AT_ONCE = 256
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Space:
    """The size of an SQLite file, and what of it is free. `gives_back`: a part at a time."""

    size_bytes: int
    free_bytes: int
    gives_back: bool


def of(store: Store) -> Space | None:
    """Return the space of the database; None where it is a server's."""
    if store.sqlite_path is None:
        return None
    with store.read() as db:
        page, pages, free, mode = (
            int(db.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
        )
    return Space(page * pages, page * free, mode == INCREMENTAL)


def give_back(store: Store) -> int:
    """Give a part of what is free back to the disk; return how many bytes, 0 when all is done."""
    before = of(store)
    if before is None or not before.gives_back or before.free_bytes <= _KEPT_FREE_BYTES:
        return 0
    with store.write() as db:
        # A page is freed with each step of the statement, which has no columns for SQLAlchemy.
        raw = db.connection.cursor()
        raw.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        raw.close()
    after = of(store)
    return 0 if after is None else max(0, before.size_bytes - after.size_bytes)


def rewrite(store: Store) -> tuple[int, int] | None:
    """Rewrite the file, so that it gives space back from now on; return its size before and after.

    None where the database is a server's, which does this by itself. Raises `StoreError`.
    """
    path, before = store.sqlite_path, of(store)
    if path is None or before is None:
        return None
    _check_room(path, before)
    store.close()
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as db:
            db.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as exc:
        raise _error(exc) from exc
    after = of(store)
    return before.size_bytes, 0 if after is None else after.size_bytes


def _error(exc: sqlite3.Error) -> StoreError:
    reason = str(exc)
    if "full" in reason:
        return StoreFull("The disk is full; the database is as it was. Free space, then try again.")
    return StoreUnavailable(
        f"The database could not be rewritten ({reason}); it is as it was. Stop TigerTag, or wait"
        " until no scan runs, then try again."
    )


def _check_room(path: Path, space: Space) -> None:
    """SQLite makes a copy in the folder for temporary files, and puts it into its log.

    Raises `StoreFull`.
    """
    need = space.size_bytes - space.free_bytes
    for folder in {path.parent, Path(tempfile.gettempdir())}:
        if shutil.disk_usage(folder).free < 2 * need:
            raise StoreFull(
                f"Rewriting the database takes {2 * need // 1_000_000 + 1} MB in {folder}, and less"
                " is free; nothing was changed. Free space, then try again."
            )
