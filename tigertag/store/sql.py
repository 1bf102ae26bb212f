"""What the two dialects say differently, and lists too long for one statement."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from tigertag.store.database import Db

_T = TypeVar("_T")
_MOST_PARAMETERS = 1000


def insert_one(db: Db, table: Table, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    return int(db.execute(table.insert().values(row).returning(table.c.id)).scalar_one())


def insert_if_absent(db: Db, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows that no unique constraint forbids."""
    if rows:
        insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
        db.execute(insert(table).on_conflict_do_nothing(), rows)


def insert_or_replace(
    db: Db,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    key: Sequence[str],
    keep: Sequence[str] = (),
) -> None:
    """Insert the rows; where one with the same key is there, change all its columns but `keep`."""
    if rows:
        insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
        statement = insert(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in (*key, *keep)}
        db.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


def escaped(text: str) -> str:
    """The text as a part of a LIKE pattern whose escape is the backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def slices(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut a list into parts that fit into one IN (…)."""
    for start in range(0, len(values), _MOST_PARAMETERS):
        yield values[start : start + _MOST_PARAMETERS]
