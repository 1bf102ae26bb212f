"""What is too old to be kept: details of ended scans, closed edits, the egress log, events.

Each function changes a few rows in one short transaction, and may be called again by whoever comes
next: rows are looked for anew, and what is gone is gone. What later work stands on is kept:
answers, the newest decision of each item, what failed for good, how tags stand, and what an undo of
a scan that is not too old goes back to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    update,
)

from tigertag.model import TagRef, Word
from tigertag.store import ledger, schema
from tigertag.store.database import Db, now_s
from tigertag.store.decisions import ANSWERED
from tigertag.store.ledger import EditRow
from tigertag.store.packing import pack_refs, pack_shown
from tigertag.store.usage import first_of_month

_scans = schema.scans
_decisions = schema.decisions
_work = schema.work
_edits = schema.edits
_calls = schema.calls
_events = schema.events
_batches = schema.batches
_chunks = schema.chunks

_PRICED = 200
"""The newest calls of an engine that a forecast learns from (`usage.mean_cost_usd`)."""
_NO_REFS = pack_refs(())


@dataclass(frozen=True, slots=True)
class Old:
    """What is too old: `before` a time; `today` tells the month whose calls are kept."""

    before: datetime
    today: datetime

    @property
    def calls_before(self) -> datetime:
        """The month's own calls are kept: what is in doubt of its budget is among them."""
        return min(self.before, first_of_month(self.today.astimezone(UTC)))


def _may_be_pruned(old: Old) -> ColumnElement[bool]:
    """Whether a scan is too old, at rest, and nothing younger goes back to it.

    The newest scan of a section is kept: pages show it. So are the sources of scans that can still
    be undone.
    """
    made = _scans.alias("made")
    later = _scans.alias("later")
    held = (_chunks.c.scan_id == _scans.c.id, _chunks.c.state == "leased")
    out = (_batches.c.scan_id == _scans.c.id, _batches.c.state != "done")
    newer = (later.c.section_id == _scans.c.section_id, later.c.id > _scans.c.id)
    return and_(
        _scans.c.state.in_(schema.FINAL),
        _scans.c.finished_at < old.before,
        ~_scans.c.pruned,
        ~exists().where(made.c.source_id == _scans.c.id, ~made.c.pruned),
        ~exists().where(*held, _chunks.c.lease_until >= now_s()),
        ~exists().where(*out),
        exists().where(*newer, later.c.forecast == ""),
    )


def old_scans(db: Db, old: Old, *, limit: int) -> list[int]:
    """Return scans whose details may be pruned, the oldest first."""
    statement = select(_scans.c.id).where(_may_be_pruned(old)).order_by(_scans.c.id).limit(limit)
    return list(db.scalars(statement))


def prune_scans(db: Db, old: Old, scan_ids: Sequence[int]) -> int:
    """Mark scans as pruned: from now on they cannot be applied or undone. Returns how many."""
    # Locked first: an undo that has begun is then seen by the conditions below.
    db.execute(select(_scans.c.id).where(_scans.c.id.in_(scan_ids)).with_for_update())
    counted = (_scans.c.id.in_(scan_ids), _may_be_pruned(old), _scans.c.summary != "")
    return db.execute(update(_scans).where(*counted).values(pruned=True)).rowcount


def bare_scans(db: Db) -> list[int]:
    """Return pruned scans of which nothing is left that later work stands on."""
    tables = (_decisions, _work, _edits)
    empty = [~exists().where(table.c.scan_id == _scans.c.id) for table in tables]
    return list(db.scalars(select(_scans.c.id).where(_scans.c.pruned, *empty)))


def drop_scans(db: Db, scan_ids: Sequence[int]) -> None:
    """Delete the rows of such scans."""
    db.execute(delete(_scans).where(_scans.c.id.in_(scan_ids), _scans.c.pruned))


def _pruned(old: Old | None = None) -> ColumnElement[bool]:
    """Whether a scan is pruned; with `old`, whether it is or would be."""
    return _scans.c.pruned if old is None else or_(_scans.c.pruned, _may_be_pruned(old))


