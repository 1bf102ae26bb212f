"""What a scan has to do for each item, and what it decided."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from tigertag.model import Media, Tag, TagRef
from tigertag.store import chunks, schema
from tigertag.store.columns import dumps, pack_refs, pack_tags, unpack_refs, unpack_tags
from tigertag.store.database import Db, escaped, slices

_decisions = schema.decisions
_work = schema.work

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
    asks = [
        place
        | {"item_id": todo.item_id, "revision": todo.revision}
        | {"engine": engine, "fingerprint": fingerprint, "sampler": todo.sampler}
        for todo in todos
        for engine, fingerprint in todo.engines
    ]
    if asks:
        db.execute(_work.insert(), asks)


def planned(db: Db, scan_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items that the scan has in a chunk already."""
    where = (_decisions.c.scan_id == scan_id, _decisions.c.item_id.in_(item_ids))
    return set(db.execute(select(_decisions.c.item_id).where(*where)).scalars())


def to_settle(db: Db, chunk_id: int) -> list[Decision]:
    """Return the items of a chunk about which nothing is decided yet, and something can be.

    An item is left alone while all that it is asked about waits.
    """
    rows = db.execute(select(_decisions).where(_can_settle(chunk_id)).order_by(_decisions.c.id))
    return [decision_of(row) for row in rows]


def is_unsettled(db: Db, chunk_id: int) -> bool:
    """Whether there is anything `to_settle`."""
    return bool(db.execute(select(exists().where(_can_settle(chunk_id)))).scalar())


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
    found: dict[int, Decision] = {}
    scans = schema.scans
    for some in slices(item_ids):
        decided = (_decisions.c.item_id.in_(some), _decisions.c.state != "todo")
        last = select(func.max(_decisions.c.id)).join(scans).where(*decided, scans.c.kind == "scan")
        last = last.group_by(_decisions.c.item_id)
        for row in db.execute(select(_decisions).where(_decisions.c.id.in_(last))):
            found[row.item_id] = decision_of(row)
    return found


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
    values = [
        {
            "of_item": one.item_id,
            "new_state": one.state,
            "new_settles": one.settles,
            "new_tags": pack_tags(one.tags),
            "new_adds": pack_refs(one.adds),
            "new_removes": pack_refs(one.removes),
            "new_add_count": len(one.adds),
            "new_remove_count": len(one.removes),
            "new_reason": one.reason,
            "new_unblocked": _pack_unblocked(one.unblocked),
        }
        for one in decided
    ]
    if values:
        where = (_decisions.c.scan_id == scan_id, _decisions.c.item_id == bindparam("of_item"))
        names = [name for name in values[0] if name != "of_item"]
        new: dict[str, Any] = {name.removeprefix("new_"): bindparam(name) for name in names}
        db.execute(update(_decisions).where(*where).values(**new), values)


def blocked_in(db: Db) -> dict[int, list[int]]:
    """Return, by scan, the items in whose decisions words were blocked."""
    found: dict[int, list[int]] = {}
    statement = select(_decisions.c.scan_id, _decisions.c.item_id)
    for scan_id, item_id in db.execute(statement.where(_decisions.c.unblocked != "")):
        found.setdefault(scan_id, []).append(item_id)
    return found


def adding(db: Db, scan_id: int, word: str) -> list[int]:
    """Return the items to which a scan would add a word, perhaps some more."""
    packed = f"%{escaped(dumps(word)[1:-1])}%"
    where = (
        _decisions.c.scan_id == scan_id,
        _decisions.c.add_count + _decisions.c.remove_count > 0,
        _decisions.c.adds.ilike(packed, escape="\\"),
    )
    return list(db.execute(select(_decisions.c.item_id).where(*where)).scalars())


def to_ask(db: Db, chunk_id: int) -> list[WorkRow]:
    """Return the work of a chunk that is still to be done."""
    columns = (_work.c.id, _work.c.item_id, _work.c.engine, _work.c.attempts)
    where = (_work.c.chunk_id == chunk_id, _work.c.state.in_(_TO_ASK))
    return [
        WorkRow(*row) for row in db.execute(select(*columns).where(*where).order_by(_work.c.id))
    ]


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
    columns = [_work.c[name] for name in names]
    found: set[tuple[int, str]] = set()
    for some in slices(list(revisions)):
        where = (_work.c.item_id.in_(some), _work.c.state == "failed")
        for item_id, engine, revision, fingerprint, sampler in db.execute(
            select(*columns).where(*where)
        ):
            same = engine in paid or fingerprint == fingerprints.get(engine)
            sampled = sampler in ("", samplers[item_id])
            if same and sampled and revision == revisions[item_id]:
                found.add((item_id, engine))
    return found


