"""Schedules, listed with their next and last runs.

Those of the settings are defaults; one that the user has changed stands in the database.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from tigertag import cron
from tigertag.core import Core
from tigertag.errors import NotFound, RequestError, TigerTagError
from tigertag.settings import ScheduleSettings
from tigertag.store import Db, database, scan_requests, scans, schedules
from tigertag.store.scan_requests import ScanRequestRow, Wanted
from tigertag.store.scans import ScanRow
from tigertag.store.schedules import FiringRow
from tigertag.text import count, did_you_mean

_NEXT, _RUNS = 3, 5


def reason(schedule: str) -> str:
    """What the scans of a schedule are said to be started by."""
    return f"schedule {schedule}"


def every(core: Core) -> list[ScheduleSettings]:
    """Return all schedules, by id."""
    with core.store.read() as db:
        return effective(core, schedules.every(db))


def effective(core: Core, own: Mapping[str, ScheduleSettings]) -> list[ScheduleSettings]:
    """Return the settings' schedules and the user's, which go before those of the same id."""
    defaults = {schedule.id: schedule for schedule in core.default_schedules}
    return [schedule for _id, schedule in sorted({**defaults, **own}.items())]


def get(core: Core, schedule_id: str) -> ScheduleSettings:
    """Return a schedule. Raises `NotFound`."""
    known = {schedule.id: schedule for schedule in every(core)}
    schedule = known.get(schedule_id.casefold())
    if schedule is None:
        raise NotFound(f"There is no schedule {schedule_id!r}{did_you_mean(schedule_id, known)}")
    return schedule


@dataclass(frozen=True, slots=True)
class Run:
    """A time that has come. `outcome`: what became of it, in words; `scans`: the newest first."""

    due_at: datetime
    kind: str
    outcome: str
    scans: tuple[ScanRow, ...]


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule with its next runs and its last ones, the newest first.

    `words`: when it runs; `waiting`: why a scan of it has not started yet, "" when none waits.
    `from_settings`: whether the settings have it; `changed`: whether the database does.
    """

    schedule: ScheduleSettings
    words: str
    problem: str
    waiting: str
    next_runs: tuple[datetime, ...]
    runs: tuple[Run, ...]
    from_settings: bool
    changed: bool


def listed(core: Core) -> list[ScheduleView]:
    """Return all schedules, by id."""
    with core.store.read() as db:
        own = schedules.every(db)
        waiting = scan_requests.waiting(db)
    return [_view(core, schedule, own, waiting) for schedule in effective(core, own)]


def view(core: Core, schedule_id: str) -> ScheduleView:
    """Return one of them. Raises `NotFound`."""
    schedule = get(core, schedule_id)
    return next(each for each in listed(core) if each.schedule.id == schedule.id)


def _view(
    core: Core,
    schedule: ScheduleSettings,
    own: Mapping[str, ScheduleSettings],
    requests: Sequence[ScanRequestRow],
) -> ScheduleView:
    problem = problem_of(core, schedule)
    name = reason(schedule.id)
    waits = [request.problem for request in requests if name in request.reason.split(", ")]
    waiting = next(filter(None, waits), "It starts in a moment.") if waits else ""
    with core.store.read() as db:
        at = now(db)
        firings = schedules.firings(db, schedule.id, limit=_RUNS)
        since = min((firing.fired_at for firing in firings), default=at)
        started = scans.started_by(db, name, since=since)
    words: str = schedule.cron
    times: tuple[datetime, ...] = ()
    with suppress(RequestError):
        words, times = _preview(core, schedule.cron, at)
    runs_next = schedule.enabled and not problem
    return ScheduleView(
        schedule,
        words,
        problem,
        waiting,
        times if runs_next else (),
        tuple(_runs(firings, started, waiting)),
        schedule.id in {default.id for default in core.default_schedules},
        schedule.id in own,
    )


def preview(core: Core, line: str) -> tuple[str, tuple[datetime, ...]]:
    """Say when a line of cron fires, and its next three times. Raises `RequestError`."""
    with core.store.read() as db:
        at = now(db)
    return _preview(core, line, at)


def _preview(core: Core, line: str, at: datetime) -> tuple[str, tuple[datetime, ...]]:
    parsed = cron.parse(line)
    times = islice(parsed.times(at, core.timezone), _NEXT)
    return f"{cron.in_words(parsed)}, {core.timezone}", tuple(times)


def _runs(firings: Sequence[FiringRow], started: Sequence[ScanRow], waiting: str) -> Iterator[Run]:
    """Yield each run with the scans that started between it and the next."""
    until: datetime | None = None
    for firing in firings:
        own = tuple(
            scan
            for scan in started
            if scan.created_at >= firing.fired_at and (until is None or scan.created_at < until)
        )
        is_last, until = until is None, firing.fired_at
        yield Run(firing.due_at, firing.kind, _outcome(firing, own, waiting, is_last), own)


def _outcome(firing: FiringRow, own: Sequence[ScanRow], waiting: str, is_last: bool) -> str:
    if firing.kind == "missed":
        return "left out: TigerTag was not running, and more than 12 hours had passed"
    late = "late, as TigerTag was not running: " if firing.kind == "late" else ""
    if is_last and waiting:
        return f"{late}waiting: {waiting}"
    if not own:
        return late + ("not started; Events say why" if is_last else "became one with the next run")
    states = Counter(scan.state for scan in own)
    return late + ", ".join(
        state if number == len(own) == 1 else f"{count(number, 'scan')} {state}"
        for state, number in states.items()
    )


def problem_of(core: Core, schedule: ScheduleSettings) -> str:
    """Say in one line why a schedule cannot run, "" when it can."""
    if schedule.problem:
        return schedule.problem
    try:
        core.unopened_library(schedule.library)
        for name in schedule.engines:
            core.engine(name)
    except TigerTagError as exc:
        return str(exc)
    return ""


def wanted(schedule: ScheduleSettings) -> Wanted:
    """Return the scan that a schedule asks for."""
    return Wanted(
        schedule.library.casefold(),
        schedule.section,
        schedule.mode,
        schedule.write,
        tuple(name.casefold() for name in schedule.engines),
    )


def now(db: Db) -> datetime:
    """The database's time: all processes go by it."""
    return datetime.fromtimestamp(database.now(db), UTC)
