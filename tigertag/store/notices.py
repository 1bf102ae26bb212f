"""Conditions that users are told of, and the outbox of notices.

A condition and the notices about it change in one transaction. A notice is claimed before it is
sent: *waiting* → *sending* → *sent*, back to *waiting*, or *dropped*. A claim whose process died
runs out, and the notice is sent again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, text, update

from tigertag.model import NoticeKind
from tigertag.store import schema
from tigertag.store.database import Db, any_where, as_type, change_in, insert_if_absent, now_s

DIGEST = "daily-summary"
TEST = "test"

_IS_NEWS = text("NOT announced")
"""As the index of scans says it: only then SQLite uses it."""

_conditions = schema.conditions
_notices = schema.notices


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """Something that is wrong now. `announced_at`: None while it may still pass by itself."""

    id: int
    kind: NoticeKind
    subject: str
    title: str
    detail: str
    since: datetime
    seen_at: datetime
    announced_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice for one channel. `problem`: why the last attempt to send it failed, else ""."""

    id: int
    channel: str
    kind: str
    level: str
    title: str
    body: str
    state: str
    attempts: int
    next_try: datetime
    problem: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to be sent. `once`: a channel gets only one notice of this name; None: any."""

    channel: str
    kind: str
    level: str
    title: str
    body: str
    once: str | None = None


def conditions(db: Db, kinds: Collection[NoticeKind] = tuple(NoticeKind)) -> list[ConditionRow]:
    """Return what is wrong, the oldest first."""
    columns = [_conditions.c[name] for name in ConditionRow.__slots__]
    statement = select(*columns).where(_conditions.c.kind.in_(kinds)).order_by(_conditions.c.id)
    return [ConditionRow(row.id, NoticeKind(row.kind), *row[2:]) for row in db.execute(statement)]


def begin(
    db: Db, kind: NoticeKind, subject: str, *, title: str, detail: str, now: datetime
) -> None:
    """Note a condition; one that is known keeps the time at which it began."""
    row = {"kind": kind, "subject": subject, "title": title, "detail": detail}
    insert_if_absent(db, _conditions, [row | {"since": now, "seen_at": now}])


def see(db: Db, ids: Collection[int], now: datetime) -> None:
    """Note that conditions still hold."""
    change_in(db, update(_conditions).values(seen_at=now), _conditions.c.id, ids)


def announce(db: Db, condition_id: int, *, title: str, detail: str, now: datetime) -> bool:
    """Mark the beginning of a condition as announced; False when it was before, or has ended."""
    new = (_conditions.c.id == condition_id, _conditions.c.announced_at.is_(None))
    values = {"announced_at": now, "title": title, "detail": detail}
    return db.execute(update(_conditions).where(*new).values(**values)).rowcount == 1


def end(db: Db, condition_id: int) -> bool:
    """End a condition; False when somebody else has."""
    return db.execute(delete(_conditions).where(_conditions.c.id == condition_id)).rowcount == 1


@dataclass(frozen=True, slots=True)
class EndedScan:
    """A scan that ended, and the section that it was of."""

    id: int
    library: str
    section: str
    title: str
    state: str
    error: str
    forecast: str

    @property
    def path(self) -> str:
        return f"{self.library}/{self.section}"

    @property
    def section_name(self) -> str:
        return f"{self.library}/{self.title or self.section}"


_ENDED: Select[Any] = select(
    *(schema.scans.c[name] for name in ("id", "state", "error", "forecast")),
    schema.sections.c.library,
    schema.sections.c.key.label("section"),
    schema.sections.c.title,
).join(schema.sections)


def failing_sections(db: Db) -> list[EndedScan]:
    """Return the newest scan of each section in which that one failed."""
    scans = schema.scans
    ended = (scans.c.state.in_(("done", "failed")), scans.c.forecast == "")
    newest = select(func.max(scans.c.id)).where(*ended).group_by(scans.c.section_id)
    where = (scans.c.id.in_(newest), scans.c.state == "failed")
    return [as_type(EndedScan, row) for row in db.execute(_ENDED.where(*where))]


def unannounced_scans(db: Db, *, limit: int) -> list[EndedScan]:
    """Return scans that have ended and are news, the oldest first."""
    scans = schema.scans
    where = (_IS_NEWS, scans.c.state.in_(schema.FINAL))
    rows = db.execute(_ENDED.where(*where).order_by(scans.c.id).limit(limit))
    return [as_type(EndedScan, row) for row in rows]


def announce_scan(db: Db, scan_id: int) -> bool:
    """Mark the end of a scan as announced; False when it was before."""
    new = (schema.scans.c.id == scan_id, _IS_NEWS)
    return db.execute(update(schema.scans).where(*new).values(announced=True)).rowcount == 1


def queue(db: Db, new: Iterable[NewNotice], now: datetime) -> None:
    """Put notices into the outbox; one that its channel gets only once is not queued again."""
    for notice in new:
        row = {name: getattr(notice, name) for name in NewNotice.__slots__}
        insert_if_absent(db, _notices, [row | {"created_at": now, "next_try": now}])


def note_test(db: Db, channel: str, *, title: str, problem: str, now: datetime) -> None:
    """Keep the result of a test in the list of notices."""
    row = {"channel": channel, "kind": TEST, "level": "info", "title": title, "body": ""}
    ended = {"state": "dropped" if problem else "sent", "problem": problem, "ended_at": now}
    times = {"attempts": 1, "created_at": now, "next_try": now}
    db.execute(_notices.insert().values(**row, **ended, **times))


def channels_due(db: Db, now: datetime) -> list[str]:
    """Return the channels whose oldest unsent notice is due: a look that writes nothing.

    The others wait behind it, so that an end is never told before its beginning, and a channel that
    cannot be reached is tried once for all of them.
    """
    unsent = _notices.c.state.in_(("waiting", "sending"))
    oldest = select(func.min(_notices.c.id)).where(unsent).group_by(_notices.c.channel)
    waits = and_(_notices.c.state == "waiting", _notices.c.next_try <= now)
    due = or_(waits, _is_left_behind())
    return list(db.scalars(select(_notices.c.channel).where(_notices.c.id.in_(oldest), due)))


def _is_left_behind() -> ColumnElement[bool]:
    """Whether the process that claimed it has died, or was away for too long."""
    return and_(_notices.c.state == "sending", _notices.c.lease_until < now_s())


def claim(db: Db, channel: str, *, owner: str, lease_s: float, limit: int) -> list[NoticeRow]:
    """Take the oldest unsent notices of a channel, but those that somebody is sending."""
    free = or_(_notices.c.state == "waiting", _is_left_behind())
    where = (_notices.c.channel == channel, free)
    oldest = select(_notices.c.id).where(*where).order_by(_notices.c.id).limit(limit)
    values = {
        "state": "sending",
        "owner": owner,
        "lease_until": now_s() + lease_s,
        "attempts": _notices.c.attempts + 1,
    }
    db.execute(update(_notices).where(_notices.c.id.in_(oldest), free).values(**values))
    mine = select(_notices).where(_owned(owner)).order_by(_notices.c.id)
    return [as_type(NoticeRow, row) for row in db.execute(mine)]


def _owned(owner: str) -> ColumnElement[bool]:
    return and_(_notices.c.owner == owner, _notices.c.state == "sending")


def settle(db: Db, *, owner: str, now: datetime) -> None:
    """What was claimed has been sent."""
    values = {"state": "sent", "problem": "", "ended_at": now}
    db.execute(update(_notices).where(_owned(owner)).values(**values))


def put_back(db: Db, *, owner: str, problem: str, next_try: datetime) -> None:
    """What was claimed could not be sent; it is tried again later."""
    values = {"state": "waiting", "problem": problem, "next_try": next_try}
    db.execute(update(_notices).where(_owned(owner)).values(**values))


def drop_old(db: Db, channel: str, *, before: datetime, now: datetime, problem: str) -> int:
    """Drop what has waited for a channel since before a time; return how many notices."""
    where = (_notices.c.channel == channel, _notices.c.state == "waiting")
    old = update(_notices).where(*where, _notices.c.created_at < before)
    values = {"state": "dropped", "ended_at": now, "problem": problem}
    return db.execute(old.values(**values)).rowcount


def has_older(db: Db, channel: str, before: datetime) -> bool:
    """Whether `drop_old` has something to drop."""
    where = (_notices.c.channel == channel, _notices.c.state == "waiting")
    return any_where(db, *where, _notices.c.created_at < before)


def forget_old(db: Db, *, before: datetime) -> None:
    """Delete notices that were sent or dropped before a time."""
    db.execute(delete(_notices).where(_notices.c.ended_at < before))


def newest(db: Db, *, limit: int) -> list[NoticeRow]:
    """Return notices, the newest first."""
    rows = db.execute(select(_notices).order_by(_notices.c.id.desc()).limit(limit))
    return [as_type(NoticeRow, row) for row in rows]


def last_of(db: Db, channel: str) -> NoticeRow | None:
    """Return the notice of a channel that was tried last; None: none was."""
    tried = (_notices.c.channel == channel, _notices.c.attempts > 0)
    row = db.execute(select(_notices).where(*tried).order_by(_notices.c.id.desc()).limit(1)).first()
    return None if row is None else as_type(NoticeRow, row)


def waiting(db: Db) -> dict[str, int]:
    """Return how many notices wait, by channel."""
    unsent = _notices.c.state.in_(("waiting", "sending"))
    counted = select(_notices.c.channel, func.count()).where(unsent).group_by(_notices.c.channel)
    return {channel: int(number) for channel, number in db.execute(counted)}


def was_queued(db: Db, channel: str, once: str) -> bool:
    """Whether a channel has had the notice that it gets only once."""
    return any_where(db, _notices.c.channel == channel, _notices.c.once == once)


def last_digest(db: Db, channel: str) -> datetime | None:
    """Return when the last summary of a channel was queued."""
    where = (_notices.c.channel == channel, _notices.c.kind == DIGEST)
    newest = select(_notices.c.created_at).where(*where).order_by(_notices.c.id.desc()).limit(1)
    return db.scalar(newest)
