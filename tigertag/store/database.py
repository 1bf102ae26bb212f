"""The connection to the database, SQLite or PostgreSQL: transactions, its clock, statements."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Float,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    exists,
    func,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.sql.functions import FunctionElement

from tigertag import bounds
from tigertag.errors import (
    StoreClash,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TigerTagError,
    Unstorable,
    os_reason,
)
from tigertag.sequences import batched
from tigertag.store import postgres

Db = Connection
Sums = dict[Any, float]
Last = Callable[[Db, Sums], None]
_K = TypeVar("_K")
_T = TypeVar("_T")

_BUSY_TIMEOUT_S = 30.0
_CONNECTIONS = 30
_KEPT_OPEN = 10
_PERSIST_S = 8.0
PAID_S = 75.0
"""So long a paid answer is kept for the database: a minute's partition, and connecting again."""
_AGAIN_S = 0.2
_WRITING = "tigertag_writing"
_LAST = "tigertag_last"
# PostgreSQL's codes (postgresql.org/docs/current/errcodes-appendix.html).
_DISK_FULL = "53100"
_UNDEFINED = ("42P01", "42703")
_CLASHES = ("40001", "40P01", "55P03")


class Store:
    """Transactions on the database. Thread-safe; a transaction is never held across a call."""

    def __init__(self, url: str) -> None:
        try:
            self.url: URL = make_url(url)
        except (ArgumentError, ValueError) as exc:
            raise StoreUnavailable("DB_URL is not the address of a database.") from exc
        self._engine: Engine | None = None
        self.connections = _CONNECTIONS
        """How many threads may be in a transaction at once; set before the database is opened."""

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file, when it is one."""
        if self.url.get_backend_name() != "sqlite" or self.url.database in (None, "", ":memory:"):
            return None
        return Path(str(self.url.database))

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            connections = max(self.connections, _CONNECTIONS)
            pool = {"pool_size": _KEPT_OPEN, "max_overflow": connections - _KEPT_OPEN}
            if self.sqlite_path is None:
                made = postgres.engine(self.url, pool)
            else:
                make_folder(self.sqlite_path)
                made = _sqlite(self.url, pool)
            event.listen(made, "before_cursor_execute", _check)
            self._engine = made
        return self._engine

    def close(self) -> None:
        """Close its connections; one that is in use, at the end of its transaction."""
        if self._engine is not None:
            event.listen(self._engine, "checkin", _close)
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def read(self) -> Iterator[Db]:
        """A transaction that reads one state of the database. Raises `StoreError`."""
        with _mapped(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Db]:
        """As `read`, for many statements: PostgreSQL else shows each what was committed before it.

        It blocks nobody who writes.
        """
        with _mapped(), self.engine.connect() as connection:
            if self.sqlite_path is None:
                options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                connection = connection.execution_options(**options)
            with connection.begin():
                postgres.without_limits(connection)
                yield connection

    @contextmanager
    def write(self) -> Iterator[Db]:
        """A transaction that writes; committed at the end, as a whole. Raises `StoreError`."""
        with _mapped(), self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITING: True})
            last: dict[Last, Sums] = {}
            connection.info[_LAST] = last
            with connection.begin():
                yield connection
                for do, sums in last.items():
                    do(connection, sums)

    def persist(self, do: Callable[[Db], _T], *, hurries: Callable[[], bool] = lambda: True) -> _T:
        """Do this in a transaction that writes; again for a while, where that fails for now.

        For what was paid for, or has been done elsewhere. Where the connection was lost over the
        commit it may be done twice. `hurries`: whether it is given up after some seconds, such as
        since SIGTERM, and not only after `PAID_S`. Raises `StoreError`.
        """
        until = time.monotonic() + (_PERSIST_S if hurries() else PAID_S)
        while True:
            try:
                with self.write() as db:
                    return do(db)
            except StoreUnavailable:
                if hurries():
                    until = min(until, time.monotonic() + _PERSIST_S)
                if time.monotonic() > until:
                    raise
            time.sleep(_AGAIN_S)

    @contextmanager
    def migration(self) -> Iterator[Db]:
        """A transaction that may rebuild tables: SQLite checks foreign keys at its end only.

        With them on, SQLite deletes a dropped table's children (sqlite.org/lang_altertable.html).
        """
        with _mapped(), self.engine.connect() as connection:
            if self.sqlite_path is None:
                with connection.begin():
                    postgres.without_limits(connection)
                    yield connection
                return
            raw = connection.connection.cursor()
            raw.execute("PRAGMA foreign_keys = OFF")
            try:
                connection = connection.execution_options(**{_WRITING: True})
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise StoreError(f"A migration would orphan {len(broken)} rows; undone.")
            finally:
                raw.execute("PRAGMA foreign_keys = ON")


def _close(_connection: Any, record: ConnectionPoolEntry) -> None:
    """Close a connection that comes back: a pool that was disposed of would leave it open."""
    record.invalidate()


def make_folder(database: Path) -> None:
    """Make the folder of an SQLite file. Raises `StoreUnavailable`."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreUnavailable(
            f"The database's folder {database.parent} cannot be made: {os_reason(exc)}."
        ) from exc


