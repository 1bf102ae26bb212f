"""What a scan has to do for each item, and what it decided."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, or_, select, update

from tigertag.model import Media, Tag, TagRef
from tigertag.sequences import grouped
from tigertag.store import schema
from tigertag.store.database import Db, any_where, change_in, rows_in, update_each
from tigertag.store.packing import dumps, pack_refs, pack_tags, unpack_refs, unpack_tags

_decisions = schema.decisions
_work = schema.work

_MOST_FAILURES = 20
_TO_ASK = ("queued", "postponed")
OPEN = (*_TO_ASK, "deferred")
"""Work that this scan still does."""
ANSWERED = ("done", "spared", "skipped")
"""Work that is done with, and left nothing to be tried again."""


@dataclass(frozen=True, slots=True)
class Todo:
    """An item of a chunk. `settles`: the signature it will bear when all is done, or "".

    `engines`: those to be asked, as (id, fingerprint), about frames that `sampler` chooses.
    """

    item_id: int
    revision: str
    settles: str = ""
    engines: tuple[tuple[str, str], ...] = ()
    media: Media = Media.PHOTO
    sampler: str = ""


@dataclass(frozen=True, slots=True)
class WorkRow:
    id: int
    item_id: int
    engine: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of one item. `reason` says why it failed, if it did.

    `unblocked`: what was decided before words were blocked in the preview; None: none were.
    """

    item_id: int
    state: str
    revision: str
    settles: str
    tags: tuple[Tag, ...] = ()
    adds: tuple[TagRef, ...] = ()
    removes: tuple[TagRef, ...] = ()
    reason: str = ""
    unblocked: "Decision | None" = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a scan has come: items by state, edits, and items that wait for an engine.

    `left_alone`: of those that are done, the items that bear a tag of SKIP_TAGS.
    """

    todo: int = 0
    done: int = 0
    failed: int = 0
    adds: int = 0
    removes: int = 0
    changed: int = 0
    waiting: Mapping[str, str] = field(default_factory=dict)
    asked: int = 0
    postponed: Mapping[str, int] = field(default_factory=dict)
    spared: Mapping[str, int] = field(default_factory=dict)
    left_alone: int = 0


def plan(db: Db, scan_id: int, chunk_id: int, todos: Sequence[Todo]) -> None:
    """Fill a chunk."""
    place = {"scan_id": scan_id, "chunk_id": chunk_id}
    rows = [
        place | {"item_id": todo.item_id, "revision": todo.revision, "settles": todo.settles}
        for todo in todos
    ]
    db.execute(_decisions.insert(), rows)
    work = [
        place
        | {"item_id": todo.item_id, "revision": todo.revision, "sampler": todo.sampler}
        | {"engine": engine, "fingerprint": fingerprint}
        for todo in todos
        for engine, fingerprint in todo.engines
    ]
    if work:
        db.execute(_work.insert(), work)


def planned(db: Db, scan_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items that the scan has in a chunk already."""
    of_scan = select(_decisions.c.item_id).where(_decisions.c.scan_id == scan_id)
    return {row.item_id for row in rows_in(db, of_scan, _decisions.c.item_id, item_ids)}


def to_settle(db: Db, chunk_id: int) -> list[Decision]:
    """Return the items of a chunk about which nothing is decided yet, and something can be.

    An item is left alone while all that it is asked about waits.
    """
    rows = db.execute(select(_decisions).where(_can_settle(chunk_id)).order_by(_decisions.c.id))
    return [decision_of(row) for row in rows]


def is_unsettled(db: Db, chunk_id: int) -> bool:
    """Whether there is anything `to_settle`."""
    return any_where(db, _can_settle(chunk_id))


def _can_settle(chunk_id: int) -> ColumnElement[bool]:
    own = (_work.c.chunk_id == chunk_id, _work.c.item_id == _decisions.c.item_id)
    waits = exists().where(*own, _work.c.state.in_(OPEN))
    ended = exists().where(*own, _work.c.state.notin_(OPEN))
    todo = and_(_decisions.c.chunk_id == chunk_id, _decisions.c.state == "todo")
    return and_(todo, or_(~waits, ended))


def of_scan(
    db: Db, scan_id: int, *, after: int = 0, limit: int = 500
) -> list[tuple[int, Decision]]:
    """Return (row id, decision) by rising id."""
    where = (_decisions.c.scan_id == scan_id, _decisions.c.id > after)
    rows = db.execute(select(_decisions).where(*where).order_by(_decisions.c.id).limit(limit))
    return [(row.id, decision_of(row)) for row in rows]


