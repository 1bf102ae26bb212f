"""No test cuts the power: what this process writes need not reach the disk before it goes on.

Processes that tests start, and kill, wait for the disk as they do elsewhere.
"""

import os
import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.pool import Pool

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


def pytest_configure() -> None:
    os.fsync = _looked_at  # type: ignore[assignment]
    event.listen(Pool, "checkout", _let_go_on)


def _looked_at(file: "FileDescriptorLike") -> None:
    """Refuse what is no open file, as `os.fsync` does."""
    os.fstat(file if isinstance(file, int) else file.fileno())


def _let_go_on(connection: object, *_of: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
