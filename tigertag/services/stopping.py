"""Which engines a scan can ask now: opened, made ready, or stopped for a reason."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from tigertag.contracts import AnyEngine, Enrolling
from tigertag.errors import EngineError, QuotaExhausted, Unavailable
from tigertag.services import calls
from tigertag.services.core import Core
from tigertag.store import stops
from tigertag.wording import one_line

logger = logging.getLogger(__name__)

_LASTING = timedelta(hours=1)


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


class Stopping:
    """The engines of one scan. Thread-safe."""

    def __init__(self, core: Core, engines: Mapping[str, AnyEngine]) -> None:
        self._core = core
        self._engines = engines
        self._opening = Lock()
        self._open: set[str] = set()
        self._stopped: dict[str, Stop] = {}
        self._known_stops: set[str] | None = None

    def of(self, name: str) -> Stop | None:
        """Return why the engine cannot be asked now; None when it can: it is open then."""
        with self._opening:
            stop = self._stopped.get(name)
            if stop is not None and (stop.until is None or stop.until > datetime.now(UTC)):
                return stop
            self._stopped.pop(name, None)
            down = self._down(name)
            if down is not None:
                self._stopped[name] = Stop(*down)
            elif name not in self._open:
                self._try_open(name)
            return self._stopped.get(name)

    def _down(self, name: str) -> tuple[str, datetime] | None:
        """Why and until when it is left alone.

        A long time that a service has asked for holds in every process, until somebody resumes a
        scan that waits for it.
        """
        now = datetime.now(UTC)
        down = self._core.circuits.waits(name)
        if down is not None and down[1] - now <= _LASTING:
            return down
        with self._core.store.read() as db:
            known = stops.every(db).get(name)
        if known is not None and known.lasting and known.until is not None and known.until > now:
            return known.reason, known.until
        if down is not None:
            self._core.circuits.close(name)
        return None

    def stopped(self, name: str) -> Stop | None:
        """Return why the engine was stopped last, if it was not taken up since."""
        return self._stopped.get(name)

    def stop(self, name: str, error: EngineError) -> None:
        """The engine has said that it cannot go on."""
        self._put(name, self._judged(name, error))

    def answered(self, name: str) -> None:
        """The engine has answered: whatever stopped it is over."""
        with self._opening:
            if self._known_stops is None:
                with self._core.store.read() as db:
                    self._known_stops = set(stops.every(db))
            was_down = self._core.circuits.close(name) or name in self._known_stops
            self._known_stops.discard(name)
        if was_down:
            with self._core.store.write() as db:
                stops.lift(db, name)

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
        self._stopped[name] = stop
        if self._known_stops is not None:
            self._known_stops.add(name)
        with self._core.store.write() as db:
            stops.put(db, name, stop.reason, stop.until, lasting=_is_lasting(stop))

    def _try_open(self, name: str) -> None:
        engine = self._engines.get(name)
        if engine is None:
            # It is no fault of the engine, and nothing to be shown beside it.
            self._stopped[name] = Stop("It is switched off, or may not see this section.")
            return None
        try:
            engine.open()
            if isinstance(engine, Enrolling):
                self._enrol(name, engine)
        except EngineError as exc:
            return self._put(name, self._judged(name, exc))
        except Exception:
            logger.exception("engine %s met a bug when it was opened", name)
            bug = Stop("It met a bug of its own when it was opened; see the log.")
            return self._put(name, bug)
        return self._open.add(name)

    def _enrol(self, name: str, engine: Enrolling) -> None:
        done = engine.enrol(calls.run_context(self._core, name), by_itself=True)
        if done.added or done.removed:
            logger.info("engine %s: %s enrolled, %s removed", name, done.added, done.removed)
        for problem in done.problems:
            logger.warning("engine %s: %s", name, problem)


def _is_lasting(stop: Stop) -> bool:
    """Whether it holds for other processes, too. Budgets are looked at anew by each of them."""
    if stop.until is None or stop.by_quota:
        return False
    return stop.until - datetime.now(UTC) > _LASTING