def of_items(db: Db, scan_id: int, item_ids: Sequence[int]) -> dict[int, Decision]:
    where = (_decisions.c.scan_id == scan_id, _decisions.c.item_id.in_(item_ids))
    return {row.item_id: decision_of(row) for row in db.execute(select(_decisions).where(*where))}


def newest(db: Db, item_ids: Sequence[int]) -> dict[int, Decision]:
    """Return what was decided of items last, by a scan that looked at them."""
    scans = schema.scans
    decided = (_decisions.c.state != "todo", scans.c.kind == "scan")
    last = select(func.max(_decisions.c.id).label("id")).join(scans).where(*decided)
    newest_of = last.group_by(_decisions.c.item_id)
    ids = [row.id for row in rows_in(db, newest_of, _decisions.c.item_id, item_ids)]
    rows = rows_in(db, select(_decisions), _decisions.c.id, ids)
    return {row.item_id: decision_of(row) for row in rows}


def decision_of(row: Row[Any]) -> Decision:
    decision = Decision(
        row.item_id,
        row.state,
        row.revision,
        row.settles,
        unpack_tags(row.tags),
        unpack_refs(row.adds),
        unpack_refs(row.removes),
        row.reason,
    )
    if not row.unblocked:
        return decision
    settles, tags, adds = json.loads(row.unblocked)
    before = replace(decision, settles=settles, tags=unpack_tags(tags), adds=unpack_refs(adds))
    return replace(decision, unblocked=before)


def _pack_unblocked(before: Decision | None) -> str:
    if before is None:
        return ""
    return dumps([before.settles, pack_tags(before.tags), pack_refs(before.adds)])


def write(db: Db, scan_id: int, decided: Iterable[Decision]) -> None:
    """Keep what was decided of items that the scan has in its chunks."""
    rows = [
        {
            "scan_id": scan_id,
            "item_id": decision.item_id,
            "state": decision.state,
            "settles": decision.settles,
            "tags": pack_tags(decision.tags),
            "adds": pack_refs(decision.adds),
            "removes": pack_refs(decision.removes),
            "add_count": len(decision.adds),
            "remove_count": len(decision.removes),
            "reason": decision.reason,
            "unblocked": _pack_unblocked(decision.unblocked),
        }
        for decision in decided
    ]
    update_each(db, _decisions, rows, key=("scan_id", "item_id"))


def note_made(db: Db, scan_id: int, decided: Iterable[Decision]) -> None:
    """Keep the adds and removes that were made so far of items that are not decided yet."""
    rows = [
        {
            "item_id": decision.item_id,
            "adds": pack_refs(decision.adds),
            "removes": pack_refs(decision.removes),
            "add_count": len(decision.adds),
            "remove_count": len(decision.removes),
        }
        for decision in decided
    ]
    todo = (_decisions.c.scan_id == scan_id, _decisions.c.state == "todo")
    update_each(db, _decisions, rows, *todo, key=("item_id",))


def blocked_in(db: Db) -> dict[int, list[int]]:
    """Return, by scan, the items in whose decisions words were blocked."""
    blocked = select(_decisions.c.scan_id, _decisions.c.item_id).where(_decisions.c.unblocked != "")
    return grouped((scan_id, item_id) for scan_id, item_id in db.execute(blocked))


def adding(db: Db, scan_id: int, word: str) -> list[int]:
    """Return the items to which a scan would add a word, perhaps some more."""
    where = (
        _decisions.c.scan_id == scan_id,
        _decisions.c.add_count + _decisions.c.remove_count > 0,
        _decisions.c.adds.icontains(dumps(word)[1:-1], autoescape=True),
    )
    return list(db.scalars(select(_decisions.c.item_id).where(*where)))


def to_ask(db: Db, chunk_id: int) -> list[WorkRow]:
    """Return the work of a chunk that is still to be done."""
    columns = (_work.c.id, _work.c.item_id, _work.c.engine, _work.c.attempts)
    where = (_work.c.chunk_id == chunk_id, _work.c.state.in_(_TO_ASK))
    rows = db.execute(select(*columns).where(*where).order_by(_work.c.id))
    return [WorkRow(*row) for row in rows]


