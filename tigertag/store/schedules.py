"""Schedules that the user made or changed, up to when each was looked at, and its firings."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update

from tigertag.settings import ScheduleSettings
from tigertag.store import schema
from tigertag.store.database import Db, as_type, insert_if_absent, insert_one, insert_or_replace

_schedules = schema.schedules
_clocks = schema.schedule_clocks
_firings = schema.firings

_KEPT = 500
"""How many firings of a schedule are kept."""


@dataclass(frozen=True, slots=True)
class ClockRow:
    """Up to when a schedule's times have been dealt with, by the database's clock.

    `definition`: for which line of cron and time zone that is; "": it was paused.
    """

    schedule: str
    definition: str
    dealt_with: datetime


@dataclass(frozen=True, slots=True)
class FiringRow:
    """A firing. `due_at`: the time that it is for; `fired_at`: when that was dealt with."""

    id: int
    schedule: str
    due_at: datetime
    fired_at: datetime
    kind: str


def every(db: Db) -> dict[str, ScheduleSettings]:
    """Return the schedules that the user made or changed, by id."""
    return {
        row.id: as_type(ScheduleSettings, row, engines=_names(row.engines), problem="")
        for row in db.execute(select(_schedules))
    }


def _names(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def put(db: Db, schedule: ScheduleSettings) -> None:
    """Add a schedule, or replace the one with its id."""
    names = ("id", "cron", "library", "section", "mode", "write", "enabled")
    row = {name: getattr(schedule, name) for name in names}
    more = {"engines": ",".join(schedule.engines), "changed_at": datetime.now(UTC)}
    insert_or_replace(db, _schedules, [row | more], key=("id",))


def remove(db: Db, schedule: str) -> bool:
    """Remove a schedule of the user's and what is known of its runs; False: there was none."""
    removed = db.execute(delete(_schedules).where(_schedules.c.id == schedule)).rowcount == 1
    for table in (_clocks, _firings):
        db.execute(delete(table).where(table.c.schedule == schedule))
    return removed


def clocks(db: Db) -> dict[str, ClockRow]:
    return {row.schedule: as_type(ClockRow, row) for row in db.execute(select(_clocks))}


def start_clock(db: Db, schedule: str, definition: str, at: datetime) -> None:
    """Let times of a schedule count from now on, unless another process has just done so."""
    row = {"schedule": schedule, "definition": definition, "dealt_with": at}
    insert_if_absent(db, _clocks, [row])
    other = (_clocks.c.schedule == schedule, _clocks.c.definition != definition)
    db.execute(update(_clocks).where(*other).values(**row))


def advance(db: Db, clock: ClockRow, to: datetime) -> bool:
    """Take what is due up to a time; False: another process has, or the schedule has changed."""
    same = (
        _clocks.c.schedule == clock.schedule,
        _clocks.c.definition == clock.definition,
        _clocks.c.dealt_with == clock.dealt_with,
    )
    return db.execute(update(_clocks).where(*same).values(dealt_with=to)).rowcount == 1


def add_firing(db: Db, schedule: str, due_at: datetime, kind: str) -> None:
    """Note a firing; the oldest of many go."""
    row = {"schedule": schedule, "due_at": due_at, "kind": kind, "fired_at": datetime.now(UTC)}
    insert_one(db, _firings, row)
    mine = select(_firings.c.id).where(_firings.c.schedule == schedule)
    last = mine.order_by(_firings.c.id.desc()).offset(_KEPT).limit(1).scalar_subquery()
    db.execute(delete(_firings).where(_firings.c.schedule == schedule, _firings.c.id <= last))


def firings(db: Db, schedule: str, *, limit: int) -> list[FiringRow]:
    """Return the last firings, the newest first."""
    mine = select(_firings).where(_firings.c.schedule == schedule)
    rows = db.execute(mine.order_by(_firings.c.id.desc()).limit(limit))
    return [as_type(FiringRow, row) for row in rows]