def _sqlite(url: URL, pool: dict[str, Any]) -> Engine:
    waiting = {"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(url, poolclass=QueuePool, connect_args=waiting, **pool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # Only a file that is still empty takes it up (sqlite.org/pragma.html); for one that has,
        # SQLite would wait for the lock of whoever writes.
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer midway cannot wait for the lock: SQLite answers at once.
        writing = connection.get_execution_options().get(_WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _check(
    _connection: Any, _cursor: Any, _statement: str, parameters: Any, _context: Any, _many: bool
) -> None:
    """Refuse what one of the databases does not take. Raises `Unstorable`."""
    rows = parameters if isinstance(parameters, list) else [parameters]
    for row in rows:
        for value in row.values() if isinstance(row, Mapping) else row or ():
            _check_value(value)


def _check_value(value: Any) -> None:
    """Raise `Unstorable` for what one of the databases does not take, whatever the column."""
    if isinstance(value, str):
        if not bounds.is_text(value):
            raise Unstorable("A text holds a NUL, or half of a surrogate pair.")
    elif isinstance(value, list) and value:
        # Of `among`: all of one kind.
        _check_value("".join(value) if isinstance(value[0], str) else max(value, key=abs))
    elif isinstance(value, float):
        if not isfinite(value):
            raise Unstorable("A number is not finite.")
    elif isinstance(value, int) and abs(value) > bounds.LARGEST_SIZE:
        raise Unstorable("A number is too large to be kept.")


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DataError as exc:
        raise Unstorable(f"The database does not take a value: {_reason(exc)}") from exc
    except DBAPIError as exc:
        raise _error(exc) from exc
    except StatementError as exc:
        if isinstance(exc.orig, TigerTagError):
            raise exc.orig from exc
        raise Unstorable(f"The database does not take a value: {_reason(exc)}") from exc
    except SQLAlchemyError as exc:
        # The pool is used up, or a connection was lost in the middle of a transaction.
        raise StoreUnavailable(f"The database cannot be used now: {_reason(exc)}") from exc


def _reason(exc: SQLAlchemyError) -> str:
    orig = getattr(exc, "orig", None) or exc
    return " ".join(str(orig).split()) or type(orig).__name__


def _error(exc: DBAPIError) -> StoreError:
    reason = _reason(exc)
    lower = reason.lower()
    state = getattr(exc.orig, "sqlstate", None)
    if state == _DISK_FULL or (state is None and "is full" in lower):
        return StoreFull(
            "The database's disk is full; what was committed is kept. Free space, then resume."
        )
    if state in _UNDEFINED or "no such table" in lower or "no such column" in lower:
        return StoreError(
            f"The database lacks a table or column ({reason}). Run `tigertag db upgrade`."
        )
    if "malformed" in lower or "not a database" in lower:
        return StoreError(
            f"The database's file is damaged ({reason}). Restore the newest backup beside it."
        )
    if state in _CLASHES:
        return StoreClash(f"Two transactions clashed, and this one was undone: {reason}")
    return StoreUnavailable(f"The database cannot be used now: {reason}")


class now_s(FunctionElement[float]):
    """Seconds since the epoch, also in the middle of a transaction."""

    type = Float()
    inherit_cache = True


@compiles(now_s, "postgresql")
def _now_of_postgresql(_element: now_s, _compiler: Any, **_kw: Any) -> str:
    return "EXTRACT(EPOCH FROM clock_timestamp())::double precision"


@compiles(now_s, "sqlite")
def _now_of_sqlite(_element: now_s, _compiler: Any, **_kw: Any) -> str:
    # unixepoch('subsec') came with SQLite 3.42; Debian 12 has 3.40. 2440587.5 is 1 January 1970.
    return "((julianday('now') - 2440587.5) * 86400.0)"


def now(db: Db) -> float:
    return float(db.execute(select(now_s())).scalar_one())


def ahead_s(db: Db) -> float:
    """How far the database's clock is ahead of this host's."""
    return now(db) - time.time()


MOST_PARAMETERS = 1000


def sums_at_end(db: Db, do: Last) -> Sums:
    """Return the sums that `do` is given as the last thing before this transaction commits.

    For rows that all processes change: a lock on one keeps the others waiting.
    """
    return cast(Sums, db.info[_LAST].setdefault(do, {}))


def insert_one(db: Db, table: Table, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    return int(db.execute(table.insert().values(row).returning(table.c.id)).scalar_one())


def insert_if_absent(db: Db, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows that no unique constraint forbids; return how many that were."""
    if not rows:
        return 0
    return db.execute(_inserting(db.dialect.name, table), rows).rowcount


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
        changed = tuple(name for name in rows[0] if name not in (*key, *keep))
        statement = _replacing(db.dialect.name, table, tuple(key), changed)
        db.execute(statement, _in_order(rows, key))


def insert_or_add(
    db: Db, table: Table, rows: Sequence[dict[str, Any]], *, key: Sequence[str], add: str
) -> None:
    """Insert the rows; where one with the same key is there, add to its column `add`."""
    if rows:
        statement = _adding(db.dialect.name, table, tuple(key), add)
        db.execute(statement, _in_order(rows, key))


def _in_order(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> list[dict[str, Any]]:
    """Sort rows: transactions that lock the same ones in different orders wait for each other."""
    return sorted(rows, key=lambda row: [row[name] for name in key])


# Statements that are the same each time are made once: that takes longer than to execute them.


@cache
def _inserting(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _replacing(
    dialect: str, table: Table, key: tuple[str, ...], changed: tuple[str, ...]
) -> postgresql.Insert | sqlite.Insert:
    insert = _insert(dialect, table)
    values = {name: insert.excluded[name] for name in changed}
    return insert.on_conflict_do_update(index_elements=key, set_=values)


@cache
def _adding(
    dialect: str, table: Table, key: tuple[str, ...], add: str
) -> postgresql.Insert | sqlite.Insert:
    insert = _insert(dialect, table)
    more = {add: table.c[add] + insert.excluded[add]}
    return insert.on_conflict_do_update(index_elements=key, set_=more)


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table)


def update_each(
    db: Db,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *where: ColumnElement[bool],
    key: Sequence[str] = ("id",),
    **same: Any,
) -> None:
    """Change the rows that have the `key` columns of `rows`: the other columns, and `same` in all.

    `where` may refer to a row's values as `key_<column>` and `new_<column>`.
    """
    if not rows:
        return
    new = tuple(name for name in rows[0] if name not in key)
    changing = _changing(table, tuple(key), new)
    values = [
        {f"{'key' if name in key else 'new'}_{name}": value for name, value in row.items()}
        for row in _in_order(rows, key)
    ]
    if where or same:
        changing = changing.where(*where).values(**same)
    db.execute(changing, values)


@cache
def _changing(table: Table, key: tuple[str, ...], new: tuple[str, ...]) -> Update:
    same_key = [table.c[name] == bindparam(f"key_{name}") for name in key]
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in new}
    return update(table).where(*same_key).values(**values)


def rows_in(
    db: Db, statement: Select[Any], column: ColumnElement[Any], values: Collection[Any]
) -> Iterator[Row[Any]]:
    """Select where a column is one of the values, which may be too many for one IN (…)."""
    for part in batched(values, MOST_PARAMETERS):
        yield from db.execute(statement.where(among(db, column, part)))


def change_in(
    db: Db, statement: Update | Delete, column: ColumnElement[Any], values: Collection[Any]
) -> int:
    """Update or delete where a column is one of the values; return how many rows that were."""
    return sum(
        db.execute(statement.where(among(db, column, part))).rowcount
        for part in batched(values, MOST_PARAMETERS)
    )


def among(db: Db, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column is one of these values.

    PostgreSQL is given an array: a statement with hundreds of parameters of their own costs more to
    write than to answer.
    """
    if db.dialect.name != "postgresql":
        return column.in_(values)
    kind = column.type.coerce_compared_value(None, None)
    return column == func.any(bindparam(None, list(values), postgresql.ARRAY(kind), unique=True))


def any_where(db: Db, *where: ColumnElement[bool]) -> bool:
    """Whether there is a row of which this holds."""
    return bool(db.scalar(select(exists().where(*where))))


def as_type(kind: type[_T], row: Row[Any], **others: Any) -> _T:
    """Make a dataclass of those columns of a row that have its fields' names, and of `others`."""
    names = {field.name for field in fields(kind)} - others.keys()  # type: ignore[arg-type]
    return kind(**{name: row._mapping[name] for name in names}, **others)
