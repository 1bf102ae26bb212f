"""What users should be told of when it begins and when it ends, by what the database says of it."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tigertag.core import Core
from tigertag.errors import TigerTagError
from tigertag.model import NoticeKind
from tigertag.plugins import is_switched_off
from tigertag.scan import spool
from tigertag.scan.write import is_spoilt
from tigertag.services import events, health, libraries, machine, spending, workers
from tigertag.services.views import MonthOfUse
from tigertag.store import engine_state, notices, usage
from tigertag.store.engine_state import StopRow
from tigertag.store.notices import ConditionRow
from tigertag.store.usage import Limits
from tigertag.text import count, usd

_LIBRARY_PATIENCE_S = 15 * 60.0
_ENGINE_PATIENCE_S = 5 * 60.0
"""An engine that is tried again by itself may answer in a moment."""
_WORKER_PATIENCE_S = 60.0
"""Workers that are being started, or that are moved to another machine."""

# A reservation that is given back, or a file that is deleted, must not end and begin it in turns.
_LOW, _LOW_ENDS = 0.8, 0.7
_USED_UP, _USED_UP_ENDS = 1.0, 0.95
_SPACE_ENDS = 1.2

_ENGINES = (NoticeKind.ENGINE_STOPPED, NoticeKind.BUDGET_LOW, NoticeKind.BUDGET_USED_UP)
_SCANS = (NoticeKind.SCAN_FAILED, NoticeKind.CANARY_REFUSED)

FROM_DATABASE = (
    *_ENGINES,
    *_SCANS,
    NoticeKind.WORKER_MISSING,
    NoticeKind.BACKUP_FAILED,
    NoticeKind.DISK_LOW,
)
FROM_LIBRARIES = (NoticeKind.LIBRARY_UNREACHABLE,)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong. `subject`: what, among those of its kind.

    It is announced once it has lasted for `patience_s`. `begins`: whether it is enough to begin;
    else it merely holds where it has begun.
    """

    kind: NoticeKind
    subject: str
    title: str
    detail: str = ""
    patience_s: float = 0.0
    begins: bool = True


def from_database(core: Core) -> list[Condition]:
    """Return the conditions of `FROM_DATABASE`; asks no server. Raises `StoreError`."""
    with core.store.read() as db:
        stops = engine_state.stops(db)
    found = [*_engines(core, stops), *_scans(core), *_workers(core)]
    return [*found, *_backup(core), *_disk(core)]


def from_libraries(core: Core) -> list[Condition]:
    """Return the libraries that do not answer; asks each. Raises `StoreError`."""
    return [
        Condition(
            NoticeKind.LIBRARY_UNREACHABLE,
            view.id,
            f"Library {view.id} cannot be used",
            view.problem,
            patience_s=_LIBRARY_PATIENCE_S,
        )
        for view in libraries.listed(core)
        if view.problem and not is_switched_off(view.problem)
    ]


def is_judged_here(core: Core, row: ConditionRow) -> bool:
    """Whether this process can tell that a condition has ended.

    Processes that share a database may have other engines, libraries and disks.
    """
    if row.kind in _ENGINES:
        return row.subject in {entry.id for entry in core.engines}
    if row.kind in (*_SCANS, *FROM_LIBRARIES):
        return row.subject.partition("/")[0] in {entry.id for entry in core.libraries}
    if row.kind is NoticeKind.WORKER_MISSING:
        return core.is_clustered
    return row.kind is not NoticeKind.DISK_LOW or row.subject == _home_name(core)


def _engines(core: Core, stops: dict[str, StopRow]) -> Iterator[Condition]:
    now, months = datetime.now(UTC), spending.months(core)
    for entry in core.engines:
        if entry.engine is None:
            continue
        stop, month = stops.get(entry.id), months.get(entry.id)
        spent = entry.limits != Limits() and stop and stop.until == usage.next_month(now)
        if month is not None:
            yield from _budget(core, month, is_refused=bool(spent))
        share = 0.0 if month is None else _share(month)
        if stop is not None and not spent and share < _USED_UP:
            yield _stopped(core, stop, now)