def _superseded(old: Old | None = None) -> Select[Any]:
    """Decisions of pruned scans but the newest of each item: that is what pages show of it."""
    newer, scan = _decisions.alias("newer"), _scans.alias("newer_scan")
    later = exists().where(
        newer.c.item_id == _decisions.c.item_id,
        newer.c.id > _decisions.c.id,
        newer.c.state != "todo",
        scan.c.id == newer.c.scan_id,
        scan.c.kind == "scan",
    )
    is_none = or_(_scans.c.kind != "scan", _decisions.c.state == "todo")
    of_scan = select(_decisions.c.id).join(_scans, _scans.c.id == _decisions.c.scan_id)
    return of_scan.where(_pruned(old), or_(is_none, later))


def _needless_work() -> Select[Any]:
    """Work of pruned scans, but what failed for good, and what tells that this is over."""
    other = _work.alias("other")
    same = (other.c.item_id == _work.c.item_id, other.c.engine == _work.c.engine)
    # Work that was skipped or cut off says nothing of what failed for good: that stays refused.
    over = other.c.state.in_(("failed", "done"))
    newer = exists().where(*same, other.c.id > _work.c.id, over)
    failed = exists().where(*same, other.c.id < _work.c.id, other.c.state == "failed")
    needed = case(
        (_work.c.state == "failed", ~newer), (_work.c.state.in_(ANSWERED), failed), else_=False
    )
    of_scan = select(_work.c.id).join(_scans, _scans.c.id == _work.c.scan_id)
    return of_scan.where(_pruned(), ~needed)


def _ended_batches() -> Select[Any]:
    of_scan = select(_batches.c.id).join(_scans, _scans.c.id == _batches.c.scan_id)
    return of_scan.where(_pruned(), _batches.c.state == "done")


def _empty_chunks() -> Select[Any]:
    tables = (_decisions, _work, _batches)
    empty = [~exists().where(table.c.chunk_id == _chunks.c.id) for table in tables]
    return (
        select(_chunks.c.id).join(_scans, _scans.c.id == _chunks.c.scan_id).where(_pruned(), *empty)
    )


def _old_calls(db: Db, old: Old) -> Select[Any]:
    """Calls that left long ago, but the newest of each engine, from which forecasts learn."""
    ended = (_calls.c.state.in_(("settled", "lost")), _calls.c.at < old.calls_before)
    kept: list[ColumnElement[bool]] = []
    for engine in db.scalars(select(schema.usage.c.engine).distinct()):
        priced = (_calls.c.engine == engine, _calls.c.state == "settled", _calls.c.units > 0)
        newest = select(_calls.c.id).where(*priced).order_by(_calls.c.id.desc()).limit(_PRICED)
        first = db.scalar(select(func.min(newest.subquery().c.id)))
        if first is not None:
            kept.append(and_(*priced, _calls.c.id >= first))
    return select(_calls.c.id).where(*ended, ~or_(false(), *kept))


def _old_events(old: Old) -> Select[Any]:
    return select(_events.c.id).where(_events.c.at < old.before)


def _statement(db: Db, kind: str, old: Old) -> tuple[Table, Select[Any]]:
    match kind:
        case "decisions":
            return _decisions, _superseded()
        case "work":
            return _work, _needless_work()
        case "batches":
            return _batches, _ended_batches()
        case "chunks":
            return _chunks, _empty_chunks()
        case "calls":
            return _calls, _old_calls(db, old)
    return _events, _old_events(old)


ROWS = ("decisions", "work", "batches", "chunks", "calls", "events")
"""What is deleted row by row, in this order."""


def old_rows(db: Db, kind: str, old: Old, *, after: int, limit: int) -> list[int]:
    """Return rows to delete, of one of `ROWS`, by rising id from `after` on."""
    table, statement = _statement(db, kind, old)
    statement = statement.where(table.c.id > after).order_by(table.c.id).limit(limit)
    return list(db.scalars(statement))