def count_attempt(db: Db, work_id: int, *, by: int = 1) -> None:
    """Count an attempt before it is made; take it back (-1) when it was merely cut off."""
    db.execute(update(_work).where(_work.c.id == work_id).values(attempts=_work.c.attempts + by))


def left_to_writers(db: Db, scan_id: int, revisions: Mapping[int, str]) -> set[tuple[int, str]]:
    """Return the (item, engine) that a scan which writes still asks when its time has come."""
    scans = schema.scans
    found: set[tuple[int, str]] = set()
    for some in slices(list(revisions)):
        statement = select(_work.c.item_id, _work.c.engine, _work.c.revision).join(
            scans, scans.c.id == _work.c.scan_id
        )
        where = (
            _work.c.item_id.in_(some),
            _work.c.state.in_(_TO_ASK),
            _work.c.scan_id != scan_id,
            scans.c.state == "waiting",
            scans.c.write == "apply",
        )
        rows = db.execute(statement.where(*where))
        found |= {(row[0], row[1]) for row in rows if row[2] == revisions[row[0]]}
    return found


def take_over(db: Db, scan_id: int, asks: Sequence[tuple[int, str]]) -> None:
    """A scan asks this now: others, which wait, do not ask it any more, and need not wait."""
    scans = schema.scans
    waiting = select(scans.c.id).where(scans.c.state == "waiting", scans.c.id != scan_id)
    wanted = set(asks)
    for some in slices(list({item_id: 0 for item_id, _engine in asks})):
        where = (
            _work.c.item_id.in_(some),
            _work.c.state.in_(_TO_ASK),
            _work.c.scan_id.in_(waiting),
        )
        columns = (_work.c.id, _work.c.chunk_id, _work.c.item_id, _work.c.engine)
        rows = [row for row in db.execute(select(*columns).where(*where)) if row[2:] in wanted]
        _end_taken(db, [row.id for row in rows], f"Scan {scan_id} asks about it.")
        for chunk_ids in slices(list({row.chunk_id for row in rows})):
            chunks.wake(db, schema.chunks.c.id.in_(chunk_ids))


def _end_taken(db: Db, work_ids: Sequence[int], reason: str) -> None:
    for some in slices(work_ids):
        taken = update(_work).where(_work.c.id.in_(some))
        db.execute(taken.values(state="waiting", reason=reason))


