"""Rows as lines of JSON that SQLite and PostgreSQL read alike, whatever the schema's revision.

Tables have the columns that the database has, not those of `schema`: an archive is loaded at the
revision at which it was made.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    func,
    select,
    text,
)

from tigertag.errors import BackupError
from tigertag.store import schema
from tigertag.store.database import Db

PAGE = 2_000
VERSION_TABLE = "alembic_version"
_DIGEST_BITS = 128
_BATCH_BYTES = 1 << 24
_encode = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    separators=(",", ":"),
    default=datetime.isoformat,
).encode


def tables(db: Db) -> list[Table]:
    """Return our tables of a database but Alembic's; those that are referred to come first."""
    return [table for table in reflected(db).sorted_tables if table.name != VERSION_TABLE]


def reflected(db: Db) -> MetaData:
    """Return our tables as they are. Others beside them, as of an extension, are not ours."""
    found = MetaData()
    ours = {*schema.metadata.tables, VERSION_TABLE}
    found.reflect(db, only=lambda name, _metadata: name in ours)
    return found


def number(table: Table) -> Column[Any] | None:
    """Return the column that numbers the rows, if there is one."""
    (key, *others) = table.primary_key.columns
    return key if not others and isinstance(key.type, Integer) else None


def pages(
    db: Db, table: Table, *, after: int = 0, columns: Sequence[str] = ()
) -> Iterator[list[tuple[Any, ...]]]:
    """Read a table, a page at a time, in the order of its key; `after`: from this number on.

    `columns`: in this order, which may be another in each database.
    """
    chosen = [table.c[name] for name in columns] or [*table.columns]
    statement = select(*chosen).order_by(*table.primary_key.columns)
    if (key := number(table)) is not None and after:
        statement = statement.where(key > after)
    options = {"stream_results": True, "yield_per": PAGE}
    streamed = db.execute(statement, execution_options=options)
    for page in streamed.partitions():
        yield [tuple(row) for row in page]


def encode(row: Sequence[Any]) -> bytes:
    """Return a row as a line of JSON."""
    return f"{_encode(row)}\n".encode()


def decoder(table: Table, columns: Sequence[str]) -> Callable[[bytes], dict[str, Any]]:
    """Return what makes a row of a line. It raises `BackupError` where a value does not fit."""
    readers = [(name, _reader(table.c[name])) for name in columns if name in table.c]
    if len(readers) != len(columns) or len({*columns}) != len(columns):
        raise BackupError(f"Table {table.name} has other columns than at this revision.")

    def decode(line: bytes) -> dict[str, Any]:
        try:
            values = json.loads(line)
            return {
                name: None if value is None else read(value)
                for (name, read), value in zip(readers, values, strict=True)
            }
        except (ValueError, TypeError, RecursionError) as exc:
            raise BackupError(f"A row of table {table.name} cannot be read.") from exc

    return decode


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    """Return what checks a value of JSON for this column, and makes it one of Python."""
    match column.type:
        case Boolean():
            return _of(bool)
        case Integer():
            return _whole
        case Float():
            return _float
        case DateTime():
            return datetime.fromisoformat
        case String():
            return _text(column.type.length)
    raise BackupError(f"Column {column} is of a type that backups do not know.")


def _of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return read


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError
    return float(value)


def _text(longest: int | None) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or (longest is not None and len(value) > longest):
            raise TypeError
        return value

    return read


def batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Gather lines to insert together. Those of a tampered archive may be huge, and pack well."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == PAGE or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def digest(lines: Iterable[bytes]) -> int:
    """Return a checksum that does not depend on the order: the databases sort text differently."""
    size = _DIGEST_BITS // 8
    sums = (int.from_bytes(blake2b(line, digest_size=size).digest()) for line in lines)
    return sum(sums) % (1 << _DIGEST_BITS)


def count(db: Db, table: Table) -> int:
    return int(db.execute(select(func.count()).select_from(table)).scalar_one())


def last_number(db: Db, table: Table) -> int:
    """Return the highest number in a table; 0 where it is empty."""
    key = number(table)
    return 0 if key is None else int(db.execute(select(func.max(key))).scalar_one() or 0)


def go_on_numbering(db: Db) -> None:
    """Let PostgreSQL number new rows after those that were loaded with their numbers."""
    if db.dialect.name != "postgresql":
        return
    for table in tables(db):
        key = number(table)
        if key is None:
            continue
        sequence = db.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": f'"{table.name}"', "column": key.name},
        ).scalar_one()
        if sequence is not None:
            values = {"sequence": sequence, "next": last_number(db, table) + 1}
            db.execute(text("SELECT setval(CAST(:sequence AS regclass), :next, false)"), values)
