"""Scans and their states (docs/states.md draws them); the sections that they are of."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Update,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from tigertag import bounds
from tigertag.errors import Conflict, NotFound, Unstorable
from tigertag.model import Section
from tigertag.store import counters, scan_events, schema
from tigertag.store.database import Db, any_where, as_type, insert_one, insert_or_replace, now_s

_scans = schema.scans
_sections = schema.sections


_NEWEST = 10
_MOMENT_S = 1.0
NOT_COUNTED = "[]"
"""A forecast that has not come to its end."""


@dataclass(frozen=True, slots=True)
class ScanRow:
    """A scan. `source_id`: the scan that it applies or undoes.

    `forecast`: what a forecast has counted, as JSON; "" for a scan that is none. `without`: engines
    that it waits for no more. `accept_missing`: the user says that known items that are not listed
    are gone, however many. `missing`: how many known items it did not find, if it failed for that.
    `left_out`: what its listing left out, as JSON. `reason`: what started it by itself, else "".
    `pruned`: its details were too old to be kept.
    """

    id: int
    section_id: int
    section: Section
    kind: str
    mode: str
    write: str
    engines: tuple[str, ...]
    source_id: int | None
    state: str
    listed: int
    unchanged: int
    error: str
    created_at: datetime
    started_at: datetime | None
    resumed_at: datetime | None
    resumed_from: int
    finished_at: datetime | None
    summary: str = ""
    forecast: str = ""
    without: tuple[str, ...] = ()
    accept_missing: bool = False
    missing: int = 0
    left_out: str = ""
    reason: str = ""
    pruned: bool = False
    agreed: str = ""

    @property
    def is_unattended(self) -> bool:
        """Whether nobody has asked for it just now: it retries only what is due."""
        return bool(self.reason)

    @property
    def is_forecast(self) -> bool:
        """Whether it only counts what a scan like it would ask."""
        return bool(self.forecast)

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state in schema.UNENDED

    @property
    def is_preview(self) -> bool:
        return self.kind == "scan" and self.write == "preview" and not self.is_forecast


@dataclass(frozen=True, slots=True)
class NewScan:
    section_id: int
    kind: str = "scan"
    mode: str = "changed"
    write: str = "preview"
    engines: tuple[str, ...] = ()
    source_id: int | None = None
    forecast: bool = False
    accept_missing: bool = False
    reason: str = ""


def create(db: Db, new: NewScan) -> int:
    """Make a queued scan and the chunk that lists its items. Raises `Conflict`."""
    values = asdict(new) | {
        "engines": ",".join(new.engines),
        "state": "queued",
        "forecast": NOT_COUNTED if new.forecast else "",
        "created_at": datetime.now(UTC),
    }
    try:
        scan_id = insert_one(db, _scans, values)
    except IntegrityError as exc:
        message = "Another scan of this section is active; wait for it, or cancel it."
        raise Conflict(message) from exc
    db.execute(schema.chunks.insert().values(scan_id=scan_id, kind="list"))
    return scan_id


_OF_SECTION = (_sections.c.library, _sections.c.key, _sections.c.title)
_SELECT = select(_scans, *_OF_SECTION).join(_sections)


def _scans_where(db: Db, *where: ColumnElement[bool]) -> list[ScanRow]:
    """Return scans, the oldest first."""
    return [_row(row) for row in db.execute(_SELECT.where(*where).order_by(_scans.c.id))]


def _row(row: Row[Any]) -> ScanRow:
    return as_type(
        ScanRow,
        row,
        section=Section(row.library, row.key, row.title),
        engines=_names(row.engines),
        without=_names(row.without),
    )


def _names(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def get(db: Db, scan_id: int) -> ScanRow:
    """Return the scan. Raises `NotFound`."""
    rows = _scans_where(db, _scans.c.id == scan_id)
    if not rows:
        older = any_where(db, _scans.c.id > scan_id)
        gone = " One that decided nothing is kept for KEEP_DAYS only." if older else ""
        raise NotFound(f"There is no scan {scan_id}.{gone}")
    return rows[0]


def started_by(db: Db, name: str, *, since: datetime) -> list[ScanRow]:
    """Return the scans that this, perhaps with others, has started since, the newest first."""
    where = (_scans.c.reason.contains(name, autoescape=True), _scans.c.created_at >= since)
    rows = reversed(_scans_where(db, *where))
    return [row for row in rows if name in row.reason.split(", ")]


def decided_by(db: Db, scan: ScanRow) -> int:
    """Return the scan whose decisions an apply, an undo or a redo of it goes back to."""
    while scan.kind in ("undo", "redo") and scan.source_id is not None:
        scan = get(db, scan.source_id)
    return scan.id


def is_newest(db: Db, scan: ScanRow) -> bool:
    """Whether no later scan of the section has looked at its items."""
    later = (_scans.c.section_id == scan.section_id, _scans.c.id > scan.id)
    return not any_where(db, *later, _scans.c.kind == "scan")


def listed_last(db: Db, scan: ScanRow) -> datetime | None:
    """Return when the newest earlier scan began that has listed the section to its end."""
    where = (
        _scans.c.section_id == scan.section_id,
        _scans.c.id < scan.id,
        _scans.c.kind == "scan",
        _scans.c.mode.not_in(("decide", "sample", "retry")),
        _scans.c.forecast == "",
        _scans.c.state == "done",
    )
    newest = select(_scans.c.started_at).where(*where).order_by(_scans.c.id.desc()).limit(1)
    return db.scalar(newest)


def active(db: Db, section_id: int) -> ScanRow | None:
    """Return the scan that has the section to itself, if one has."""
    where = (_scans.c.section_id == section_id, _scans.c.state.in_(schema.ACTIVE))
    return next(iter(_scans_where(db, *where)), None)


def move(db: Db, scan_id: int, *, to: str, among: Sequence[str], error: str = "") -> bool:
    """Change the scan's state if it is one of `among`; False when it was not.

    Raises `Conflict` where another scan has the section to itself that this one wants.
    """
    now = datetime.now(UTC)
    values: dict[str, Any] = {"state": to, "error": error}
    if to == "running":
        values["started_at"] = func.coalesce(_scans.c.started_at, now)
        values["resumed_at"] = now
        of_scan = (schema.decisions.c.scan_id == scan_id, schema.decisions.c.state != "todo")
        values["resumed_from"] = select(func.count()).where(*of_scan).scalar_subquery()
    if to in schema.FINAL:
        values["finished_at"] = now
    where = (_scans.c.id == scan_id, _scans.c.state.in_(among))
    try:
        moved = db.execute(update(_scans).where(*where).values(**values)).rowcount == 1
    except IntegrityError as exc:
        raise Conflict(
            f"Scan {scan_id} waits, and another scan of its section is active; it goes on after"
            " that one. Nothing of it is lost."
        ) from exc
    if moved and to in schema.FINAL:
        _count_ended(db, scan_id)
        scan_events.record_end(db, scan_id)
    return moved


def _count_ended(db: Db, scan_id: int) -> None:
    """Count a scan that has just ended, and how long it took since it started."""
    scan = get(db, scan_id)
    if scan.is_forecast or scan.finished_at is None:
        return
    took = scan.finished_at - (scan.started_at or scan.finished_at)
    counters.add(
        db, {("scans", scan.state): 1, ("scan_s", scan.state): max(0.0, took.total_seconds())}
    )


def rest(db: Db, section_id: int) -> None:
    """Let the section go of a scan all of whose work waits for a later time.

    Its process may have died before it could say so.
    """
    where = (_scans.c.section_id == section_id, _scans.c.state == "running")
    db.execute(update(_scans).where(*where, _waits(_scans.c.id)).values(state="waiting"))


def is_late(db: Db, scan: ScanRow) -> bool:
    """Whether nobody is at work on a scan and all that is left of it waits for a later time."""
    may_wait = scan.state in ("running", "waiting")
    return may_wait and bool(db.scalar(select(_waits(literal(scan.id)))))


def _waits(scan_id: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(_is_left(scan_id), ~exists().where(_is_at_hand(scan_id)))


def _is_at_hand(scan_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a chunk of a scan is held, or due within a moment."""
    held = schema.chunks.c.state == "leased"
    due = and_(schema.chunks.c.state == "queued", schema.chunks.c.due_at <= now_s() + _MOMENT_S)
    return and_(schema.chunks.c.scan_id == scan_id, or_(held, due))