def refused(
    db: Db,
    revisions: Mapping[int, str],
    fingerprints: Mapping[str, str],
    samplers: Mapping[int, str],
    *,
    paid: Collection[str] = (),
) -> set[tuple[int, str]]:
    """Return the (item, engine) that failed for good: asked again, it would fail again.

    With another sampler it might not. A paid engine is not asked again for its fingerprint alone.
    """
    names = ("item_id", "engine", "revision", "fingerprint", "sampler")
    failed = select(*[_work.c[name] for name in names]).where(_work.c.state == "failed")
    return {
        (row.item_id, row.engine)
        for row in rows_in(db, failed, _work.c.item_id, revisions)
        if row.revision == revisions[row.item_id]
        and row.sampler in ("", samplers[row.item_id])
        and (row.engine in paid or row.fingerprint == fingerprints.get(row.engine))
    }


def count_attempt(db: Db, work_id: int, *, by: int = 1) -> None:
    """Count an attempt before it is made; take it back (-1) when it was merely cut off."""
    db.execute(update(_work).where(_work.c.id == work_id).values(attempts=_work.c.attempts + by))


def left_to_writers(db: Db, scan_id: int, revisions: Mapping[int, str]) -> set[tuple[int, str]]:
    """Return the (item, engine) that a scan which writes still asks when its time has come."""
    scans = schema.scans
    columns = (_work.c.item_id, _work.c.engine, _work.c.revision)
    waits = (scans.c.state == "waiting", scans.c.write == "apply", scans.c.id != scan_id)
    statement = select(*columns).join(scans, scans.c.id == _work.c.scan_id)
    statement = statement.where(_work.c.state.in_(_TO_ASK), *waits)
    rows = rows_in(db, statement, _work.c.item_id, revisions)
    return {(row.item_id, row.engine) for row in rows if row.revision == revisions[row.item_id]}


def take_over(db: Db, scan_id: int, asks: Sequence[tuple[int, str]]) -> set[int]:
    """A scan asks this now: others, which wait, do not; return their chunks, which are due now."""
    scans = schema.scans
    waiting = select(scans.c.id).where(scans.c.state == "waiting", scans.c.id != scan_id)
    columns = (_work.c.id, _work.c.chunk_id, _work.c.item_id, _work.c.engine)
    statement = select(*columns).where(_work.c.state.in_(_TO_ASK), _work.c.scan_id.in_(waiting))
    wanted = set(asks)
    item_ids = dict.fromkeys(item_id for item_id, _engine in asks)
    rows = [
        row
        for row in rows_in(db, statement, _work.c.item_id, item_ids)
        if (row.item_id, row.engine) in wanted
    ]
    taken = update(_work).values(state="waiting", reason=f"Scan {scan_id} asks about it.")
    change_in(db, taken, _work.c.id, [row.id for row in rows])
    return {row.chunk_id for row in rows}


