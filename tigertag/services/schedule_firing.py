"""Firing schedules whose time has come.

A time is taken in the transaction that asks for its scan, so it is fired once, however many
processes run and whenever one is killed.
"""

import logging
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tigertag import cron
from tigertag.core import Core
from tigertag.errors import TigerTagError
from tigertag.services.schedules import effective, now, problem_of, reason, wanted
from tigertag.settings import ScheduleSettings
from tigertag.store import Db, events, scan_requests, schedules
from tigertag.store.schedules import ClockRow

logger = logging.getLogger(__name__)

GRACE = timedelta(hours=12)
"""How late a time that was slept through is still made up for."""
_PUNCTUAL = timedelta(minutes=15)


def fire_due(core: Core, definitions: dict[str, str] | None = None) -> None:
    """Fire what is due, once whichever processes look; what cannot run here is left alone.

    `definitions`: when each schedule fires by the settings of this process, as it knew at its last
    look. Where others differ, as in TZ, whichever has begun last decides, and the others leave its
    clock alone: they would set each other's back, and no time would ever come.
    """
    known = {} if definitions is None else definitions
    with core.store.read() as db:
        own, clocks, at = schedules.every(db), schedules.clocks(db), now(db)
    for schedule in effective(core, own):
        if problem_of(core, schedule):
            continue
        definition = f"{schedule.cron} {core.timezone}" if schedule.enabled else ""
        is_news, known[schedule.id] = known.get(schedule.id) != definition, definition
        clock = clocks.get(schedule.id)
        if clock is not None and clock.definition == definition:
            if schedule.enabled:
                _fire(core, schedule, clock, at)
        elif clock is None or is_news:
            _start_clock(core, schedule.id, definition, at)
        elif _is_overdue(clock, at):
            _start_clock(core, schedule.id, definition, clock.dealt_with)


def _start_clock(core: Core, schedule: str, definition: str, since: datetime) -> None:
    with core.store.write() as db:
        schedules.start_clock(db, schedule, definition, since)
    logger.info("schedule %s: it is %s", schedule, repr(definition) if definition else "paused")


def _is_overdue(clock: ClockRow, at: datetime) -> bool:
    """Whether a time has passed that no process has dealt with: those that would are gone."""
    line, _blank, zone = clock.definition.rpartition(" ")
    if not line:
        return False
    try:
        due = next(cron.parse(line).times(clock.dealt_with, ZoneInfo(zone)), None)
    except (TigerTagError, ValueError, ZoneInfoNotFoundError):
        return True
    return due is not None and due < at - _PUNCTUAL


def _fire(core: Core, schedule: ScheduleSettings, clock: ClockRow, at: datetime) -> None:
    due, kind = _due(core, schedule, clock.dealt_with, at)
    if not due:
        return
    with core.store.write() as db:
        # Of many nights that were missed one is noted: the clock goes on to now.
        if not schedules.advance(db, clock, at if kind == "missed" else due[-1]):
            return
        for time in due:
            schedules.add_firing(db, schedule.id, time, kind)
        if kind != "missed":
            scan_requests.want(db, wanted(schedule), reason=reason(schedule.id))
        if kind != "due":
            _record(db, core, schedule, due[-1], kind)
    logger.info("schedule %s: %s", schedule.id, kind)


def _due(
    core: Core, schedule: ScheduleSettings, after: datetime, at: datetime
) -> tuple[list[datetime], str]:
    """Return the times that have come since one, and whether they are due, late or missed.

    After a time in which TigerTag did not run, one run stands for all that it has slept through.
    """
    line = cron.parse(schedule.cron)
    since = max(after, at - GRACE)
    times = list(takewhile(lambda time: time <= at, line.times(since, core.timezone)))
    punctual = [time for time in times if time >= at - _PUNCTUAL]
    if times:
        return (punctual, "due") if punctual else (times[-1:], "late")
    missed = next(line.times(after, core.timezone), None)
    return ([missed] if missed is not None and missed <= at else []), "missed"


def _record(db: Db, core: Core, schedule: ScheduleSettings, due: datetime, kind: str) -> None:
    time = f"{due.astimezone(core.timezone):%-d %B, %H:%M}"
    then = (
        "it runs now"
        if kind == "late"
        else "more than 12 hours have passed, so that run is left out"
    )
    message = f"Schedule {schedule.id}: TigerTag was not running at its time ({time}); {then}."
    events.record(db, "warning" if kind == "missed" else "info", "schedule", message)
