"""Engines tried, each by itself: what was found, in one line."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

from tigertag.contracts import Checkable
from tigertag.core import Core, EngineEntry
from tigertag.errors import TigerTagError
from tigertag.scan import calls
from tigertag.services.views import Checked
from tigertag.store import engine_state, usage
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
        entry for entry in core.engines if not entry.problem.startswith("switched off")
    ]
    # Each on a thread of its own, which is left behind where an engine hangs.
    pool = ThreadPoolExecutor(len(entries) or 1, thread_name_prefix="tigertag-check")
    tried = [pool.submit(_tried, entry) for entry in entries]
    pool.shutdown(wait=False)
    wait(tried, timeout=_PATIENCE_S)
    found = [
        one.result() if one.done() else Checked(entry.id, False, _NO_ANSWER)
        for entry, one in zip(entries, tried, strict=True)
    ]
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
        taken = usage.of_month(db, now)
        if limits.are_reached(taken.get(checked.engine, Amount())):
            why = calls.used_up(checked.engine, limits, taken, now)
            return Checked(checked.engine, False, f"{checked.line} {why}")
        engine_state.lift_stop(db, checked.engine)
    core.circuits.close(checked.engine)
    return checked
