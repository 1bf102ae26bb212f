"""Engines as they are now: listed, tried, and the faces that they know."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime

from tigertag.contracts import NOTICE, Checkable, Enrolled, Enrolling, KnowingFaces, PersonStatus
from tigertag.core import Core, EngineEntry
from tigertag.errors import NotFound, RequestError, TigerTagError
from tigertag.net import urgent
from tigertag.plugins import is_switched_off
from tigertag.scan import calls
from tigertag.services import spending
from tigertag.services.views import Checked, EngineView, MonthOfUse
from tigertag.store import engine_state, usage
from tigertag.store.engine_state import StopRow
from tigertag.store.usage import Amount
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_PATIENCE_S = 60.0
_NO_ANSWER = "It has not answered within a minute. TigerTag is still trying; check again later."


def check(core: Core, names: Sequence[str] = ()) -> list[Checked]:
    """Try engines, all that are switched on or those named; spends nothing. Raises `NotFound`.

    One that can be reached again is no longer shown as stopped.
    """
    entries = [core.engine(name) for name in names] or [
        entry for entry in core.engines if not is_switched_off(entry.problem)
    ]
    # Each on a thread of its own, which is left behind where an engine hangs.
    pool = ThreadPoolExecutor(len(entries) or 1, thread_name_prefix="tigertag-check")
    tried = [pool.submit(_tried, entry) for entry in entries]
    pool.shutdown(wait=False)
    wait(tried, timeout=_PATIENCE_S)
    results = [
        future.result() if future.done() else Checked(entry.id, False, _NO_ANSWER)
        for entry, future in zip(entries, tried, strict=True)
    ]
    return [_lifted(core, checked) if checked.ok else checked for checked in results]


def _tried(entry: EngineEntry) -> Checked:
    if entry.engine is None:
        return Checked(entry.id, False, entry.problem)
    try:
        with urgent():
            if isinstance(entry.engine, Checkable):
                return Checked(entry.id, True, one_line(entry.engine.check()))
            entry.engine.open()
    except TigerTagError as exc:
        return Checked(entry.id, False, one_line(str(exc)))
    except Exception:
        logger.exception("checking engine %s hit a bug", entry.id)
        return Checked(entry.id, False, "It failed because of a bug; see the log.")
    return Checked(entry.id, True, "Ready.")


def _lifted(core: Core, checked: Checked) -> Checked:
    """It can be asked again, unless its budget of this month is used up."""
    now, limits = datetime.now(UTC), core.engine(checked.engine).limits
    with core.store.write() as db:
        taken = usage.of_month(db, now)
        if limits.are_reached(taken.get(checked.engine, Amount())):
            why = calls.used_up(checked.engine, limits, taken, now)
            return Checked(checked.engine, False, f"{checked.line} {why}")
        engine_state.lift_stop(db, checked.engine)
    core.circuits.close(checked.engine)
    return checked


@dataclass(frozen=True, slots=True)
class PeopleCheck:
    """What is wrong with the people's file and pictures, and what is merely odd, by line."""

    wrong: tuple[str, ...]
    odd: tuple[str, ...]


def check_people(core: Core, engine: str = "") -> PeopleCheck:
    """Look at the file and at each picture; asks nobody. Raises `TigerTagError`."""
    wrong, odd = _knowing_faces(core, engine).check_people()
    return PeopleCheck(tuple(wrong), tuple(odd))


def enrol(core: Core, engine: str = "") -> Enrolled:
    """Bring the service up to date with the file, by difference. Raises `TigerTagError`."""
    plugin = _knowing_faces(core, engine)
    with urgent():
        plugin.open()
        return plugin.enrol(calls.run_context(core, plugin.id))


def people(core: Core, engine: str = "") -> list[PersonStatus]:
    """Return who is in the file and who is known there. Raises `TigerTagError`."""
    plugin = _knowing_faces(core, engine)
    with urgent():
        return plugin.people()


def _knowing_faces(core: Core, name: str) -> KnowingFaces:
    """Return the engine of this name, or the only one that knows faces."""
    if name:
        entry = core.engine(name)
        if isinstance(entry.engine, KnowingFaces):
            return entry.engine
        if entry.engine is None:
            raise entry.unusable()
        raise RequestError(f"Engine {entry.id} does not recognise faces; it is {entry.name}.")
    engines: list[object] = [entry.engine for entry in core.engines]
    usable = [engine for engine in engines if isinstance(engine, KnowingFaces)]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(engine.id for engine in usable)
        raise RequestError(f"Several engines recognise faces; choose one with --engine: {names}.")
    for entry in core.engines:
        if entry.name == "tigertag.compreface":
            raise entry.unusable()
    raise NotFound("No engine that recognises faces is configured; see docs/engines/compreface.md.")


def listed(core: Core) -> tuple[EngineView, ...]:
    """Return the configured engines, in the order in which they are asked."""
    ordered = sorted(core.engines, key=lambda entry: (entry.order, entry.id))
    with core.store.read() as db:
        stopped = engine_state.stops(db)
        notices = engine_state.state_of_all(db, NOTICE)
    months = spending.months(core)
    return tuple(
        _view(entry, stopped.get(entry.id), notices.get(entry.id, ""), months.get(entry.id))
        for entry in ordered
    )


def _view(
    entry: EngineEntry, stop: StopRow | None, notice: str, month: MonthOfUse | None
) -> EngineView:
    if entry.engine is None:
        status = "off" if is_switched_off(entry.problem) else "failing"
        return EngineView(entry.id, entry.name, status, entry.problem)
    return EngineView(
        entry.id,
        entry.name,
        "ready" if stop is None else "stopped",
        "" if stop is None else stop.reason,
        local=entry.engine.capabilities.local,
        min_confidence=min(1.0, entry.thresholds.lowest),
        until=None if stop is None else stop.until,
        notice=notice or entry.engine.capabilities.notice,
        paid=entry.paid,
        only_uncertain=entry.only_uncertain,
        knows_faces=isinstance(entry.engine, Enrolling),
        use=month,
    )
