"""A row in every table, whatever the revision: made by looking at the database."""

from datetime import UTC, datetime

import sqlalchemy as sa

CHOICES = {
    "canary": "none", "state": "done", "kind": "scan", "mode": "changed", "write": "preview",
    "action": "deny", "field": "tag", "level": "info",
}  # fmt: skip
BY_TABLE = {
    ("chunks", "kind"): "list",
    ("edits", "state"): "planned",
    ("calls", "state"): "open",
    ("standing", "state"): "ours",
    ("credentials", "kind"): "password",
    ("events", "source"): "scan",
    ("firings", "kind"): "due",
    ("notices", "state"): "waiting",
    ("attempts", "kind"): "sign-in",
    ("verdicts", "verdict"): "yes",
    ("verdicts", "source"): "hand",
}


def fill(connection: sa.Connection) -> dict[str, int]:
    """Insert one row into each table, parents first; return the number of rows by table."""
    found = sa.MetaData()
    found.reflect(connection)
    tables = [table for table in found.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        connection.execute(table.insert().values(_row(table)))
        if connection.dialect.name == "postgresql" and "id" in table.columns:
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(sa.text(f"SELECT setval({sequence}, 1)"))
    return count(connection)


def _row(table: sa.Table) -> dict[str, object]:
    return {column.name: _value(table, column) for column in table.columns}


def _value(table: sa.Table, column: sa.Column[object]) -> object:
    if column.primary_key and not isinstance(column.type, sa.String):
        return 1
    if column.foreign_keys:
        return 1 if column.name != "source_id" else None
    if (table.name, column.name) in BY_TABLE:
        return BY_TABLE[table.name, column.name]
    if column.name in CHOICES:
        return CHOICES[column.name]
    if isinstance(column.type, sa.DateTime):
        return datetime.now(UTC).replace(tzinfo=None)
    return {bool: False, int: 1, float: 0.5, str: "x"}[column.type.python_type]


def count(connection: sa.Connection) -> dict[str, int]:
    found = sa.MetaData()
    found.reflect(connection)
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in found.sorted_tables
        if table.name != "alembic_version"
    }
