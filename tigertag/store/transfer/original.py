"""The database of the original TigerTag, by hedrickbt: tables resource, tag and resource_tag."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tigertag.errors import BackupError

_TAGS = """
SELECT resource.location, tag.name FROM resource_tag
JOIN resource ON resource.id = resource_tag.resource_id JOIN tag ON tag.id = resource_tag.tag_id
ORDER BY resource.location
"""


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """A photo that it tagged. `location`: where it, or its server, had the file."""

    location: str
    tags: tuple[str, ...]


def read(path: Path) -> Iterator[OriginalFile]:
    """Read an SQLite file of the original, which is not changed. Raises `BackupError`."""
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as db:
            for location, rows in groupby(db.execute(_TAGS), key=lambda row: str(row[0])):
                yield OriginalFile(location, tuple(str(name) for _location, name in rows))
    except sqlite3.Error as exc:
        raise BackupError(
            f"{path} is no database of the original TigerTag ({exc}); nothing was changed."
        ) from exc
