"""From one database to another, as it is, in batches: what a killed copy has copied is kept.

Until it is whole the target says so in the place of its revision, and no TigerTag starts with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Table, delete, text

from tigertag.errors import Conflict, StoreError
from tigertag.store import engine_state, migrate, schema
from tigertag.store.database import Db, Store, any_where
from tigertag.store.transfer import restore, rows

_COPYING = migrate.COPYING
Progress = Callable[[str, int, int], None]
"""A table, and how many of its rows are copied, of how many."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    name: str
    rows: int


def copy(source: Store, target: Store, progress: Progress) -> list[CopiedTable]:
    """Copy all tables, and compare them with their sources. The source is up to date and at rest.

    Raises `Conflict` where the target holds something else, `StoreError`.
    """
    with source.write() as db:
        mark = f"{_COPYING} {migrate.head()} {engine_state.database_id(db)}"
    _prepare(target, mark)
    with target.read() as other:
        copies = {table.name: table for table in rows.tables(other)}
    with source.snapshot() as db:
        tables = rows.tables(db)
        for table in tables:
            _copy_table(db, table, target, copies[table.name], progress)
        with target.migration() as other:
            copied = [_compare(db, table, other, copies[table.name]) for table in tables]
            rows.go_on_numbering(other)
            other.execute(text(f"UPDATE {rows.VERSION_TABLE} SET version_num = :new"), _head())
    return copied


def _head() -> dict[str, str | None]:
    return {"new": migrate.head()}


def _prepare(target: Store, mark: str) -> None:
    """Make the tables in an empty target, unless an earlier try of the same copy has."""
    migrate.refuse_others(target)
    found = migrate.current(target)
    if found == mark:
        return
    if found is not None and found.startswith(_COPYING):
        raise Conflict(
            "The target holds an unfinished copy of another database, or of another version;"
            " nothing was changed. Empty it, then copy again."
        )
    if found is not None:
        _require_empty(target)
    with target.migration() as db:
        restore.drop_all(db)
        migrate.upgrade_within(db, "head")
        db.execute(text(f"UPDATE {rows.VERSION_TABLE} SET version_num = :new"), {"new": mark})


def _require_empty(target: Store) -> None:
    """A TigerTag that was started with the target has made tables, but scanned nothing."""
    with target.read() as db:
        known = {table.name for table in rows.tables(db)}
        used = (table for table in (schema.sections, schema.rules) if table.name in known)
        if any(any_where(db, table.c.id > 0) for table in used):
            raise Conflict(
                "The target holds the data of another TigerTag; nothing was changed. Name an empty"
                " database."
            )


def _copy_table(source: Db, table: Table, target: Store, copied: Table, progress: Progress) -> None:
    total = rows.count(source, table)
    if rows.number(table) is None:
        with target.write() as db:
            db.execute(delete(copied))
            for page in rows.pages(source, table):
                db.execute(copied.insert(), _named(table, page))
        progress(table.name, total, total)
        return
    with target.read() as db:
        done, last = rows.count(db, copied), rows.last_number(db, copied)
    for page in rows.pages(source, table, after=last):
        with target.write() as db:
            db.execute(copied.insert(), _named(table, page))
        done += len(page)
        progress(table.name, done, total)


def _named(table: Table, page: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in page]


def _compare(source: Db, table: Table, target: Db, copied: Table) -> CopiedTable:
    names = [column.name for column in table.columns]
    number, sums = _sums(source, table, names)
    other_number, other_sums = _sums(target, copied, names)
    if (number, sums) != (other_number, other_sums):
        raise StoreError(
            f"Table {table.name} differs after the copy ({number} rows, {other_number} in the"
            " target): the source has changed since the copy was begun. The source is as it was;"
            " empty the target, then copy again."
        )
    return CopiedTable(table.name, number)


def _sums(db: Db, table: Table, columns: Sequence[str]) -> tuple[int, int]:
    pages = rows.pages(db, table, columns=columns)
    return rows.count(db, table), rows.digest(map(rows.encode, chain.from_iterable(pages)))