def drop_rows(db: Db, kind: str, old: Old, ids: Sequence[int]) -> int:
    """Delete those of the rows for which it still holds; return how many."""
    table, statement = _statement(db, kind, old)
    still = statement.where(table.c.id.in_(ids))
    return db.execute(delete(table).where(table.c.id.in_(still))).rowcount


@dataclass(frozen=True, slots=True)
class OldRows:
    """How many rows are too old: scans, their decisions, calls of the egress log, events."""

    scans: int
    decisions: int
    calls: int
    events: int


def count(db: Db, old: Old) -> OldRows:
    """Count what pruning would take, but for what follows from that."""
    scans = select(_scans.c.id).where(_may_be_pruned(old))
    statements = (scans, _superseded(old), _old_calls(db, old), _old_events(old))
    numbers = (select(func.count()).select_from(each.subquery()) for each in statements)
    return OldRows(*(db.scalar(number) or 0 for number in numbers))


def items_with_old_edits(db: Db, *, after: int, limit: int) -> list[int]:
    """Return items with edits of pruned scans that can be folded, by rising id from `after` on.

    One edit that is left of an item says which tags on it are ours, and what was there before.
    """
    settled = _edits.c.state.in_(("verified", "failed"))
    needless = or_(_edits.c.state == "failed", _edits.c.adds == _NO_REFS)
    of_scan = select(_edits.c.item_id).join(_scans, _scans.c.id == _edits.c.scan_id)
    statement = of_scan.where(_pruned(), settled, _edits.c.item_id > after)
    statement = statement.group_by(_edits.c.item_id)
    foldable = or_(func.count() > 1, func.sum(case((needless, 1), else_=0)) > 0)
    statement = statement.having(foldable).order_by(_edits.c.item_id)
    return list(db.scalars(statement.limit(limit)))


def fold_edits(db: Db, item_ids: Sequence[int]) -> int:
    """Make one edit of an item's old ones, none where nothing of ours was left; return how many
    are gone.

    What an item showed before anything of ours was on it (`ledger.origins`) stays the same.
    """
    pruned = set(db.scalars(select(_scans.c.id).where(_scans.c.pruned)))
    by_item: dict[int, list[EditRow]] = {}
    for edit in ledger.edits_where(db, _edits.c.item_id.in_(item_ids)):
        by_item.setdefault(edit.item_id, []).append(edit)
    gone: list[int] = []
    for edits in by_item.values():
        first = next((at for at, edit in enumerate(edits) if _is_kept(edit, pruned)), len(edits))
        gone += _fold(db, edits[:first])
    db.execute(delete(_edits).where(_edits.c.id.in_(gone)))
    return len(gone)


def _is_kept(edit: EditRow, pruned: set[int]) -> bool:
    return edit.scan_id not in pruned or edit.state not in ("verified", "failed")


def _fold(db: Db, edits: Sequence[EditRow]) -> list[int]:
    """Put what an item's oldest edits came to into the first that left a tag of ours there."""
    origin: EditRow | None = None
    ours: dict[Word, TagRef] = {}
    removed: dict[Word, TagRef] = {}
    last: EditRow | None = None
    for edit in edits:
        if edit.state == "failed":
            continue
        if not ours:
            origin, removed = edit, {}
        ours |= {ref.word: ref for ref in edit.adds}
        for ref in edit.removes:
            if ours.pop(ref.word, None) is None:
                removed[ref.word] = ref
        last = edit
    if not ours or origin is None or last is None:
        return [edit.id for edit in edits]
    if last is not origin:
        values: dict[str, Any] = {
            "adds": pack_refs(tuple(ours.values())),
            "removes": pack_refs(tuple(removed.values())),
            "after": pack_shown(last.after) if last.after else "",
        }
        db.execute(update(_edits).where(_edits.c.id == origin.id).values(**values))
    return [edit.id for edit in edits if edit is not origin]
