"""Problems of items: they last until they are solved, the item changes, or it is gone.

What may pass is tried again, by scans that start by themselves with growing gaps, and at last given
up. What a user starts tries it at once, and the count begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, select, update

from tigertag.errors import NotFound
from tigertag.store import schema
from tigertag.store.database import Db, as_type, change_in, insert_or_replace, rows_in
from tigertag.store.decisions import Decision
from tigertag.store.scans import ScanRow

_items = schema.items
_problems = schema.problems
_work = schema.work

_FAILED = ("failed", "retryable")
_ANSWERED = ("done", "spared")
_HOUR = timedelta(hours=1)
GAPS = (_HOUR / 4, _HOUR, 6 * _HOUR, 24 * _HOUR, 48 * _HOUR, 96 * _HOUR, 168 * _HOUR)
"""How long what has failed is left alone: after the first try, the second, and so on."""
MOST_TRIES = len(GAPS) + 1
"""After so many it is given up."""
IS_GIVEN_UP = and_(_problems.c.again, _problems.c.tries >= MOST_TRIES)
Place = tuple[int, str]
"""An item and an engine; "": its library."""
Ended = tuple[str, str, str]
"""How work ended: its state, the reason, and the engine's fingerprint."""


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """What an engine could not do for an item, or the library ("").

    `again`: it may pass, so that it is tried again. `ignored`: the user knows of it. `tries`: how
    often it failed; 0 once a user wants it tried. `retry_at`: a scan that starts by itself leaves
    it alone before.
    """

    id: int
    item_id: int
    engine: str
    reason: str
    again: bool
    ignored: bool
    since: datetime
    tries: int = 1
    retry_at: datetime | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether nothing tries it again by itself, though it may pass."""
        return self.again and self.tries >= MOST_TRIES


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems: of these engines, of these sections (None: of all), those of one item.

    `engine`, `reason`: of this engine ("": of the library), for this reason; None: of all.
    `since`: those that began then or later.
    """

    engines: tuple[str, ...]
    section_ids: tuple[int, ...] | None = None
    item_id: int | None = None
    ignored: bool | None = False
    engine: str | None = None
    reason: str | None = None
    ids: tuple[int, ...] | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many problems have the same reason, and how many of those were given up.

    `problem_id`: the oldest of them.
    """

    problem_id: int
    engine: str
    reason: str
    number: int
    given_up: int


def note(db: Db, scan: ScanRow, decided: Sequence[Decision], *, writing: bool = False) -> None:
    """Take down what was decided of items: problems that began, that last, and that have ended.

    `writing`: the items were written to. A problem in writing ends with a scan that writes alone.
    """
    by_item = {decision.item_id: decision for decision in decided}
    problems = rows_in(db, select(_problems), _problems.c.item_id, by_item)
    known = {(row.item_id, row.engine): row for row in problems}
    if not known and all(item.state == "done" and not item.reason for item in decided):
        # The usual case: what an engine failed at would have made the decision fail.
        return
    work = _work_of(db, scan.id, list(by_item), with_answers=bool(known))
    failures = _failures(work, decided)
    ended = [
        row.id
        for place, row in known.items()
        if place not in failures and _has_ended(row, by_item[place[0]], scan, place in work)
    ]
    change_in(db, delete(_problems), _problems.c.id, ended)
    for place, failure in failures.items():
        before, revision = known.get(place), by_item[place[0]].revision
        lasts = before if before is not None and before.revision == revision else None
        row = _row(place, failure, scan, lasts, writing=writing) | {"revision": revision}
        keep = () if lasts is None else ("ignored", "since")
        insert_or_replace(db, _problems, [row], key=("item_id", "engine"), keep=keep)


def _row(
    place: Place, failure: Ended, scan: ScanRow, lasts: Row[Any] | None, *, writing: bool
) -> dict[str, Any]:
    """The row of a problem. `lasts`: that of the same one, which an earlier scan met."""
    (item_id, engine), (state, reason, fingerprint) = place, failure
    now = datetime.now(UTC)
    # It has failed before, and nothing that may help has happened since.
    counts_on = lasts if lasts is not None and lasts.fingerprint == fingerprint else None
    row = {
        "item_id": item_id,
        "engine": engine,
        "reason": reason,
        "again": state == "retryable",
        # A write has failed, which no preview tries again.
        "writing": not engine and (writing or (lasts is not None and lasts.writing)),
        "ignored": False,
        "scan_id": scan.id,
        "since": now,
        "fingerprint": fingerprint,
    } | _tried(counts_on if scan.is_unattended else None, now)
    return row | {"retry_at": None} if state == "failed" else row


def _tried(before: Row[Any] | None, now: datetime) -> dict[str, Any]:
    """Count a try. One that came before its time, beside another's, does not count."""
    if before is not None and before.retry_at is not None and before.retry_at > now:
        return {"tries": before.tries, "retry_at": before.retry_at}
    tries = 1 if before is None else min(before.tries + 1, MOST_TRIES)
    return {"tries": tries, "retry_at": now + GAPS[tries - 1] if tries < MOST_TRIES else None}