def _is_left(scan_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(schema.chunks.c.scan_id == scan_id, schema.chunks.c.state != "done")


def waiting(db: Db, section_id: int) -> list[ScanRow]:
    """Return the section's scans that wait, the oldest first."""
    return _scans_where(db, _scans.c.section_id == section_id, _scans.c.state == "waiting")


def finish(db: Db, scan_id: int) -> bool:
    """End the scan as done when none of its chunks is left; False when one is, or it has ended."""
    where = (_scans.c.id == scan_id, _scans.c.state == "running", ~_is_left(_scans.c.id))
    values = {"state": "done", "finished_at": datetime.now(UTC)}
    finished = db.execute(update(_scans).where(*where).values(**values)).rowcount == 1
    if finished:
        _count_ended(db, scan_id)
        scan_events.record_end(db, scan_id)
    return finished


def summarise(db: Db, scan_id: int, summary: str) -> None:
    """Keep the counts of a scan that has ended, so that they need not be counted again."""
    ended = (_scans.c.id == scan_id, _scans.c.state.in_(schema.FINAL))
    db.execute(update(_scans).where(*ended).values(summary=summary))


def to_let_go(db: Db, section_id: int) -> list[ScanRow]:
    """Return those of a section's newest ended scans of which all is still there."""
    ended = (_scans.c.section_id == section_id, _scans.c.state.in_(schema.FINAL))
    newest = select(_scans.c.id).where(*ended).order_by(_scans.c.id.desc()).limit(_NEWEST)
    of_scan = schema.chunks.c.scan_id == _scans.c.id
    listing = exists().where(of_scan, schema.chunks.c.kind == "list")
    batches = schema.batches
    batch = exists().where(batches.c.scan_id == _scans.c.id, batches.c.state != "done")
    return _scans_where(db, _scans.c.id.in_(newest), listing, ~batch)


def page(db: Db, *, before: int | None, limit: int) -> list[ScanRow]:
    """Return scans, the newest first, from those older than `before` on."""
    statement = _SELECT.order_by(_scans.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_scans.c.id < before)
    return [_row(row) for row in db.execute(statement)]


def ended_since(db: Db, since: datetime) -> list[ScanRow]:
    """Return the scans that have ended since a time, the oldest first; no forecasts."""
    ended = (_scans.c.state.in_(schema.FINAL), _scans.c.finished_at >= since)
    return _scans_where(db, *ended, _scans.c.forecast == "")


def hold(db: Db, scan_id: int) -> ScanRow:
    """Return the scan, and let nobody else hold it until this transaction ends."""
    db.execute(update(_scans).where(_scans.c.id == scan_id).values(id=_scans.c.id))
    return get(db, scan_id)


def leave_out(db: Db, scan: ScanRow, engine: str) -> None:
    """Let the scan wait no more for an engine."""
    put(db, scan.id, without=",".join(dict.fromkeys((*scan.without, engine))))


def put(db: Db, scan_id: int, **values: Any) -> None:
    """Change columns of a scan: `listed`, `unchanged`, `forecast`, `left_out`, `missing`."""
    db.execute(update(_scans).where(_scans.c.id == scan_id).values(**values))


def made_from(db: Db, scan_id: int) -> list[ScanRow]:
    """Return the scans that apply or undo a scan, the newest first."""
    return _scans_where(db, _scans.c.source_id == scan_id)[::-1]


def every_active(db: Db) -> list[ScanRow]:
    """Return the scans that have not ended, the oldest first."""
    return _scans_where(db, _scans.c.state.in_(schema.UNENDED))


@dataclass(frozen=True, slots=True)
class RecentScan:
    """What an overview needs of a scan: whole rows of thousands of them take half a second."""

    id: int
    kind: str
    write: str
    state: str
    resumed_at: datetime | None
    resumed_from: int
    finished_at: datetime | None
    summary: str


def worked_on_since(db: Db, since: datetime) -> list[RecentScan]:
    """Return the scans that have ended since then, and those at work; no forecasts."""
    columns = [_scans.c[field.name] for field in fields(RecentScan)]
    recent = or_(_scans.c.finished_at >= since, _scans.c.state.in_(schema.UNENDED))
    rows = db.execute(select(*columns).where(recent, _scans.c.forecast == ""))
    return [RecentScan(*row) for row in rows]


def ensure_section(db: Db, section: Section) -> int:
    """Return the section's id, making its row when it is new. Raises `Unstorable`."""
    if not bounds.fits(section.id, bounds.TITLE):
        raise Unstorable("This section's id is too long to be kept, so it cannot be scanned.")
    title = bounds.cut(section.title, bounds.TITLE)
    row = {"library": section.library, "key": section.id, "title": title}
    insert_or_replace(db, _sections, [row], key=["library", "key"])
    return find_section(db, section.library, section.id)


def find_section(db: Db, library: str, key: str) -> int:
    """Return the section's id; 0 when it has never been scanned."""
    where = (_sections.c.library == library, _sections.c.key == key)
    return db.scalar(select(_sections.c.id).where(*where)) or 0


def scanned_sections(db: Db, library: str) -> list[str]:
    """Return the ids of a library's sections that were scanned, by more than a forecast's look."""
    looks = (_scans.c.kind == "scan", _scans.c.forecast == "", _scans.c.mode != "sample")
    scanned = exists().where(_scans.c.section_id == _sections.c.id, *looks)
    where = (_sections.c.library == library, scanned)
    return list(db.scalars(select(_sections.c.key).where(*where).order_by(_sections.c.id)))


def sections_called(db: Db, library: str, name: str) -> list[int]:
    """Return the sections of a library with this id or title that have been scanned."""
    called = or_(_sections.c.key == name, _sections.c.title == name)
    return list(db.scalars(select(_sections.c.id).where(_sections.c.library == library, called)))


def sections_of_source(db: Db, library: str, source: str) -> list[int]:
    """Return all sections in which the items of a source may have been scanned.

    Those that were scanned in it under whatever name, those of which it was not known, and, where
    nothing tells sources apart ("", see `Library.identity`), those of this library.
    """
    known = _sections.c.source.in_(("", bounds.mark(source)))
    where = known if source else or_(known, _sections.c.library == library)
    return list(db.scalars(select(_sections.c.id).where(where)))


def canary_passed(db: Db, section_id: int) -> bool:
    """Whether the section's first write has passed."""
    canary = db.execute(select(_sections.c.canary).where(_sections.c.id == section_id)).scalar_one()
    return bool(canary == "passed")


def is_of_source(db: Db, section_id: int, source: str) -> bool:
    """Whether a section was always scanned in this source; the first one is taken down."""
    source = bounds.mark(source)
    where = (_sections.c.id == section_id, _sections.c.source.in_(("", source)))
    return db.execute(update(_sections).where(*where).values(source=source)).rowcount == 1


def mounts(db: Db, section_id: int) -> list[str]:
    """Return which folders were file systems of their own when all was last listed."""
    kept = db.scalar(select(_sections.c.mounts).where(_sections.c.id == section_id))
    return json.loads(kept) if kept else []


def put_mounts(db: Db, section_id: int, folders: Iterable[str]) -> None:
    kept = json.dumps(sorted(folders))
    db.execute(update(_sections).where(_sections.c.id == section_id).values(mounts=kept))


def claim_canary(db: Db, section_id: int, *, by: str, lease_s: float) -> bool:
    """Take on the first write to the section; False when it is passed or another's.

    `by` names this claim alone: one that ran out and was taken over can neither be renewed nor
    ended any more.
    """
    free = or_(
        _sections.c.canary == "none",
        (_sections.c.canary == "claimed") & (_sections.c.canary_until < now_s()),
    )
    claim = update(_sections).where(_sections.c.id == section_id, free)
    claimed = claim.values(canary="claimed", canary_until=now_s() + lease_s, canary_by=by)
    return db.execute(claimed).rowcount == 1


def renew_canary(db: Db, section_id: int, *, by: str, lease_s: float) -> None:
    """Keep a claim while its write is under way."""
    db.execute(_claimed(section_id, by).values(canary_until=now_s() + lease_s))


def end_canary(db: Db, section_id: int, *, by: str, passed: bool) -> None:
    db.execute(_claimed(section_id, by).values(canary="passed" if passed else "none"))


def pass_canary(db: Db, section_id: int) -> None:
    """The first write has passed, whoever has a claim to another one."""
    db.execute(update(_sections).where(_sections.c.id == section_id).values(canary="passed"))


def _claimed(section_id: int, by: str) -> Update:
    mine = (_sections.c.canary == "claimed", _sections.c.canary_by == by)
    return update(_sections).where(_sections.c.id == section_id, *mine)
