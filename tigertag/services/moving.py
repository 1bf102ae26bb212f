"""Moving to another database: from SQLite to PostgreSQL, and back."""

from collections.abc import Callable
from contextlib import closing

from tigertag.core import Core
from tigertag.errors import Conflict, RequestError
from tigertag.scan.worker import home_lock
from tigertag.store import Store
from tigertag.store.transfer import copying
from tigertag.store.transfer.copying import CopiedTable


def copy_to(core: Core, url: str, progress: Callable[[str, int, int], None]) -> list[CopiedTable]:
    """Copy this database to an empty one, and compare the two; what a killed copy has done counts.

    Passwords and keys go along. `progress` gets a table, and how many of its rows are copied.
    Raises `Conflict`: TigerTag is running, or the target holds something else; `StoreError`.
    """
    with closing(Store(url)) as target, home_lock(core.home) as is_free:
        if not is_free:
            raise Conflict(
                f"TigerTag is running with {core.home}; nothing was copied. Stop it, then copy."
            )
        if target.url == core.store.url:
            raise RequestError("The target is the database itself; nothing was copied.")
        return copying.copy(core.store, target, progress)
