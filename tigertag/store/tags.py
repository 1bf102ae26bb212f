"""The tags that the newest scans decided, found by their words; and the user's rules for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, true, update

from tigertag.model import Field, Rule, RuleAction, Tag, TagOwnership
from tigertag.store import schema
from tigertag.store.database import Db, as_type, change_in, insert_or_replace, rows_in

_tags = schema.tags
_items = schema.items
_standing = schema.standing
_rules = schema.rules
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class TagRow:
    item_id: int
    field: Field
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class CountRow:
    """A word, the items for which it is decided, and on how many of them it stands as ours."""

    field: Field
    word: str
    name: str
    items: int
    written: int


def put(db: Db, decided: Mapping[int, Iterable[Tag]]) -> None:
    """Keep what was decided for items, in the place of what was."""
    change_in(db, delete(_tags), _tags.c.item_id, decided)
    rows = [_values(item_id, tag) for item_id, tags in decided.items() for tag in tags]
    if rows:
        db.execute(_tags.insert(), rows)


def _values(item_id: int, tag: Tag) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "field": tag.field.value,
        "word": tag.name.casefold()[:_LONGEST],
        "name": tag.name[:_LONGEST],
        "confidence": tag.confidence,
    }


def of_items(db: Db, item_ids: Sequence[int]) -> dict[int, list[TagRow]]:
    """Return the tags of each of the items, surest first."""
    ordered = select(_tags).order_by(_tags.c.confidence.desc(), _tags.c.name)
    of_item: dict[int, list[TagRow]] = {item_id: [] for item_id in item_ids}
    for row in rows_in(db, ordered, _tags.c.item_id, item_ids):
        of_item[row.item_id].append(as_type(TagRow, row, field=Field(row.field)))
    return of_item


EVERY_WORD = "*"


def items_count(db: Db, word: str) -> int:
    """Return for how many items a word is decided, or any word at all."""
    distinct = func.count(_tags.c.item_id.distinct())
    return db.execute(select(distinct).where(_is(word))).scalar_one()


def _is(word: str) -> ColumnElement[bool]:
    return true() if word == EVERY_WORD else _tags.c.word == word.casefold()


def items_with(db: Db, word: str, *, limit: int) -> list[int]:
    """Return some of the items for which a word is decided, or any word at all."""
    statement = select(_tags.c.item_id).where(_is(word)).distinct()
    return list(db.scalars(statement.order_by(_tags.c.item_id).limit(limit)))


def counted(db: Db, section_ids: Sequence[int] | None = None) -> list[CountRow]:
    """Count the words of all sections, or of some; most items first."""
    columns = (_tags.c.field, _tags.c.word, func.min(_tags.c.name), func.count())
    statement = select(*columns).group_by(_tags.c.field, _tags.c.word)
    if section_ids is not None:
        statement = statement.join(_items).where(_items.c.section_id.in_(section_ids))
    written = _written(db, section_ids)
    rows = [
        CountRow(Field(field), word, name, count, written.get((field, word), 0))
        for field, word, name, count in db.execute(statement)
    ]
    return sorted(rows, key=lambda row: (-row.items, row.word, row.field))


def _written(db: Db, section_ids: Sequence[int] | None) -> dict[tuple[str, str], int]:
    columns = (_standing.c.field, _standing.c.word, func.count())
    ours = [TagOwnership.OURS.value, TagOwnership.KEPT.value]
    statement = select(*columns).where(_standing.c.state.in_(ours))
    if section_ids is not None:
        joined = _items.c.id == _standing.c.item_id
        statement = statement.join(_items, joined).where(_items.c.section_id.in_(section_ids))
    rows = db.execute(statement.group_by(_standing.c.field, _standing.c.word))
    return {(field, word): count for field, word, count in rows}


@dataclass(frozen=True, slots=True)
class RuleRow:
    id: int
    rule: Rule


def rules(db: Db) -> list[RuleRow]:
    """Return the rules by rising precedence: those for one engine, one section after others."""
    order = (_rules.c.section != "", _rules.c.engine != "", _rules.c.id)
    return [_rule(row) for row in db.execute(select(_rules).order_by(*order))]


def _rule(row: Row[Any]) -> RuleRow:
    rule = Rule(RuleAction(row.action), row.word, row.engine, row.value, row.section)
    return RuleRow(row.id, rule)


def add_rule(db: Db, rule: Rule) -> int:
    """Add a rule, in the place of one that says something else of the same; return its id."""
    opposite = {RuleAction.DENY: RuleAction.ALLOW, RuleAction.ALLOW: RuleAction.DENY}
    same = [_rules.c[name] == getattr(rule, name) for name in ("word", "engine", "section")]
    if rule.action in opposite:
        db.execute(delete(_rules).where(*same, _rules.c.action == opposite[rule.action].value))
    row = asdict(rule) | {"action": rule.action.value, "created_at": datetime.now(UTC)}
    insert_or_replace(db, _rules, [row], key=["action", "word", "engine", "section"])
    where = (*same, _rules.c.action == rule.action.value)
    return int(db.execute(select(_rules.c.id).where(*where)).scalar_one())


def change_rule(db: Db, rule_id: int, rule: Rule) -> bool:
    """Put another scope and value into a rule; return whether it is there."""
    changed = {name: getattr(rule, name) for name in ("engine", "section", "value")}
    return db.execute(update(_rules).where(_rules.c.id == rule_id).values(changed)).rowcount == 1


def remove_rule(db: Db, rule_id: int) -> bool:
    return db.execute(delete(_rules).where(_rules.c.id == rule_id)).rowcount == 1


def clear_rules(db: Db) -> None:
    db.execute(delete(_rules))
