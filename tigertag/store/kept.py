"""What engines keep for themselves, by name, and leases among processes."""

from uuid import uuid4

from sqlalchemy import update

from tigertag.store import schema
from tigertag.store.clock import now_s
from tigertag.store.database import Db
from tigertag.store.sql import escaped, insert_if_absent, insert_or_replace

_kept = schema.kept
_KEY = ("engine", "name")
_LEASE = "lease/"


def get(db: Db, engine: str, name: str) -> str | None:
    where = (_kept.c.engine == engine, _kept.c.name == name)
    return db.execute(_kept.select().with_only_columns(_kept.c.value).where(*where)).scalar()


def put(db: Db, engine: str, name: str, value: str) -> None:
    row = {"engine": engine, "name": name, "value": value}
    insert_or_replace(db, _kept, [row], key=_KEY)


def drop(db: Db, engine: str, name: str) -> None:
    db.execute(_kept.delete().where(_kept.c.engine == engine, _kept.c.name == name))


def under(db: Db, engine: str, prefix: str) -> dict[str, str]:
    like = _kept.c.name.like(f"{escaped(prefix)}%", escape="\\")
    rows = db.execute(_kept.select().where(_kept.c.engine == engine, like).order_by(_kept.c.name))
    # LIKE takes no notice of case on SQLite.
    return {row.name: row.value for row in rows if row.name.startswith(prefix)}


def by_engine(db: Db, name: str) -> dict[str, str]:
    """Return what every engine keeps under a name."""
    rows = db.execute(_kept.select().where(_kept.c.name == name))
    return {row.engine: row.value for row in rows}


def lease(db: Db, engine: str, name: str, *, owner: str, lease_s: float) -> bool:
    """Take a lease that is free or has run out, or prolong our own; False: another has it."""
    row = {"engine": engine, "name": _LEASE + name, "value": "", "until": 0.0}
    insert_if_absent(db, _kept, [row])
    where = (_kept.c.engine == engine, _kept.c.name == _LEASE + name)
    free = (_kept.c.until < now_s()) | (_kept.c.value == owner)
    values = {"value": owner, "until": now_s() + lease_s}
    return db.execute(update(_kept).where(*where, free).values(**values)).rowcount == 1


def is_leased(db: Db, engine: str, name: str) -> bool:
    """Whether anybody holds a lease."""
    where = (_kept.c.engine == engine, _kept.c.name == _LEASE + name, _kept.c.until >= now_s())
    return db.execute(_kept.select().where(*where)).one_or_none() is not None


def database_id(db: Db) -> str:
    """Return what tells this database from others; it is made once."""
    row = {"engine": "", "name": "database", "value": uuid4().hex[:12]}
    insert_if_absent(db, _kept, [row])
    return get(db, "", "database") or ""


def release(db: Db, engine: str, name: str, *, owner: str) -> None:
    where = (_kept.c.engine == engine, _kept.c.name == _LEASE + name, _kept.c.value == owner)
    db.execute(update(_kept).where(*where).values(until=0.0))
