"""Schedules that the user adds, changes, removes and runs now; they stand in the database."""

import re
from dataclasses import replace

from tigertag import cron
from tigertag.bounds import NAME
from tigertag.core import Core
from tigertag.errors import Conflict, RequestError
from tigertag.services.schedules import effective, get, now, problem_of, reason, wanted
from tigertag.settings import ScheduleSettings
from tigertag.settings.model import SCHEDULE_MODES, SCHEDULE_WRITES
from tigertag.store import scan_requests, schedules

_ID = re.compile(rf"[a-z0-9]{{1,{NAME}}}")


def add(core: Core, schedule: ScheduleSettings) -> ScheduleSettings:
    """Add a schedule. Raises `Conflict` where its id is taken, `RequestError`, `LibraryError`."""
    checked = _checked(core, replace(schedule, id=schedule.id.casefold()), find_section=True)
    with core.store.write() as db:
        if checked.id in {known.id for known in effective(core, schedules.every(db))}:
            raise Conflict(
                f"There is a schedule {checked.id} already; change it, or choose a name."
            )
        schedules.put(db, checked)
    return checked


def change(core: Core, schedule_id: str, **changes: object) -> ScheduleSettings:
    """Change fields of a schedule; the settings' own stay as they are, and count no more.

    Raises `NotFound`, `RequestError`, `LibraryError`.
    """
    before = get(core, schedule_id)
    after = replace(before, **changes, problem="")  # type: ignore[arg-type]
    moved = (before.library, before.section) != (after.library, after.section)
    checked = _checked(core, after, find_section=moved)
    with core.store.write() as db:
        schedules.put(db, checked)
    return checked


def remove(core: Core, schedule_id: str) -> None:
    """Remove a schedule, or what was changed of one of the settings. Raises `NotFound`, `Conflict`.

    The scans that it has started stay.
    """
    schedule = get(core, schedule_id)
    with core.store.write() as db:
        if schedule.id not in schedules.every(db):
            raise Conflict(
                f"Schedule {schedule.id} comes from the settings SCHEDULE_{schedule.id.upper()}_…;"
                " remove them and restart, or pause it."
            )
        schedules.remove(db, schedule.id)


def run(core: Core, schedule_id: str) -> ScheduleSettings:
    """Ask for a schedule's scan now, paused or not. Raises `NotFound`, `RequestError`."""
    schedule = get(core, schedule_id)
    problem = problem_of(core, schedule)
    if problem:
        raise RequestError(f"Schedule {schedule.id} cannot run: {problem}")
    with core.store.write() as db:
        schedules.add_firing(db, schedule.id, now(db), "manual")
        scan_requests.want(db, wanted(schedule), reason=reason(schedule.id))
    return schedule


def _checked(core: Core, schedule: ScheduleSettings, *, find_section: bool) -> ScheduleSettings:
    """Return the schedule as it is kept. Raises `RequestError`, `PluginError`, `LibraryError`."""
    if not _ID.fullmatch(schedule.id):
        raise RequestError(
            f"A schedule's name has 1 to {NAME} letters and digits, such as nightly."
        )
    line = cron.parse(schedule.cron).line
    if schedule.mode not in SCHEDULE_MODES or schedule.write not in SCHEDULE_WRITES:
        modes, writes = ", ".join(SCHEDULE_MODES), ", ".join(SCHEDULE_WRITES)
        raise RequestError(f"A schedule's mode is one of {modes}, its write one of {writes}.")
    entry = core.library_entry(schedule.library)
    section = schedule.section
    if section and find_section:
        section = core.section(core.library(entry.id), section).id
    engines = tuple(dict.fromkeys(core.engine(name).id for name in schedule.engines))
    return replace(schedule, cron=line, library=entry.id, section=section, engines=engines)
