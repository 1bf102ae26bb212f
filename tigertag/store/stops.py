"""Engines that cannot go on, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from tigertag.store import schema
from tigertag.store.database import Db
from tigertag.store.sql import insert_or_replace

_stops = schema.stops


@dataclass(frozen=True, slots=True)
class StopRow:
    """Why an engine cannot go on. `until`: when it is tried again by itself, if it is.

    `lasting`: no process tries it before that.
    """

    engine: str
    reason: str
    until: datetime | None
    at: datetime
    lasting: bool = False


def put(db: Db, engine: str, reason: str, until: datetime | None, *, lasting: bool = False) -> None:
    at = datetime.now(UTC)
    row = {"engine": engine, "reason": reason, "until": until, "at": at, "lasting": lasting}
    insert_or_replace(db, _stops, [row], key=("engine",))


def lift(db: Db, engine: str) -> None:
    db.execute(_stops.delete().where(_stops.c.engine == engine))


def every(db: Db) -> dict[str, StopRow]:
    return {row.engine: StopRow(*row) for row in db.execute(select(_stops))}
