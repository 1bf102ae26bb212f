"""What the user said of tags on items: his word beats engines and rules.

A verdict whose tag the user took off, or an undo held off or put back, after that is not in force:
the last word counts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import case, delete, func, select, update

from tigertag.model import Field, TagOwnership, TagRef, Verdict
from tigertag.sequences import grouped
from tigertag.store import schema
from tigertag.store.database import Db, as_type, change_in, insert_or_replace, rows_in

_verdicts = schema.verdicts
_items = schema.items
_standing = schema.standing
_OVER = {
    "yes": (TagOwnership.TOMBSTONE, TagOwnership.HELD),
    "no": (TagOwnership.KEPT,),
}
"""How a tag stands after an act that is over an earlier verdict."""

Source = Literal["hand", "review"]


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """What the user says. `engine` …: the answer that it is about; `scan_id`: the edit's."""

    item_id: int
    ref: TagRef
    yes: bool
    source: Source = "hand"
    engine: str = ""
    confidence: float | None = None
    fingerprint: str = ""
    scan_id: int | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict as it is kept."""

    id: int
    item_id: int
    revision: str
    field: Field
    word: str
    name: str
    verdict: str
    source: str
    at: datetime
    engine: str
    confidence: float | None
    fingerprint: str
    scan_id: int | None

    @property
    def is_yes(self) -> bool:
        return self.verdict == "yes"

    @property
    def ref(self) -> TagRef:
        return TagRef(self.field, self.name)


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How often the user said yes and no to a word, of the answers of an engine ("": of none)."""

    word: str
    engine: str
    yes: int
    no: int


def put(db: Db, said: Iterable[NewVerdict]) -> None:
    """Keep what the user says, in the place of what he said before; the items are due."""
    new = list(said)
    if not new:
        return
    of_items = select(_items.c.id, _items.c.revision)
    ids = {one.item_id for one in new}
    revisions = {row.id: row.revision for row in rows_in(db, of_items, _items.c.id, ids)}
    now = datetime.now(UTC)
    rows = {(one.item_id, *one.ref.word): _values(one, revisions, now) for one in new}
    insert_or_replace(db, _verdicts, list(rows.values()), key=["item_id", "field", "word"])
    _mark_due(db, ids)


def _values(said: NewVerdict, revisions: Mapping[int, str], now: datetime) -> dict[str, Any]:
    field, word = said.ref.word
    return {
        "item_id": said.item_id,
        "revision": revisions[said.item_id],
        "field": field.value,
        "word": word,
        "name": said.ref.name,
        "verdict": "yes" if said.yes else "no",
        "source": said.source,
        "at": now,
        "engine": said.engine,
        "confidence": said.confidence,
        "fingerprint": said.fingerprint,
        "scan_id": said.scan_id,
    }


def withdraw(db: Db, item_id: int, refs: Collection[TagRef]) -> int:
    """Take verdicts on an item back, as if they had never been given; return how many."""
    gone = 0
    for field, word in {ref.word for ref in refs}:
        same = (_verdicts.c.item_id == item_id, _verdicts.c.field == field.value)
        gone += db.execute(delete(_verdicts).where(*same, _verdicts.c.word == word)).rowcount
    if gone:
        _mark_due(db, [item_id])
    return gone


def _mark_due(db: Db, item_ids: Collection[int]) -> None:
    """Let the next scan decide items anew; it asks no engine for that.

    Neither a scan under way nor a preview that is applied later settles them before.
    """
    decisions = schema.decisions
    change_in(db, update(decisions).values(settles=""), decisions.c.item_id, item_ids)
    change_in(db, update(_items).values(settled=""), _items.c.id, item_ids)


def of_items(db: Db, item_ids: Collection[int]) -> dict[int, list[VerdictRow]]:
    """Return the verdicts on items, those too that are not in force, by item."""
    ordered = select(_verdicts).order_by(_verdicts.c.word)
    rows = rows_in(db, ordered, _verdicts.c.item_id, item_ids)
    return grouped((row.item_id, as_type(VerdictRow, row, field=Field(row.field))) for row in rows)


def in_force(db: Db, item_ids: Sequence[int]) -> dict[int, tuple[Verdict, ...]]:
    """Return the verdicts that hold now on each of the items."""
    given = of_items(db, item_ids)
    since = _acts(db, given)
    never = datetime.min.replace(tzinfo=UTC)

    def holds(row: VerdictRow) -> bool:
        acts = (since.get((row.item_id, row.word, state), never) for state in _OVER[row.verdict])
        return row.at > max(acts)

    return {
        item_id: tuple(
            Verdict(row.ref, row.is_yes, row.revision)
            for row in given.get(item_id, ())
            if holds(row)
        )
        for item_id in item_ids
    }


def _acts(db: Db, item_ids: Collection[int]) -> dict[tuple[int, str, TagOwnership], datetime]:
    """Return since when words stand so on items, in whatever field."""
    states = [state.value for over in _OVER.values() for state in over]
    statement = select(_standing).where(_standing.c.state.in_(states)).order_by(_standing.c.since)
    rows = rows_in(db, statement, _standing.c.item_id, item_ids)
    return {(row.item_id, row.word, TagOwnership(row.state)): row.since for row in rows}


def counts(db: Db) -> list[VerdictCount]:
    """Count all verdicts by word and engine."""
    yes = func.sum(case((_verdicts.c.verdict == "yes", 1), else_=0))
    grouping = (_verdicts.c.word, _verdicts.c.engine)
    statement = select(*grouping, yes, func.count() - yes).group_by(*grouping).order_by(*grouping)
    return [VerdictCount(*row) for row in db.execute(statement)]