def looked_at_later(db: Db, scan_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items that a later scan has looked at as well."""
    scans = schema.scans
    later = select(_decisions.c.item_id).join(scans, scans.c.id == _decisions.c.scan_id)
    later = later.where(_decisions.c.scan_id > scan_id, scans.c.kind == "scan")
    return {row.item_id for row in rows_in(db, later, _decisions.c.item_id, item_ids)}


def end_work(db: Db, scan_id: int, ended: Sequence[tuple[int, str, str, str]]) -> None:
    """Say how work ended: (item, engine, state, reason) each."""
    columns = ("scan_id", "item_id", "engine", "state", "reason")
    rows = [dict(zip(columns, (scan_id, *values), strict=True)) for values in ended]
    update_each(db, _work, rows, key=("scan_id", "item_id", "engine"))


def work_states(db: Db, chunk_id: int) -> dict[int, dict[str, tuple[str, str]]]:
    """Return, by item and engine, (state, reason) of the work of a chunk."""
    columns = (_work.c.item_id, _work.c.engine, _work.c.state, _work.c.reason)
    states: dict[int, dict[str, tuple[str, str]]] = {}
    for row in db.execute(select(*columns).where(_work.c.chunk_id == chunk_id)):
        states.setdefault(row.item_id, {})[row.engine] = (row.state, row.reason)
    return states


def open_engines(db: Db, chunk_id: int) -> dict[str, set[str]]:
    """Return the engines whose work in a chunk is not done, with its states."""
    where = (_work.c.chunk_id == chunk_id, _work.c.state.in_(OPEN))
    rows = db.execute(select(_work.c.engine, _work.c.state).where(*where).distinct())
    by_engine = grouped((row.engine, row.state) for row in rows)
    return {engine: set(states) for engine, states in by_engine.items()}


def reopen(db: Db, scan_id: int, item_ids: Sequence[int], *, settles: str) -> None:
    """Let items be decided once more: an engine has answered since."""
    where = (_decisions.c.scan_id == scan_id, _decisions.c.state != "todo")
    again = update(_decisions).where(*where).values(state="todo", settles=settles, reason="")
    change_in(db, again, _decisions.c.item_id, item_ids)


def reopen_batch(db: Db, scan_id: int, batch_id: int) -> None:
    """Let items be decided once more whose work still waits for a batch, which has ended."""
    left = select(_work.c.item_id).where(_work.c.batch_id == batch_id, _work.c.state == "deferred")
    where = (_decisions.c.scan_id == scan_id, _decisions.c.item_id.in_(left))
    db.execute(update(_decisions).where(*where).values(state="todo", settles="", reason=""))


def unanswered(db: Db, scan_id: int, item_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return (state, reason) of the work on these items that brought no answer."""
    of_items = (_work.c.scan_id == scan_id, _work.c.item_id.in_(item_ids))
    columns = (_work.c.item_id, _work.c.state, _work.c.reason)
    rows = db.execute(select(*columns).where(*of_items, _work.c.state.notin_(ANSWERED)))
    return grouped((row.item_id, (row.state, row.reason)) for row in rows)


def counts(db: Db, scan_id: int) -> Counts:
    left_alone = and_(_decisions.c.state == "done", _decisions.c.reason != "")
    columns = (
        _decisions.c.state,
        func.count().label("number"),
        func.sum(_decisions.c.add_count).label("adds"),
        func.sum(_decisions.c.remove_count).label("removes"),
        _number_of(_decisions.c.add_count + _decisions.c.remove_count > 0).label("changed"),
        _number_of(left_alone).label("left_alone"),
    )
    where = _decisions.c.scan_id == scan_id
    rows = db.execute(select(*columns).where(where).group_by(_decisions.c.state)).all()
    by_state = {row.state: row.number for row in rows}
    return Counts(
        todo=by_state.get("todo", 0),
        done=by_state.get("done", 0),
        failed=by_state.get("failed", 0),
        adds=sum(row.adds for row in rows),
        removes=sum(row.removes for row in rows),
        changed=sum(row.changed for row in rows),
        left_alone=sum(row.left_alone for row in rows),
        **_work_counts(db, scan_id),
    )


def _number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _work_counts(db: Db, scan_id: int) -> dict[str, Any]:
    """`waiting`: a reason by engine; of the others, how many items."""
    columns = (_work.c.engine, _work.c.state, func.count().label("number"))
    statement = select(*columns, func.max(_work.c.reason).label("reason"))
    grouping = (_work.c.engine, _work.c.state)
    rows = db.execute(statement.where(_work.c.scan_id == scan_id).group_by(*grouping)).all()
    waiting: dict[str, str] = {}
    for row in rows:
        if row.state in ("waiting", "postponed"):
            waiting[row.engine] = max(row.reason, waiting.get(row.engine, ""))
    return {
        "asked": sum(row.number for row in rows if row.state == "done"),
        "waiting": waiting,
        "postponed": {row.engine: row.number for row in rows if row.state == "postponed"},
        "spared": {row.engine: row.number for row in rows if row.state == "spared"},
    }


def drop_answered(db: Db, scan_id: int, *, limit: int) -> bool:
    """Drop work of an ended scan that brought an answer, or needed none; False: none is left.

    What came after a failure for good stays: it tells that the failure is over.
    """
    failed = _work.alias()
    same = (failed.c.item_id == _work.c.item_id, failed.c.engine == _work.c.engine)
    where = (
        _work.c.scan_id == scan_id,
        _work.c.state.in_(ANSWERED),
        ~exists().where(*same, failed.c.state == "failed"),
    )
    ids = select(_work.c.id).where(*where).limit(limit)
    return db.execute(delete(_work).where(_work.c.id.in_(ids))).rowcount > 0


def failures(db: Db, scan_id: int) -> list[tuple[str, str]]:
    """Return (what people know the item by, reason) of items that failed."""
    items = schema.items
    where = (_decisions.c.scan_id == scan_id, _decisions.c.state == "failed")
    columns = (items.c.key, items.c.title, _decisions.c.reason)
    statement = select(*columns).join(items).where(*where)
    rows = db.execute(statement.order_by(_decisions.c.id).limit(_MOST_FAILURES))
    return [(key if title in key else title, reason) for key, title, reason in rows]