def _failures(work: Mapping[Place, Ended], decided: Iterable[Decision]) -> dict[Place, Ended]:
    """Return what failed: work of engines, and what the library could not do."""
    failures = {place: ended for place, ended in work.items() if ended[0] in _FAILED}
    reasons = {(item_id, ended[1]) for (item_id, _engine), ended in failures.items()}
    for decision in decided:
        if decision.state == "failed" and (decision.item_id, decision.reason) not in reasons:
            failures[decision.item_id, ""] = ("retryable", decision.reason, "")
    return failures


def _has_ended(row: Row[Any], decision: Decision, scan: ScanRow, answered: bool) -> bool:
    left_alone = decision.state == "done" and bool(decision.reason)
    if left_alone or row.revision != decision.revision:
        return True
    if row.engine:
        return answered
    return not row.writing or (decision.state == "done" and scan.write == "apply")


def _work_of(
    db: Db, scan_id: int, item_ids: Sequence[int], *, with_answers: bool
) -> dict[Place, Ended]:
    states = (*_FAILED, *_ANSWERED) if with_answers else _FAILED
    names = ("item_id", "engine", "state", "reason", "fingerprint")
    where = (_work.c.item_id.in_(item_ids), _work.c.state.in_(states))
    rows = db.execute(
        select(*[_work.c[name] for name in names]).where(_work.c.scan_id == scan_id, *where)
    )
    return {(item_id, engine): tuple(ended) for item_id, engine, *ended in rows}


def _matching(wanted: ProblemFilter) -> list[ColumnElement[bool]]:
    """Whether a problem, joined with its item, is one of those that are wanted."""
    where = [
        _items.c.gone.is_(False),
        _problems.c.revision == _items.c.revision,
        _problems.c.engine.in_(("", *wanted.engines)),
    ]
    if wanted.section_ids is not None:
        where.append(_items.c.section_id.in_(wanted.section_ids))
    if wanted.item_id is not None:
        where.append(_items.c.id == wanted.item_id)
    if wanted.ignored is not None:
        where.append(_problems.c.ignored.is_(wanted.ignored))
    if wanted.engine is not None:
        where.append(_problems.c.engine == wanted.engine)
    if wanted.reason is not None:
        where.append(_problems.c.reason == wanted.reason)
    if wanted.ids is not None:
        where.append(_problems.c.id.in_(wanted.ids))
    if wanted.since is not None:
        where.append(_problems.c.since >= wanted.since)
    return where


def page(db: Db, wanted: ProblemFilter, *, after: int = 0, limit: int = 60) -> list[ProblemRow]:
    """Return problems by rising id, from `after` on."""
    statement = select(_problems).join(_items).where(*_matching(wanted), _problems.c.id > after)
    return [
        as_type(ProblemRow, row)
        for row in db.execute(statement.order_by(_problems.c.id).limit(limit))
    ]


def having(wanted: ProblemFilter) -> Any:
    """A query of the ids of the items that have such problems."""
    return select(_problems.c.item_id).join(_items).where(*_matching(wanted))


def counts(db: Db, wanted: ProblemFilter) -> dict[int, int]:
    """Return how many items of each section have problems, by the section's id."""
    number = func.count(_problems.c.item_id.distinct())
    statement = select(_items.c.section_id, number).select_from(_problems).join(_items)
    rows = db.execute(statement.where(*_matching(wanted)).group_by(_items.c.section_id))
    return {row[0]: row[1] for row in rows}


def count(db: Db, wanted: ProblemFilter) -> int:
    """Return how many items have such problems."""
    number = func.count(_problems.c.item_id.distinct())
    where = _matching(wanted)
    return db.execute(select(number).select_from(_problems).join(_items).where(*where)).scalar_one()


def get(db: Db, problem_id: int) -> ProblemRow:
    """Return a problem. Raises `NotFound`."""
    row = db.execute(select(_problems).where(_problems.c.id == problem_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no problem {problem_id}; it may have been solved.")
    return as_type(ProblemRow, row)


def ignore(db: Db, problem_ids: Iterable[int], *, ignored: bool) -> None:
    where = _problems.c.id.in_(list(problem_ids))
    db.execute(update(_problems).where(where).values(ignored=ignored))


def by_reason(db: Db, wanted: ProblemFilter, *, limit: int) -> list[ReasonCount]:
    """Return how many problems have the same engine and reason, the most first."""
    number = func.count()
    columns = (
        func.min(_problems.c.id),
        _problems.c.engine,
        _problems.c.reason,
        number,
        func.sum(case((IS_GIVEN_UP, 1), else_=0)),
    )
    grouped = select(*columns).select_from(_problems).join(_items).where(*_matching(wanted))
    grouped = grouped.group_by(_problems.c.engine, _problems.c.reason)
    rows = db.execute(grouped.order_by(number.desc(), _problems.c.engine).limit(limit))
    return [ReasonCount(*row) for row in rows]
