"""Which engines a scan can ask now: opened, made ready, or stopped for a reason.

An engine beyond this machine that has not answered yet is tried by one worker at a time: one that
hangs then holds up that worker, and the others go on with what the other engines say.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock, get_ident

from tigertag.contracts import AnyEngine, Enrolling, is_prompt
from tigertag.core import Core
from tigertag.errors import EngineError, QuotaExhausted, StoreError, Unavailable
from tigertag.net import cancellable
from tigertag.scan import calls
from tigertag.store import engine_state
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_TRIED = "Waiting for its first answer; the other engines continue."
_CUT_SHORT = "The scan was stopped."
_LOOK_AGAIN_S = 1.0
_LONGEST_LOOK_S = 10.0
LONG_WAIT = timedelta(hours=1)
"""From then on a wait is told with its date, and holds in every process."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an engine cannot go on. `until`: when this scan asks it again; None: it does not.

    `by_quota`: what was reserved before may still be asked.
    """

    reason: str
    until: datetime | None = None
    by_quota: bool = False

    @property
    def state(self) -> str:
        """The state of the work that it leaves."""
        return "waiting" if self.until is None else "postponed"


_LEFT_OUT = Stop("You finished the scan without this engine; the next scan runs it.")


@dataclass(frozen=True, slots=True)
class _Trial:
    """Who tries an engine, and since when (monotonic, seconds)."""

    thread: int
    since_s: float

    def look_again_at(self) -> datetime:
        """When the others see what came of it: the later, the longer it takes already."""
        taken_s = time.monotonic() - self.since_s
        wait_s = min(max(_LOOK_AGAIN_S, taken_s / 2), _LONGEST_LOOK_S)
        return datetime.now(UTC) + timedelta(seconds=wait_s)


class EngineAvailability:
    """The engines of one scan. Thread-safe."""

    def __init__(
        self,
        core: Core,
        engines: Mapping[str, AnyEngine],
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._core = core
        self._engines = engines
        self._cancelled = cancelled
        self._lock = Lock()
        self._opening: dict[str, Lock] = {}
        self._trials: dict[str, _Trial] = {}
        self._open: set[str] = set()
        self._stopped: dict[str, Stop] = {}
        self._known_stops: set[str] | None = None

    def of(self, name: str) -> Stop | None:
        """Return why the engine cannot be asked now; None when it can: it is open then.

        The caller may be the one that tries it, and calls `end_trials` when it has asked.
        """
        with self._lock:
            stop = self._stop_of(name)
            if stop is not None or name in self._open:
                return stop
            opening = self._opening.setdefault(name, Lock())
        with opening:
            if name not in self._open and name not in self._stopped:
                self._try_open(name)
            return self._stopped.get(name)

    def _stop_of(self, name: str) -> Stop | None:
        stop = self._stopped.get(name)
        if stop is not None and (stop.until is None or stop.until > datetime.now(UTC)):
            return stop
        self._stopped.pop(name, None)
        trial = self._trials.get(name)
        if trial is not None and trial.thread != get_ident():
            self._stopped[name] = Stop(_TRIED, trial.look_again_at())
        elif (down := self._down(name)) is not None:
            self._stopped[name] = Stop(*down)
        elif self.is_unproven(name):
            self._trials.setdefault(name, _Trial(get_ident(), time.monotonic()))
        return self._stopped.get(name)

    def _down(self, name: str) -> tuple[str, datetime] | None:
        """Why and until when it is left alone.

        A long time that a service has asked for holds in every process, until somebody resumes a
        scan that waits for it.
        """
        now = datetime.now(UTC)
        down = self._core.circuits.waits(name)
        if down is not None and down[1] - now <= LONG_WAIT:
            return down
        if down is None and name in self._open:
            # It was looked up when it was opened; what it has said since, the circuits know.
            return None
        with self._core.store.read() as db:
            known = engine_state.stops(db).get(name)
        if known is not None and known.lasting and known.until is not None and known.until > now:
            return known.reason, known.until
        if down is not None:
            self._core.circuits.forget(name)
        return None

    def is_unproven(self, name: str) -> bool:
        """Whether it is not known yet that an engine beyond this machine answers.

        Opening it may take long in each scan anew, as where there are new faces to enrol.
        """
        engine = self._engines.get(name)
        if engine is None or engine.capabilities.local or not is_prompt(engine):
            return False
        return name not in self._open or not self._core.circuits.is_proven(name)

    def end_trials(self) -> None:
        """The calling thread has asked all that it wanted to."""
        with self._lock:
            mine = [name for name, trial in self._trials.items() if trial.thread == get_ident()]
            for name in mine:
                del self._trials[name]

    def leave_out(self, names: Collection[str]) -> None:
        """Ask these engines no more in this scan: the user does not want to wait for them."""
        with self._lock:
            self._stopped |= dict.fromkeys(names, _LEFT_OUT)

    def is_over(self, name: str) -> bool:
        """Whether nobody waits for the engine any more: the scan stops, or ends without it."""
        return self._stopped.get(name) is _LEFT_OUT or self._cancelled()

    def stopped(self, name: str) -> Stop | None:
        """Return why the engine was stopped last, if it was not taken up since."""
        return self._stopped.get(name)

    def stop(self, name: str, error: EngineError) -> None:
        """The engine has said that it cannot go on."""
        if isinstance(error, Unavailable) and self.is_over(name):
            return self._cut_short(name)
        return self._put(name, self._judged(name, error))

    def _cut_short(self, name: str) -> None:
        """What it was patient with was cut short: that says nothing of the engine."""
        self._note(name, Stop(_CUT_SHORT, datetime.now(UTC)))

    def _note(self, name: str, stop: Stop) -> None:
        with self._lock:
            self._trials.pop(name, None)
            if self._stopped.get(name) is not _LEFT_OUT:
                self._stopped[name] = stop

    def answered(self, name: str) -> None:
        """The engine has answered: whatever stopped it is over."""
        with self._lock:
            self._trials.pop(name, None)
            if self._known_stops is None:
                with self._core.store.read() as db:
                    self._known_stops = set(engine_state.stops(db))
            was_down = self._core.circuits.close(name) or name in self._known_stops
            self._known_stops.discard(name)
        if was_down:
            with self._core.store.write() as db:
                engine_state.lift_stop(db, name)

    def _judged(self, name: str, error: EngineError) -> Stop:
        reason = one_line(str(error))
        if isinstance(error, Unavailable):
            circuits = self._core.circuits
            return Stop(reason, circuits.fail(name, reason, retry_after_s=error.retry_after_s))
        if isinstance(error, QuotaExhausted):
            waits = self._core.engine(name).waits_for_budget
            return Stop(reason, error.resets_at if waits else None, by_quota=True)
        return Stop(reason)

    def _put(self, name: str, stop: Stop) -> None:
        logger.warning("engine %s cannot go on: %s", name, stop.reason)
        self._note(name, stop)
        if self._known_stops is not None:
            self._known_stops.add(name)
        with self._core.store.write() as db:
            engine_state.stop(db, name, stop.reason, stop.until, lasting=_is_lasting(stop))

    def _try_open(self, name: str) -> None:
        engine = self._engines.get(name)
        if engine is None:
            # It is no fault of the engine, and nothing to be shown beside it.
            self._stopped[name] = Stop("It is switched off, or not allowed for this section.")
            return None
        is_over = partial(self.is_over, name)
        try:
            with cancellable(is_over):
                engine.open()
                if isinstance(engine, Enrolling):
                    self._enrol(name, engine, cancelled=is_over)
        except EngineError as exc:
            if is_over():
                return self._cut_short(name)
            return self._put(name, self._judged(name, exc))
        except StoreError:
            # What engines keep is in the database: no fault of theirs.
            raise
        except Exception:
            logger.exception("engine %s failed to start", name)
            bug = Stop("It failed to start because of a bug; see the log.")
            return self._put(name, bug)
        return self._open.add(name)

    def _enrol(self, name: str, engine: Enrolling, *, cancelled: Callable[[], bool]) -> None:
        run = replace(calls.run_context(self._core, name), cancelled=cancelled)
        done = engine.enrol(run, by_itself=True)
        if done.added or done.removed:
            logger.info("engine %s: %s enrolled, %s removed", name, done.added, done.removed)
        for problem in done.problems:
            logger.warning("engine %s: %s", name, problem)


def _is_lasting(stop: Stop) -> bool:
    """Whether it holds for other processes, too. Budgets are looked at anew by each of them."""
    if stop.until is None or stop.by_quota:
        return False
    return stop.until - datetime.now(UTC) > LONG_WAIT
