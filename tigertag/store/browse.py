"""Items and what is known of them, as the interfaces show them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from sqlalchemy import exists, func, select

from tigertag.errors import NotFound
from tigertag.model import Answer, Field, Section, Tag
from tigertag.store import items, schema
from tigertag.store.answers import answer_of
from tigertag.store.database import Db, as_type, rows_in
from tigertag.store.decisions import ANSWERED, Decision, decision_of
from tigertag.store.items import ItemRow
from tigertag.store.ledger import EditRow, edits_where
from tigertag.store.packing import unpack_tags

_items = schema.items
_sections = schema.sections
_decisions = schema.decisions
_work = schema.work
_MOST_EDITS = 50
_DRAWS = 2
"""Ids drawn for each item wanted: some are of items that are gone."""


@dataclass(frozen=True, slots=True)
class AnswerOfItem:
    """An answer of an engine, and the revision of the item that it speaks of."""

    answer: Answer
    revision: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class OwnershipOfTag:
    field: Field
    name: str
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SectionCount:
    """A section that is known, how many items it has, and whether its first write has passed."""

    id: int
    section: Section
    items: int
    canary_passed: bool


def item(db: Db, item_id: int) -> ItemRow:
    """Return the item, gone or not. Raises `NotFound`."""
    rows = items.get(db, [item_id])
    if not rows:
        raise NotFound(f"There is no item {item_id}.")
    return rows[0]


def newest_items(db: Db, *, limit: int) -> list[int]:
    statement = select(_items.c.id).where(_items.c.gone.is_(False)).order_by(_items.c.id.desc())
    return list(db.scalars(statement.limit(limit)))


def random_items(db: Db, *, limit: int, random: Random) -> list[int]:
    """Return ids of items that are not gone; of many, some drawn at random, by their keys alone."""
    highest = db.execute(select(func.max(_items.c.id))).scalar_one() or 0
    present = select(_items.c.id).where(_items.c.gone.is_(False))
    if highest <= _DRAWS * limit:
        found = list(db.scalars(present))
    else:
        drawn = random.sample(range(1, highest + 1), _DRAWS * limit)
        found = [row.id for row in rows_in(db, present, _items.c.id, drawn)]
    return random.sample(found, min(limit, len(found)))


def answers_of(db: Db, item_id: int) -> list[AnswerOfItem]:
    """Return all that engines ever said of an item, the newest first."""
    answers = schema.answers
    rows = db.execute(
        select(answers).where(answers.c.item_id == item_id).order_by(answers.c.id.desc())
    )
    return [AnswerOfItem(answer_of(row), row.revision, row.answered_at) for row in rows]


def frames_of(db: Db, item_id: int, revision: str) -> set[float]:
    """Return the times of the frames of a video that engines looked at one by one."""
    answers = schema.answers
    where = (answers.c.item_id == item_id, answers.c.revision == revision, answers.c.frames != "")
    packed = db.scalars(select(answers.c.frames).where(*where))
    return {at_s for frames in packed for at_s in json.loads(frames)}


def decided_tags(db: Db, item_id: int) -> tuple[Tag, ...]:
    """Return the tags, with their why, that the newest scan decided for an item."""
    scans = schema.scans
    statement = (
        select(_decisions.c.tags)
        .join(scans)
        .where(_decisions.c.item_id == item_id, _decisions.c.state != "todo")
        .where(scans.c.kind == "scan")
        .order_by(_decisions.c.scan_id.desc())
    )
    packed = db.scalar(statement.limit(1))
    return unpack_tags(packed) if packed else ()


def edits_of(db: Db, item_id: int) -> list[EditRow]:
    """Return the newest edits of an item, the newest first."""
    return edits_where(db, schema.edits.c.item_id == item_id)[::-1][:_MOST_EDITS]


def ownership_of(db: Db, item_id: int) -> list[OwnershipOfTag]:
    standing = schema.standing
    statement = select(standing).where(standing.c.item_id == item_id).order_by(standing.c.word)
    return [as_type(OwnershipOfTag, row, field=Field(row.field)) for row in db.execute(statement)]


def changes(
    db: Db, scan_id: int, *, after: int, limit: int, failed: bool
) -> list[tuple[ItemRow, Decision]]:
    """Return the items that a scan would change or has changed, or those that failed."""
    where = [_decisions.c.scan_id == scan_id, _decisions.c.item_id > after]
    if failed:
        where.append(_decisions.c.state == "failed")
    else:
        where.append(_decisions.c.add_count + _decisions.c.remove_count > 0)
    statement = select(_decisions).where(*where).order_by(_decisions.c.item_id).limit(limit)
    rows = db.execute(statement).all()
    items_of = items.by_id(db, [row.item_id for row in rows])
    return [(items_of[row.item_id], decision_of(row)) for row in rows]


def given_up(db: Db, scan_id: int, item_ids: Sequence[int] | None = None) -> set[int]:
    """Return those of a scan's items, or of some, that failed for good (`decisions.refused`)."""
    of_item = (_work.c.scan_id == scan_id, _work.c.item_id == _decisions.c.item_id)
    because = exists().where(
        *of_item, _work.c.state == "failed", _work.c.reason == _decisions.c.reason
    )
    to_come = exists().where(*of_item, _work.c.state.notin_((*ANSWERED, "failed")))
    where = [_decisions.c.scan_id == scan_id, _decisions.c.state == "failed", because, ~to_come]
    if item_ids is not None:
        where.append(_decisions.c.item_id.in_(item_ids))
    return set(db.scalars(select(_decisions.c.item_id).where(*where)))


def refusals(db: Db, item_id: int, revision: str) -> dict[str, str]:
    """Return, by engine, why the item as it is now failed for good when it was asked last."""
    where = (_work.c.item_id == item_id, _work.c.revision == revision)
    columns = (_work.c.engine, _work.c.state, _work.c.reason)
    rows = db.execute(select(*columns).where(*where).order_by(_work.c.id))
    last = {engine: (state, reason) for engine, state, reason in rows}
    return {engine: reason for engine, (state, reason) in last.items() if state == "failed"}


def section_counts(db: Db) -> list[SectionCount]:
    """Return every section that was ever scanned, with the number of its items."""
    count = func.count(_items.c.id)
    there = (_items.c.section_id == _sections.c.id) & _items.c.gone.is_(False)
    statement = select(_sections, count).outerjoin(_items, there).group_by(_sections.c.id)
    return [
        SectionCount(
            row.id, Section(row.library, row.key, row.title), row[-1], row.canary == "passed"
        )
        for row in db.execute(statement.order_by(_sections.c.id))
    ]


def newest_scans(db: Db) -> dict[int, tuple[int | None, int | None]]:
    """Return, by section, the newest scan that is no forecast, and the active one."""
    scans = schema.scans
    statement = select(scans.c.section_id, func.max(scans.c.id)).where(scans.c.forecast == "")
    statement = statement.group_by(scans.c.section_id)
    newest = {row[0]: row[1] for row in db.execute(statement)}
    where = scans.c.state.in_(schema.ACTIVE)
    active = {row.section_id: row.id for row in db.execute(select(scans).where(where))}
    return {section: (newest.get(section), active.get(section)) for section in newest | active}
