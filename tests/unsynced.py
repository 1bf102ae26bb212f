"""No test cuts the power: what this process writes need not reach the disk before it goes on.

Processes that tests start, and kill, wait for the disk as they do elsewhere.
"""

import os
import sqlite3

from sqlalchemy import event
from sqlalchemy.pool import Pool


def pytest_configure() -> None:
    os.fsync = _looked_at
    event.listen(Pool, "checkout", _let_go_on)


def _looked_at(file: int) -> None:
    """Refuse what is no open file, as `os.fsync` does."""
    os.fstat(file)


def _let_go_on(connection: object, *_of: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
