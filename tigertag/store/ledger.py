"""The ledger of edits, and how our tags stand after them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, case, delete, func, select, update

from tigertag.model import Edit, Field, Shown, TagOwnership, TagRef, Word, fold
from tigertag.sequences import grouped
from tigertag.store import counters, schema
from tigertag.store.database import (
    Db,
    any_where,
    as_type,
    change_in,
    insert_or_replace,
    rows_in,
    update_each,
)
from tigertag.store.packing import pack_refs, pack_shown, unpack_refs, unpack_shown

_edits = schema.edits
_standing = schema.standing

UNSETTLED = ("planned", "sent")
DROPPED = "The library accepted it, and then dropped it."


@dataclass(frozen=True, slots=True)
class EditRow:
    """An edit of the ledger. `after` is None until the library was read again.

    `lost`: tags of the owner's that went while it was made, or that it puts back.
    """

    id: int
    scan_id: int
    kind: str
    item_id: int
    state: str
    adds: tuple[TagRef, ...]
    removes: tuple[TagRef, ...]
    before: Shown
    after: Shown | None
    planned_at: datetime
    reason: str
    lost: tuple[TagRef, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it was sent, or about to be sent alone, and nobody knows yet what came of it."""
        return self.state == "sent" and not self.reason

    @property
    def returned(self) -> tuple[TagRef, ...]:
        """The tags of the owner's that it puts back."""
        return tuple(ref for ref in self.lost if ref in self.adds)


@dataclass(frozen=True, slots=True)
class EditVerdict:
    """What a reading showed of an edit."""

    edit_id: int
    state: str
    after: Shown | None
    reason: str = ""


def plan(
    db: Db,
    scan_id: int,
    planned: Sequence[tuple[int, Edit, Shown]],
    *,
    returned: Mapping[int, Sequence[TagRef]] | None = None,
) -> dict[int, int]:
    """Put edits (item id, edit, what is shown before) into the ledger; return item id → edit id.

    `returned`: the tags of the owner's that edits put back, by item.
    """
    now = datetime.now(UTC)
    rows = [
        {
            "scan_id": scan_id,
            "item_id": item_id,
            "state": "planned",
            "adds": pack_refs(edit.adds),
            "removes": pack_refs(edit.removes),
            "before": pack_shown(before),
            "lost": pack_refs((returned or {}).get(item_id, ())),
            "planned_at": now,
        }
        for item_id, edit, before in planned
    ]
    if not rows:
        return {}
    inserted = db.execute(_edits.insert().returning(_edits.c.item_id, _edits.c.id), rows)
    return {row.item_id: row.id for row in inserted}


def unsettled(db: Db, item_ids: Sequence[int]) -> dict[int, list[EditRow]]:
    """Return the edits of these items that no reading has confirmed yet, oldest first."""
    return _by_item(db, _edits.c.item_id.in_(item_ids), _edits.c.state.in_(UNSETTLED))


def open_edits(db: Db, section_id: int) -> list[EditRow]:
    """Return the open edits of a section (`EditRow.is_open`)."""
    of_section = select(schema.items.c.id).where(schema.items.c.section_id == section_id)
    is_open = (_edits.c.state == "sent", _edits.c.reason == "")
    return edits_where(db, *is_open, _edits.c.item_id.in_(of_section))


def made(db: Db, scan_id: int, item_ids: Sequence[int]) -> dict[int, list[EditRow]]:
    """Return the edits that a scan made, or may have made, on these items, oldest first."""
    return _by_item(db, _edits.c.item_id.in_(item_ids), *_made(scan_id))


def origins(db: Db, item_ids: Sequence[int]) -> dict[int, Shown]:
    """Return what each item showed when nothing of ours was on it last."""
    made = _by_item(db, _edits.c.item_id.in_(item_ids), _edits.c.state != "failed")
    return {item_id: _origin(edits) for item_id, edits in made.items()}


def _origin(edits: Sequence[EditRow]) -> Shown:
    """`edits`: all of an item's, the oldest first."""
    ours: set[Word] = set()
    origin = edits[0].before
    for edit in edits:
        if not ours:
            origin = edit.before
        ours |= {ref.word for ref in edit.adds}
        ours -= {ref.word for ref in edit.removes}
    return origin


def _made(scan_id: int) -> tuple[Any, Any]:
    return _edits.c.scan_id == scan_id, _edits.c.state != "failed"


def _by_item(db: Db, *where: Any) -> dict[int, list[EditRow]]:
    return grouped((edit.item_id, edit) for edit in edits_where(db, *where))


def edits_where(db: Db, *where: Any) -> list[EditRow]:
    """Return edits, the oldest first."""
    statement = select(_edits, schema.scans.c.kind).join(schema.scans).where(*where)
    return [_edit(row) for row in db.execute(statement.order_by(_edits.c.id))]


def items_of(db: Db, scan_id: int) -> list[int]:
    """Return the items that a scan edited, or may have edited."""
    statement = select(_edits.c.item_id).where(*_made(scan_id))
    return list(db.scalars(statement.distinct().order_by(_edits.c.item_id)))


def _edit(row: Row[Any]) -> EditRow:
    return as_type(
        EditRow,
        row,
        adds=unpack_refs(row.adds),
        removes=unpack_refs(row.removes),
        before=unpack_shown(row.before),
        lost=unpack_refs(row.lost) if row.lost else (),
        after=unpack_shown(row.after) if row.after else None,
    )


