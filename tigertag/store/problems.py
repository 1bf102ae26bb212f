"""Problems of items: they last until they are solved, the item changes, or it is gone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
Place = tuple[int, str]
"""An item and an engine; "": its library."""
Ended = tuple[str, str]
"""How work ended: its state, and the reason."""
Cause = tuple[str, str]
"""An engine ("": the library), and the reason."""


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """What an engine could not do for an item, or the library ("").

    `again`: the next scan tries it again. `ignored`: the user knows of it.
    """

    id: int
    item_id: int
    engine: str
    reason: str
    again: bool
    ignored: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems: of these engines, of these sections (None: of all), those of one item.

    `since`: those that began then or later. `like`: those with this engine and reason.
    """

    engines: tuple[str, ...]
    section_ids: tuple[int, ...] | None = None
    item_id: int | None = None
    ignored: bool | None = False
    since: datetime | None = None
    like: Cause | None = None


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Problems with the same engine and reason. `problem_id`: the oldest of them."""

    problem_id: int
    engine: str
    reason: str
    items: int
    again: bool


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
    for place, (state, reason) in failures.items():
        (item_id, engine), before = place, known.get(place)
        revision = by_item[item_id].revision
        lasts = before is not None and before.revision == revision
        row = {
            "item_id": item_id,
            "engine": engine,
            "revision": revision,
            "reason": reason,
            "again": state == "retryable",
            # A write has failed, which no preview tries again.
            "writing": not engine and (writing or (lasts and known[place].writing)),
            "ignored": False,
            "scan_id": scan.id,
            "since": datetime.now(UTC),
        }
        keep = ("ignored", "since") if lasts else ()
        insert_or_replace(db, _problems, [row], key=("item_id", "engine"), keep=keep)


def _failures(work: Mapping[Place, Ended], decided: Iterable[Decision]) -> dict[Place, Ended]:
    """Return what failed: work of engines, and what the library could not do."""
    failures = {place: ended for place, ended in work.items() if ended[0] in _FAILED}
    reasons = {(item_id, reason) for (item_id, _engine), (_state, reason) in failures.items()}
    for decision in decided:
        if decision.state == "failed" and (decision.item_id, decision.reason) not in reasons:
            failures[decision.item_id, ""] = ("retryable", decision.reason)
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
    columns = (_work.c.item_id, _work.c.engine, _work.c.state, _work.c.reason)
    where = (_work.c.item_id.in_(item_ids), _work.c.state.in_(states))
    rows = db.execute(select(*columns).where(_work.c.scan_id == scan_id, *where))
    return {(item_id, engine): (state, reason) for item_id, engine, state, reason in rows}


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
    if wanted.since is not None:
        where.append(_problems.c.since >= wanted.since)
    if wanted.like is not None:
        engine, reason = wanted.like
        where += [_problems.c.engine == engine, _problems.c.reason == reason]
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


def reasons(db: Db, wanted: ProblemFilter, *, limit: int) -> list[ReasonRow]:
    """Return the problems by engine and reason, those of the most items first."""
    number = func.count(_problems.c.item_id).label("items")
    # `max` of a Boolean is none on PostgreSQL.
    again = func.max(case((_problems.c.again, 1), else_=0)).label("again")
    oldest = func.min(_problems.c.id).label("problem_id")
    cause = (_problems.c.engine, _problems.c.reason)
    statement = select(*cause, number, again, oldest).select_from(_problems).join(_items)
    statement = statement.where(*_matching(wanted)).group_by(*cause)
    rows = db.execute(statement.order_by(number.desc(), oldest).limit(limit))
    return [as_type(ReasonRow, row, again=bool(row.again)) for row in rows]


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


@dataclass(frozen=True, slots=True)
class Retry:
    """A section with problems that are tried again. `write`: as the scan that met them did."""

    library: str
    section: str
    write: str


def retry(db: Db, wanted: ProblemFilter) -> tuple[int, list[Retry]]:
    """Let the next scan try these problems again, also those given up; return how many items.

    What an apply or an undo met is previewed first: it showed no more than its own items.
    """
    scans, sections = schema.scans, schema.sections
    writes = and_(scans.c.kind == "scan", scans.c.write == "apply")
    write = case((writes, "apply"), else_="preview").label("write")
    columns = (_problems.c.id, _problems.c.item_id, _problems.c.engine)
    statement = select(*columns, sections.c.library, sections.c.key, write)
    statement = statement.select_from(_problems).join(_items).join(sections)
    statement = statement.outerjoin(scans, scans.c.id == _problems.c.scan_id)
    rows = db.execute(statement.where(*_matching(wanted))).all()
    change_in(db, update(_problems).values(again=True), _problems.c.id, [row.id for row in rows])
    item_ids = list({row.item_id: 0 for row in rows})
    for engine in {row.engine for row in rows} - {""}:
        given_up = (_work.c.engine == engine, _work.c.state == "failed")
        again = update(_work).where(*given_up).values(state="retryable")
        change_in(db, again, _work.c.item_id, item_ids)
    change_in(db, update(_items).values(settled=""), _items.c.id, item_ids)
    return len(item_ids), list({Retry(row.library, row.key, row.write): 0 for row in rows})


def cause(db: Db, problem_id: int) -> Cause:
    """Return the engine and the reason of a problem. Raises `NotFound`."""
    row = get(db, problem_id)
    return row.engine, row.reason


def ignore(db: Db, problem_ids: Iterable[int], *, ignored: bool) -> None:
    where = _problems.c.id.in_(list(problem_ids))
    db.execute(update(_problems).where(where).values(ignored=ignored))