def _stopped(core: Core, stop: StopRow, now: datetime) -> Condition:
    again = "The next scan tries it again."
    if stop.until is not None:
        again = f"It is tried again at {stop.until.astimezone(core.timezone):%-d %B, %H:%M}."
    return Condition(
        NoticeKind.ENGINE_STOPPED,
        stop.engine,
        f"Engine {stop.engine} has stopped",
        f"{stop.reason} {again}",
        patience_s=0.0 if stop.until is None else _ENGINE_PATIENCE_S,
        begins=stop.until is None or stop.until > now,
    )


def _budget(core: Core, month: MonthOfUse, *, is_refused: bool) -> Iterator[Condition]:
    """Say how far a budget is used; `is_refused`: a call was refused, as too much for the rest."""
    share = _share(month)
    used = []
    if month.units_limit is not None:
        used.append(f"{month.units} of {count(month.units_limit, 'call')}")
    if month.usd_limit is not None:
        used.append(f"{usd(month.cost_usd)} of {usd(month.usd_limit)}")
    renewal = f"It renews on {month.renews_at.astimezone(core.timezone):%-d %B}."
    detail = f"Used this month: {', '.join(used)}. {renewal}"
    if share >= _LOW_ENDS or is_refused:
        yield Condition(
            NoticeKind.BUDGET_LOW,
            month.engine,
            f"Engine {month.engine} has used 80 % of its monthly budget",
            detail,
            begins=share >= _LOW or is_refused,
        )
    if share >= _USED_UP_ENDS or is_refused:
        yield Condition(
            NoticeKind.BUDGET_USED_UP,
            month.engine,
            f"Engine {month.engine} has used up its monthly budget",
            f"{detail} Until then nothing more is sent to it.",
            begins=share >= _USED_UP or is_refused,
        )


def _share(month: MonthOfUse) -> float:
    """How much of a budget is used: the larger share of calls and money."""
    pairs = ((month.units, month.units_limit), (month.cost_usd, month.usd_limit))
    return max(
        (used / limit if limit else 1.0 for used, limit in pairs if limit is not None), default=0.0
    )


def _scans(core: Core) -> Iterator[Condition]:
    with core.store.read() as db:
        failed = notices.failing_sections(db)
    for scan in failed:
        detail = f"Scan {scan.id}: {scan.error}"
        if is_spoilt(scan.error):
            title = f"The first write to {scan.section_name} was refused"
            yield Condition(NoticeKind.CANARY_REFUSED, scan.path, title, detail)
        title = f"Scan failed in {scan.section_name}"
        yield Condition(NoticeKind.SCAN_FAILED, scan.path, title, detail)


def _workers(core: Core) -> Iterator[Condition]:
    if not core.is_clustered:
        return
    kind, shown = NoticeKind.WORKER_MISSING, workers.overview(core)
    if shown.problem:
        title = "Nothing is sent to workers"
        yield Condition(kind, "", title, shown.problem, patience_s=_WORKER_PATIENCE_S)
    for scan_id, problem in shown.without_worker.items():
        title = f"Nobody can work on scan {scan_id}"
        yield Condition(kind, str(scan_id), title, problem, patience_s=_WORKER_PATIENCE_S)


def _backup(core: Core) -> Iterator[Condition]:
    newest = events.recent(core, levels=("info", "error"), source="backup", limit=1)
    if newest and newest[0].level == "error":
        yield Condition(NoticeKind.BACKUP_FAILED, "", "The backup failed", newest[0].message)


def _disk(core: Core) -> Iterator[Condition]:
    """Yield a disk that is nearly full; what cannot be looked at is not known to be."""
    disk = machine.disk(core.home)
    if disk is not None and disk.free_bytes < health.LITTLE_SPACE_BYTES * _SPACE_ENDS:
        yield Condition(
            NoticeKind.DISK_LOW,
            _home_name(core),
            f"The disk of {core.home} is nearly full",
            f"{disk.free_bytes // 1_000_000} MB are left. Free space: without it TigerTag cannot"
            " keep what engines answer.",
            begins=disk.free_bytes < health.LITTLE_SPACE_BYTES,
        )


def _home_name(core: Core) -> str:
    """Name this home among those that share a database; a full disk may not take its mark yet."""
    with suppress(TigerTagError):
        return spool.home_id(core)
    return socket.gethostname()