def looked_at_later(db: Db, scan_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return those of the items that a later scan has looked at as well."""
    scans = schema.scans
    later = select(_decisions.c.item_id).join(scans, scans.c.id == _decisions.c.scan_id)
    where = (_decisions.c.scan_id > scan_id, scans.c.kind == "scan")
    found: set[int] = set()
    for some in slices(item_ids):
        found |= set(db.execute(later.where(*where, _decisions.c.item_id.in_(some))).scalars())
    return found


def end_work(db: Db, scan_id: int, ended: Sequence[tuple[int, str, str, str]]) -> None:
    """Say how work ended: (item, engine, state, reason) each."""
    if ended:
        statement = update(_work).where(
            _work.c.scan_id == scan_id,
            _work.c.item_id == bindparam("of_item"),
            _work.c.engine == bindparam("by_engine"),
        )
        values = [
            {"of_item": item_id, "by_engine": engine, "new_state": state, "new_reason": reason}
            for item_id, engine, state, reason in ended
        ]
        new: dict[str, Any] = {"state": bindparam("new_state"), "reason": bindparam("new_reason")}
        db.execute(statement.values(**new), values)


def work_states(db: Db, chunk_id: int) -> dict[int, dict[str, tuple[str, str]]]:
    """Return, by item and engine, (state, reason) of the work of a chunk."""
    columns = (_work.c.item_id, _work.c.engine, _work.c.state, _work.c.reason)
    found: dict[int, dict[str, tuple[str, str]]] = {}
    for item_id, engine, state, reason in db.execute(
        select(*columns).where(_work.c.chunk_id == chunk_id)
    ):
        found.setdefault(item_id, {})[engine] = (state, reason)
    return found


def open_engines(db: Db, chunk_id: int) -> dict[str, set[str]]:
    """Return the engines whose work in a chunk is not done, with its states."""
    where = (_work.c.chunk_id == chunk_id, _work.c.state.in_(OPEN))
    found: dict[str, set[str]] = {}
    for engine, state in db.execute(select(_work.c.engine, _work.c.state).where(*where).distinct()):
        found.setdefault(engine, set()).add(state)
    return found


def reopen(db: Db, scan_id: int, item_ids: Sequence[int], *, settles: str) -> None:
    """Let items be decided once more: an engine has answered since."""
    for some in slices(item_ids):
        where = (
            _decisions.c.scan_id == scan_id,
            _decisions.c.item_id.in_(some),
            _decisions.c.state != "todo",
        )
        values = {"state": "todo", "settles": settles, "reason": ""}
        db.execute(update(_decisions).where(*where).values(**values))


def reopen_batch(db: Db, scan_id: int, batch_id: int) -> None:
    """Let items be decided once more whose work still waits for a batch, which has ended."""
    left = select(_work.c.item_id).where(_work.c.batch_id == batch_id, _work.c.state == "deferred")
    where = (_decisions.c.scan_id == scan_id, _decisions.c.item_id.in_(left))
    db.execute(update(_decisions).where(*where).values(state="todo", settles="", reason=""))


def unanswered(db: Db, scan_id: int, item_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return (state, reason) of the work on these items that brought no answer."""
    columns = (_work.c.item_id, _work.c.state, _work.c.reason)
    where = (
        _work.c.scan_id == scan_id,
        _work.c.item_id.in_(item_ids),
        _work.c.state.notin_(ANSWERED),
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for item_id, state, reason in db.execute(select(*columns).where(*where)):
        found.setdefault(item_id, []).append((state, reason))
    return found


def counts(db: Db, scan_id: int) -> Counts:
    columns = (
        _decisions.c.state,
        func.count(),
        func.sum(_decisions.c.add_count),
        func.sum(_decisions.c.remove_count),
        func.sum(case((_decisions.c.add_count + _decisions.c.remove_count > 0, 1), else_=0)),
    )
    where = _decisions.c.scan_id == scan_id
    rows = db.execute(select(*columns).where(where).group_by(_decisions.c.state)).all()
    by_state = {row[0]: row[1] for row in rows}
    return Counts(
        todo=by_state.get("todo", 0),
        done=by_state.get("done", 0),
        failed=by_state.get("failed", 0),
        adds=sum(row[2] for row in rows),
        removes=sum(row[3] for row in rows),
        changed=sum(row[4] for row in rows),
        waiting=_waiting(db, scan_id),
        asked=_asked(db, scan_id),
        postponed=_count(db, scan_id, "postponed"),
        spared=_count(db, scan_id, "spared"),
        left_alone=_left_alone(db, scan_id),
    )


def _left_alone(db: Db, scan_id: int) -> int:
    where = (
        _decisions.c.scan_id == scan_id,
        _decisions.c.state == "done",
        _decisions.c.reason != "",
    )
    return db.execute(select(func.count()).select_from(_decisions).where(*where)).scalar_one()


def _waiting(db: Db, scan_id: int) -> dict[str, str]:
    where = (_work.c.scan_id == scan_id, _work.c.state.in_(("waiting", "postponed")))
    columns = (_work.c.engine, func.max(_work.c.reason))
    rows = db.execute(select(*columns).where(*where).group_by(_work.c.engine))
    return {row[0]: row[1] for row in rows}


def _count(db: Db, scan_id: int, state: str) -> dict[str, int]:
    where = (_work.c.scan_id == scan_id, _work.c.state == state)
    statement = select(_work.c.engine, func.count()).where(*where).group_by(_work.c.engine)
    return {row[0]: row[1] for row in db.execute(statement)}


def _asked(db: Db, scan_id: int) -> int:
    where = (_work.c.scan_id == scan_id, _work.c.state == "done")
    return db.execute(select(func.count()).select_from(_work).where(*where)).scalar_one()


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
    some = select(_work.c.id).where(*where).limit(limit)
    return db.execute(delete(_work).where(_work.c.id.in_(some))).rowcount > 0


def failures(db: Db, scan_id: int, *, limit: int = 20) -> list[tuple[str, str]]:
    """Return (what people know the item by, reason) of items that failed."""
    items = schema.items
    where = (_decisions.c.scan_id == scan_id, _decisions.c.state == "failed")
    columns = (items.c.key, items.c.title, _decisions.c.reason)
    statement = select(*columns).join(items).where(*where)
    rows = db.execute(statement.order_by(_decisions.c.id).limit(limit))
    return [(key if title in key else title, reason) for key, title, reason in rows]