def judge(db: Db, verdicts: Sequence[EditVerdict]) -> None:
    """Write down what became of edits."""
    now = datetime.now(UTC)
    rows = [
        {
            "id": verdict.edit_id,
            "state": verdict.state,
            "after": pack_shown(verdict.after) if verdict.after else "",
            "reason": verdict.reason,
            "sent_at": now if verdict.state in ("sent", "verified") else None,
            "verified_at": now if verdict.state == "verified" else None,
        }
        for verdict in verdicts
    ]
    update_each(db, _edits, rows)
    ended = Counter(one.state for one in verdicts if one.state in ("verified", "failed"))
    counters.add(db, {("edits", state): number for state, number in ended.items()})


def withdraw(db: Db, edit_ids: Collection[int]) -> None:
    """Take edits back that were not sent; they are planned anew."""
    change_in(db, delete(_edits).where(_edits.c.state.in_(UNSETTLED)), _edits.c.id, edit_ids)


def note_sent(db: Db, sent: Sequence[tuple[int, Shown]]) -> None:
    """Keep that edits were sent, and what was shown right before that."""
    now = datetime.now(UTC)
    rows = [{"id": id, "state": "sent", "before": pack_shown(shown)} for id, shown in sent]
    update_each(db, _edits, rows, sent_at=now)


def note_lost(db: Db, edit_id: int, lost: Sequence[TagRef]) -> None:
    """Keep which tags of the owner's went while an edit was made: its undo puts them back.

    Of a failed edit nothing would be undone: it counts as verified, as it had that effect.
    """
    if lost:
        mine = _edits.c.id == edit_id
        kept = db.execute(select(_edits.c.lost).where(mine)).scalar_one()
        packed = pack_refs(dict.fromkeys((*(unpack_refs(kept) if kept else ()), *lost)))
        state = case((_edits.c.state == "failed", "verified"), else_=_edits.c.state)
        db.execute(update(_edits).where(mine).values(lost=packed, state=state))


def was_dropped(db: Db, scan_id: int, item_id: int) -> bool:
    """Whether an edit of an item was accepted in this scan, and then dropped."""
    dropped = (_edits.c.scan_id == scan_id, _edits.c.reason == DROPPED)
    return any_where(db, *dropped, _edits.c.item_id == item_id)


def to_verify(db: Db, scan_id: int) -> tuple[int, datetime | None]:
    """Return how many items a scan cannot decide before an edit of them is verified, whichever
    scan has made it, and when the oldest of these was sent.
    """
    decisions = schema.decisions
    waits = (decisions.c.scan_id == scan_id, decisions.c.state == "todo")
    is_open = (_edits.c.state == "sent", _edits.c.reason == "")
    statement = select(func.count(_edits.c.item_id.distinct()), func.min(_edits.c.sent_at))
    joined = statement.join(decisions, decisions.c.item_id == _edits.c.item_id)
    count, oldest = db.execute(joined.where(*waits, *is_open)).one()
    return count, oldest


def ownership(db: Db, item_ids: Sequence[int]) -> dict[int, dict[Word, TagOwnership]]:
    """Return how our tags stand on each of the items."""
    states: dict[int, dict[Word, TagOwnership]] = {item_id: {} for item_id in item_ids}
    for row in rows_in(db, select(_standing), _standing.c.item_id, item_ids):
        states[row.item_id][Field(row.field), row.word] = TagOwnership(row.state)
    return states


def set_ownership(db: Db, changes: Mapping[int, Mapping[TagRef, TagOwnership | None]]) -> None:
    """Change how tags stand on items; None: they are nothing to us any more."""
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for item_id, tags in changes.items():
        for ref, state in tags.items():
            field, word = ref.word
            place: dict[str, Any] = {"item_id": item_id, "field": field.value, "word": word}
            if state is None:
                gone.append(place)
            else:
                rows.append(place | {"name": ref.name, "state": state.value, "since": now})
    insert_or_replace(db, _standing, rows, key=["item_id", "field", "word"], keep=["name"])
    for place in gone:
        same = [_standing.c[name] == value for name, value in place.items()]
        db.execute(delete(_standing).where(*same))


@dataclass(frozen=True, slots=True)
class TombstoneRow:
    id: int
    library: str
    key: str
    title: str
    field: str
    name: str
    since: datetime

    @property
    def called(self) -> str:
        """What people know the item by (`Item.called`)."""
        return self.key if self.title in self.key else self.title


def tombstones(db: Db, *, word: str = "") -> list[TombstoneRow]:
    """Return what users took off, newest first; of one word, or of all."""
    items, sections = schema.items, schema.sections
    columns = (
        _standing.c.id,
        sections.c.library,
        items.c.key,
        items.c.title,
        _standing.c.field,
        _standing.c.name,
        _standing.c.since,
    )
    statement = select(*columns).join(items, items.c.id == _standing.c.item_id).join(sections)
    statement = statement.where(_standing.c.state == TagOwnership.TOMBSTONE.value)
    if word:
        statement = statement.where(_standing.c.word == fold(word))
    return [TombstoneRow(*row) for row in db.execute(statement.order_by(_standing.c.id.desc()))]


def bury(db: Db, item_id: int, ref: TagRef) -> None:
    """Keep a tag off an item until that is lifted, as if the user had taken it off."""
    set_ownership(db, {item_id: {ref: TagOwnership.TOMBSTONE}})


def lift(db: Db, tombstone_ids: Sequence[int]) -> int:
    """Lift tombstones, so that the next scan may add those tags again; return how many."""
    items = schema.items
    buried = _standing.c.state == TagOwnership.TOMBSTONE.value
    of_items = rows_in(db, select(_standing.c.item_id).where(buried), _standing.c.id, tombstone_ids)
    due = update(items).values(settled="")
    change_in(db, due, items.c.id, {row.item_id for row in of_items})
    return change_in(db, delete(_standing).where(buried), _standing.c.id, tombstone_ids)
