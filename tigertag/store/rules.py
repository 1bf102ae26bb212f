"""The user's rules, and the last settings of each engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, select

from tigertag.model import Rule, RuleAction, Thresholds
from tigertag.store import schema
from tigertag.store.database import Db
from tigertag.store.packing import pack_pairs, unpack_pairs
from tigertag.store.sql import insert_or_replace

_rules = schema.rules
_engines = schema.engines


@dataclass(frozen=True, slots=True)
class RuleRow:
    id: int
    rule: Rule


def every(db: Db) -> list[RuleRow]:
    """Return the rules by rising precedence: those for one engine, one section after others."""
    order = (_rules.c.section != "", _rules.c.engine != "", _rules.c.id)
    return [_row(row) for row in db.execute(select(_rules).order_by(*order))]


def _row(row: Row[Any]) -> RuleRow:
    rule = Rule(RuleAction(row.action), row.word, row.engine, row.value, row.section)
    return RuleRow(row.id, rule)


def add(db: Db, rule: Rule) -> int:
    """Add a rule, in the place of one that says something else of the same; return its id."""
    opposite = {RuleAction.DENY: RuleAction.ALLOW, RuleAction.ALLOW: RuleAction.DENY}
    same = (
        _rules.c.word == rule.word,
        _rules.c.engine == rule.engine,
        _rules.c.section == rule.section,
    )
    if rule.action in opposite:
        db.execute(delete(_rules).where(*same, _rules.c.action == opposite[rule.action].value))
    row = {
        "action": rule.action.value,
        "word": rule.word,
        "engine": rule.engine,
        "value": rule.value,
        "section": rule.section,
        "created_at": datetime.now(UTC),
    }
    insert_or_replace(db, _rules, [row], key=["action", "word", "engine", "section"])
    where = (*same, _rules.c.action == rule.action.value)
    return int(db.execute(select(_rules.c.id).where(*where)).scalar_one())


def remove(db: Db, rule_id: int) -> bool:
    return db.execute(delete(_rules).where(_rules.c.id == rule_id)).rowcount == 1


def clear(db: Db) -> None:
    db.execute(delete(_rules))


def remember_engines(db: Db, known: Mapping[str, tuple[str, Thresholds]]) -> None:
    """Keep each engine's fingerprint and thresholds for the time when it is gone."""
    rows = [
        {
            "id": engine,
            "fingerprint": fingerprint,
            "min_confidence": limits.min_confidence,
            "max_tags": limits.max_tags,
            "prefix": limits.prefix,
            "each": pack_pairs(limits.each),
        }
        for engine, (fingerprint, limits) in known.items()
    ]
    insert_or_replace(db, _engines, rows, key=["id"])


def remembered_fingerprints(db: Db) -> dict[str, str]:
    return {row.id: row.fingerprint for row in db.execute(select(_engines))}


def remembered_thresholds(db: Db) -> dict[str, Thresholds]:
    return {
        row.id: Thresholds(row.min_confidence, row.max_tags, row.prefix, unpack_pairs(row.each))
        for row in db.execute(select(_engines))
    }
