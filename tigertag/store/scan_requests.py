"""Scans that are wanted, and start once it is time and their section is free.

Times are seconds since the epoch, by the database's clock.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import case, delete, select, update

from tigertag import bounds
from tigertag.store import schema
from tigertag.store.database import Db, as_type, insert_if_absent, now, now_s

_requests = schema.scan_requests
_LONGEST_REASON = 256
MOST_S = 600.0
"""News that does not end is scanned after so long."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scan that is wanted. `section` "": every section; `engines` (): all that can be used."""

    library: str
    section: str = ""
    mode: str = "new"
    write: str = "preview"
    engines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanRequestRow:
    """A wanted scan that has not started. `problem`: why it could not start yet, else ""."""

    id: int
    wanted: Wanted
    reason: str
    not_before: float
    latest: float
    problem: str
    created_at: datetime


def want(db: Db, wanted: Wanted, *, reason: str, quiet_s: float = 0.0, most_s: float = 0.0) -> None:
    """Ask for a scan once `quiet_s` have gone by without another such call, `most_s` at the latest.

    It becomes one with an equal one that waits, at the earlier time of the two.
    """
    at = now(db)
    key = asdict(wanted) | {"engines": ",".join(wanted.engines)}
    latest = at + max(quiet_s, most_s)
    row = {"reason": reason[:_LONGEST_REASON], "not_before": at + quiet_s, "latest": latest}
    same = [_requests.c[name] == value for name, value in key.items()]
    before = None
    while before is None:
        insert_if_absent(db, _requests, [key | row | {"created_at": datetime.now(UTC)}])
        # An equal one may be taken by a process that starts it at this moment.
        waits = select(_requests.c.reason).where(*same).with_for_update()
        before = db.execute(waits).scalar_one_or_none()
    earliest = case((_requests.c.latest < latest, _requests.c.latest), else_=latest)
    not_before = case((earliest < at + quiet_s, earliest), else_=at + quiet_s)
    reasons = before if _names(before, reason) else f"{before}, {reason}"
    db.execute(
        update(_requests)
        .where(*same)
        .values(
            latest=earliest,
            not_before=not_before,
            reason=bounds.cut(reasons, _LONGEST_REASON),
        )
    )


def is_wanted(db: Db, wanted: Wanted, *, reason: str, quiet_s: float) -> bool:
    """Whether `want` was called with this within a moment: another call need not be written."""
    rows = [row for row in waiting(db) if row.wanted == wanted]
    moment_s = min(1.0, quiet_s / 10)
    earliest = now(db) + quiet_s - moment_s
    return any(
        row.not_before >= min(earliest, row.latest) and _names(row.reason, reason) for row in rows
    )


def _names(reasons: str, reason: str) -> bool:
    """Whether a reason is among them, or they are so many that it cannot be added."""
    return f", {reason}, " in f", {reasons}, " or len(reasons) == _LONGEST_REASON


def waiting(db: Db, *, due: bool = False) -> list[ScanRequestRow]:
    """Return what waits, the oldest first; `due`: only what may start now."""
    statement = select(_requests).order_by(_requests.c.id)
    if due:
        statement = statement.where(_requests.c.not_before <= now_s())
    return [
        as_type(
            ScanRequestRow,
            row,
            wanted=Wanted(
                row.library,
                row.section,
                row.mode,
                row.write,
                tuple(row.engines.split(",")) if row.engines else (),
            ),
        )
        for row in db.execute(statement)
    ]


def take(db: Db, request_id: int) -> bool:
    """Delete a request, in the transaction that starts its scan; False: another process has."""
    return db.execute(delete(_requests).where(_requests.c.id == request_id)).rowcount == 1


def put_off(db: Db, request_id: int, problem: str, *, again_in_s: float) -> None:
    """Note why a request cannot start yet, and when that is looked at again."""
    values = {"problem": problem, "not_before": now_s() + again_in_s}
    db.execute(update(_requests).where(_requests.c.id == request_id).values(**values))
