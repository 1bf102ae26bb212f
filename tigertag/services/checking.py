"""Engines tried, each by itself: what was found, in one line."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tigertag.contracts import Checkable
from tigertag.errors import TigerTagError
from tigertag.services import calls
from tigertag.services.core import Core, EngineEntry
from tigertag.services.views import Checked
from tigertag.store import stops, use
from tigertag.store.use import Amount
from tigertag.wording import one_line

logger = logging.getLogger(__name__)

_AT_ONCE = 4


def check(core: Core, names: Sequence[str] = ()) -> list[Checked]:
    """Try engines, all that are switched on or those named; spends nothing. Raises `NotFound`.

    One that can be reached again is no longer shown as stopped.
    """
    entries = [core.engine(name) for name in names] or [
        entry for entry in core.engines if not entry.problem.startswith("switched off")
    ]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tigertag-check") as pool:
        found = list(pool.map(_tried, entries))
    return [_lifted(core, one) if one.ok else one for one in found]


def _tried(entry: EngineEntry) -> Checked:
    if entry.engine is None:
        return Checked(entry.id, False, entry.problem)
    try:
        if isinstance(entry.engine, Checkable):
            return Checked(entry.id, True, one_line(entry.engine.check()))
        entry.engine.open()
    except TigerTagError as exc:
        return Checked(entry.id, False, one_line(str(exc)))
    except Exception:
        logger.exception("engine %s met a bug when it was tried", entry.id)
        return Checked(entry.id, False, "It met a bug of its own; see the log.")
    return Checked(entry.id, True, "It can be used.")


def _lifted(core: Core, checked: Checked) -> Checked:
    """It can be asked again, unless its budget of this month is used up."""
    now, limits = datetime.now(UTC), core.engine(checked.engine).limits
    with core.store.write() as db:
        taken = use.of_month(db, now)
        if limits.are_reached(taken.get(checked.engine, Amount())):
            why = calls.used_up(checked.engine, limits, taken, now)
            return Checked(checked.engine, False, f"{checked.line} {why}")
        stops.lift(db, checked.engine)
    core.circuits.close(checked.engine)
    return checked
