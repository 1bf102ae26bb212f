"""Hooks: addresses where other programs announce news, known by the hash of their token."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from tigertag.store import schema
from tigertag.store.database import Db, as_type, insert_one

_hooks = schema.hooks


@dataclass(frozen=True, slots=True)
class HookRow:
    """A hook. `library`, `section`: ""; what is announced says where, or all of it is scanned.

    `news` counts announcements, `others` what was none, such as tests; `last_at` is of either.
    """

    id: int
    name: str
    library: str
    section: str
    write: str
    created_at: datetime
    last_at: datetime | None
    news: int
    others: int


def add(
    db: Db, *, name: str, hash: str, library: str, section: str, write: str, now: datetime
) -> int:
    row = {"name": name, "hash": hash, "library": library, "section": section, "write": write}
    return insert_one(db, _hooks, {**row, "created_at": now})


def every(db: Db) -> list[HookRow]:
    rows = db.execute(select(_hooks).order_by(_hooks.c.name, _hooks.c.id))
    return [as_type(HookRow, row) for row in rows]


def of_hash(db: Db, hash: str) -> HookRow | None:
    row = db.execute(select(_hooks).where(_hooks.c.hash == hash)).one_or_none()
    return None if row is None else as_type(HookRow, row)


def remove(db: Db, hook_id: int) -> bool:
    return db.execute(delete(_hooks).where(_hooks.c.id == hook_id)).rowcount == 1


def count(db: Db, hook_id: int, now: datetime, *, is_news: bool) -> None:
    counter = _hooks.c.news if is_news else _hooks.c.others
    changed = {counter: counter + 1, _hooks.c.last_at: now}
    db.execute(_hooks.update().where(_hooks.c.id == hook_id).values(changed))
