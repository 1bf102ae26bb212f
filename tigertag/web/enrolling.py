"""Faces are enrolled beside the pages: one enrolment an engine at a time, and what came of it."""

import logging
from dataclasses import dataclass, replace
from threading import Lock, Thread

from tigertag.contracts import Enrolling
from tigertag.errors import NotFound, PluginError, TigerTagError
from tigertag.services import calls
from tigertag.services.core import Core
from tigertag.wording import one_line

logger = logging.getLogger(__name__)

_BUG = "It met a bug of its own; see the log. What was sent is known and not sent again."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the last enrolment did, or is doing.

    `state`: none (of this process), running, done or failed; `error` says why it failed. `problems`
    are the pictures that were left out, a line each.
    """

    engine: str
    state: str = "none"
    added: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    error: str = ""


class Enrolments:
    """Starts enrolments on threads of their own, and remembers the last of each engine."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = Lock()
        self._last: dict[str, Enrolment] = {}
        self._threads: dict[str, Thread] = {}

    def of(self, name: str) -> Enrolment:
        """Return the last of an engine. Raises `NotFound`, `PluginError`."""
        engine, _enrolling = self._engine(name)
        with self._lock:
            return self._last.get(engine, Enrolment(engine))

    def start(self, name: str) -> Enrolment:
        """Begin, unless it is under way already. Raises as `of`."""
        engine, enrolling = self._engine(name)
        with self._lock:
            last = self._last.get(engine)
            if last is not None and last.state == "running":
                return last
            begun = self._last[engine] = Enrolment(engine, "running")
            thread = Thread(
                target=self._enrol, args=(begun, enrolling), name="tigertag-enrol", daemon=True
            )
            self._threads[engine] = thread
        thread.start()
        return begun

    def wait(self) -> None:
        """Wait until none is under way."""
        for thread in list(self._threads.values()):
            thread.join()

    def _engine(self, name: str) -> tuple[str, Enrolling]:
        entry = self._core.engine(name)
        if entry.engine is None:
            raise PluginError(f"Engine {entry.id} cannot be used: {entry.problem}")
        if not isinstance(entry.engine, Enrolling):
            raise NotFound(f"Engine {entry.id} knows no faces; it is {entry.name}.")
        return entry.id, entry.engine

    def _enrol(self, begun: Enrolment, enrolling: Enrolling) -> None:
        try:
            ended = self._enrolled(begun, enrolling)
        except TigerTagError as exc:
            ended = replace(begun, state="failed", error=one_line(str(exc)))
        except Exception:
            logger.exception("engine %s met a bug when it enrolled faces", begun.engine)
            ended = replace(begun, state="failed", error=_BUG)
        with self._lock:
            self._last[begun.engine] = ended

    def _enrolled(self, begun: Enrolment, enrolling: Enrolling) -> Enrolment:
        engine = self._core.engine(begun.engine).engine
        if engine is not None:
            engine.open()
        done = enrolling.enrol(calls.run_context(self._core, begun.engine))
        return replace(
            begun, state="done", added=done.added, removed=done.removed, problems=done.problems
        )
