"""Items found by a query, in parts, and counted by tag.

A word is that of a tag, decided or in the library, or a part of an item's name. An excluded word
speaks of tags alone: what is missing from a list is not seen.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from tigertag.model import Field, TagOwnership
from tigertag.query import Bound, Query, Term
from tigertag.store import problems, schema
from tigertag.store.database import Db
from tigertag.store.items import ItemRow, of_section, with_section
from tigertag.store.problems import ProblemFilter
from tigertag.store.tags import CountRow

_items = schema.items
_tags = schema.tags
_standing = schema.standing
_decisions = schema.decisions
_IN_LIBRARY = (TagOwnership.OURS.value, TagOwnership.KEPT.value)
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

MOST_COUNTED = 10_000
"""Items beyond this are not counted."""
MOST_LOOKED_AT = 2_000
"""Words are counted on the first of the items that are found."""
MOST_WORDS = 50


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items. "" and empty: all. `after`: the id of the last item of the part before.

    `problems`: those that have such a problem. `places`: the sections that the query's terms of
    libraries and sections mean; `failed`: what its term "failed" means.
    """

    section_ids: tuple[int, ...] | None = None
    word: str = ""
    query: Query = field(default_factory=Query)
    after: int = 0
    limit: int = 60
    problems: ProblemFilter | None = None
    places: Mapping[Term, tuple[int, ...]] = field(default_factory=dict)
    failed: ProblemFilter | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many items are found; `counted`: of so many, the first, are the words."""

    items: int
    is_more: bool
    counted: int
    words: tuple[CountRow, ...]


def page(db: Db, wanted: ItemFilter) -> list[ItemRow]:
    """Return the items that are there, by rising id."""
    where = (_items.c.id > wanted.after, *_matching(wanted))
    rows = db.execute(with_section().where(*where).order_by(_items.c.id).limit(wanted.limit))
    return [of_section(row) for row in rows]


def counts(db: Db, wanted: ItemFilter) -> Counted:
    """Count the items that are found, and the words on the first of them, most items first."""
    where = _matching(wanted)
    first = select(_items.c.id).where(*where).order_by(_items.c.id).limit(MOST_COUNTED + 1)
    ids = list(db.scalars(first))
    items, looked_at = min(len(ids), MOST_COUNTED), ids[:MOST_LOOKED_AT]
    words = tuple(_words(db, looked_at))
    return Counted(items, len(ids) > MOST_COUNTED, len(looked_at), words)


def _words(db: Db, ids: list[int]) -> list[CountRow]:
    # As an expression: SQLite would read all of the library by the index of states.
    state = func.coalesce(_standing.c.state, "")
    both = union_all(
        _rows(_tags, ids, written=0),
        _rows(_standing, ids, written=1).where(state.in_(_IN_LIBRARY)),
    ).subquery()
    of_item = (both.c.item_id, both.c.field, both.c.word)
    once = select(
        *of_item, func.min(both.c.name).label("name"), func.max(both.c.written).label("written")
    )
    each = once.group_by(*of_item).subquery()
    number = func.count()
    columns = (each.c.field, each.c.word, func.min(each.c.name), number, func.sum(each.c.written))
    statement = select(*columns).group_by(each.c.field, each.c.word)
    order = (number.desc(), each.c.word, each.c.field)
    return [
        CountRow(Field(field), word, name, items, written)
        for field, word, name, items, written in db.execute(
            statement.order_by(*order).limit(MOST_WORDS)
        )
    ]


def _rows(table: Any, ids: list[int], *, written: int) -> Select[Any]:
    columns = (table.c.item_id, table.c.field, table.c.word, table.c.name)
    return select(*columns, literal(written).label("written")).where(table.c.item_id.in_(ids))


def _matching(wanted: ItemFilter) -> list[ColumnElement[bool]]:
    where = [_items.c.gone.is_(False)]
    if wanted.section_ids is not None:
        where.append(_items.c.section_id.in_(wanted.section_ids))
    if wanted.word:
        decided = select(_tags.c.item_id).where(_tags.c.word == wanted.word.casefold())
        where.append(_items.c.id.in_(decided))
    if wanted.problems is not None:
        where.append(_items.c.id.in_(problems.having(wanted.problems)))
    return where + [_condition(term, wanted) for term in wanted.query.terms]


def _condition(term: Term, wanted: ItemFilter) -> ColumnElement[bool]:
    condition = _is(term, wanted)
    return not_(condition) if term.excluded else condition


def _is(term: Term, wanted: ItemFilter) -> ColumnElement[bool]:
    match term.key:
        case "tag":
            return _items.c.id.in_(_tagged(term.value, term.bound))
        case "name":
            return _items.c.sought.contains(term.value.casefold(), autoescape=True)
        case "folder":
            return _is_in_folder(term.value)
        case "type":
            return _items.c.media == term.media.value
        case "size":
            return _is_of_size(term.bound)
        case "library" | "section":
            return _items.c.section_id.in_(wanted.places[term])
        case "untagged":
            return and_(~_has(_tags), ~_has(_standing, _standing.c.state.in_(_IN_LIBRARY)))
        case "failed":
            failed = wanted.failed or ProblemFilter(())
            return _items.c.id.in_(problems.having(failed))
        case "pending":
            return _is_pending()
    tagged = _items.c.id.in_(_tagged(term.value, None))
    if term.excluded:
        return tagged
    return or_(tagged, _items.c.sought.contains(term.value.casefold(), autoescape=True))


def _tagged(word: str, bound: Bound | None) -> Any:
    """Return the ids of the items with a tag, decided or in the library.

    A confidence is that of a decision: what is in the library has none.
    """
    decided = select(_tags.c.item_id).where(_tags.c.word == word.casefold())
    if bound is not None:
        return decided.where(_SIGNS[bound.sign](_tags.c.confidence, bound.number))
    there = (_standing.c.state.in_(_IN_LIBRARY), _standing.c.word == word.casefold())
    return union_all(decided, select(_standing.c.item_id).where(*there))


def _is_in_folder(folder: str) -> ColumnElement[bool]:
    """Whether an item's path leads through these folders; "2024/italy" also as "photos/2024/…"."""
    path = folder.casefold().replace("\\", "/").strip("/") + "/"
    within = (_items.c.sought.contains(start + path, autoescape=True) for start in ("\n", "/"))
    return or_(*within)


def _is_of_size(bound: Bound | None) -> ColumnElement[bool]:
    size = _items.c.size_bytes
    if bound is None:
        return size.is_not(None)
    return and_(size.is_not(None), _SIGNS[bound.sign](size, bound.number))


def _has(table: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(table.c.item_id == _items.c.id, *where)


def _is_pending() -> ColumnElement[bool]:
    """Whether the newest decision for an item asks for an edit that only a preview has shown."""
    scans, newer = schema.scans, _decisions.alias()
    is_newest = ~exists().where(
        newer.c.item_id == _decisions.c.item_id, newer.c.scan_id > _decisions.c.scan_id
    )
    return exists().where(
        _decisions.c.item_id == _items.c.id,
        _decisions.c.state == "done",
        _decisions.c.add_count + _decisions.c.remove_count > 0,
        scans.c.id == _decisions.c.scan_id,
        scans.c.kind == "scan",
        scans.c.write == "preview",
        is_newest,
    )
