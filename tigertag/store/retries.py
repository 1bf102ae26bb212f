"""Which problems are tried again, and when: by scans that start by themselves, or by a user."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, delete, or_, select, update

from tigertag.store import schema
from tigertag.store.database import Db, rows_in
from tigertag.store.problems import IS_GIVEN_UP, Place

_items = schema.items
_problems = schema.problems
_work = schema.work


@dataclass(frozen=True, slots=True)
class Retries:
    """Which problems are tried again: those whose time has come, of writing if a scan `writes`."""

    now: datetime
    writes: bool


def left_alone(
    db: Db,
    revisions: Mapping[int, str],
    fingerprints: Mapping[str, str],
    now: datetime,
    *,
    paid: Collection[str] = (),
) -> set[Place]:
    """Return the (item, engine) that a scan which started by itself does not try yet, or no more.

    Another fingerprint of the engine may do better; a paid one is not asked for that alone.
    """
    waits = or_(IS_GIVEN_UP, _problems.c.retry_at > now)
    statement = select(_problems).where(_problems.c.again, _problems.c.engine != "", waits)
    return {
        (row.item_id, row.engine)
        for row in rows_in(db, statement, _problems.c.item_id, revisions)
        if row.revision == revisions[row.item_id]
        and (row.engine in paid or row.fingerprint == fingerprints.get(row.engine))
    }


def due(retries: Retries) -> Select[tuple[int]]:
    """A query of the items that have a problem whose time has come to be tried again."""
    where = [_problems.c.again, ~IS_GIVEN_UP, _problems.c.retry_at <= retries.now]
    if not retries.writes:
        where.append(_problems.c.writing.is_(False))
    return select(_problems.c.item_id).where(*where)


def due_among(db: Db, retries: Retries, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items whose time has come."""
    return {row.item_id for row in rows_in(db, due(retries), _problems.c.item_id, item_ids)}


def wanted_now(db: Db, section_id: int, *, after: int, limit: int) -> list[int]:
    """Return the items of a section that a user wants tried again, by rising id."""
    there = (_items.c.section_id == section_id, _items.c.gone.is_(False), _items.c.id > after)
    wanted = select(_problems.c.item_id).where(_problems.c.tries == 0)
    statement = select(_items.c.id).where(*there, _items.c.id.in_(wanted))
    return list(db.scalars(statement.order_by(_items.c.id).limit(limit)))


def given_up(db: Db, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items that nothing tries again by itself, though it may pass."""
    rows = rows_in(
        db, select(_problems.c.item_id).where(IS_GIVEN_UP), _problems.c.item_id, item_ids
    )
    return {row.item_id for row in rows}


def try_again(db: Db, problem_ids: Sequence[int], now: datetime) -> None:
    """Let problems be tried at once, those too that failed for good; the count begins anew."""
    refuses = and_(
        _work.c.item_id == _problems.c.item_id,
        _work.c.engine == _problems.c.engine,
        _work.c.state == "failed",
    )
    wanted = _problems.c.id.in_(problem_ids)
    refused = select(_work.c.id).join(_problems, refuses).where(wanted)
    db.execute(delete(_work).where(_work.c.id.in_(refused)))
    db.execute(update(_problems).where(wanted).values(tries=0, retry_at=now, again=True))
    due = select(_problems.c.item_id).where(wanted)
    db.execute(update(_items).where(_items.c.id.in_(due)).values(settled=""))


def from_writing(db: Db, problem_ids: Sequence[int]) -> set[int]:
    """Return those of the problems that a scan met which writes."""
    scans = schema.scans
    wrote = select(scans.c.id).where(scans.c.write == "apply")
    is_writing = or_(_problems.c.writing, _problems.c.scan_id.in_(wrote))
    rows = rows_in(db, select(_problems.c.id).where(is_writing), _problems.c.id, problem_ids)
    return {row.id for row in rows}
