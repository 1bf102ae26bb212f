"""Faces are enrolled beside the pages: one enrolment an engine at a time, and what came of it."""

import json
import logging
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from threading import Thread

from tigertag.contracts import Enrolling
from tigertag.core import Core
from tigertag.errors import NotFound, PluginError, StoreError, TigerTagError
from tigertag.scan import calls
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.store import engine_state
from tigertag.store.columns import dumps
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_LAST = "enrolment"
_LEASE_S = 30.0
_MOST_PROBLEMS = 1000
_DIED = "TigerTag was ended while it enrolled. What was sent is known; enrol again to go on."
_BUG = "It met a bug of its own; see the log. What was sent is known and not sent again."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the last enrolment did, or is doing.

    `state`: none, running, done or failed; `error` says why it failed. `problems`
    are the pictures that were left out, a line each.
    """

    engine: str
    state: str = "none"
    added: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    error: str = ""


class Enrolments:
    """Starts enrolments on threads of their own; what came of the last is in the database.

    Any process can tell of it. Who enrols holds a lease: of a process that died it has run out.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._threads: list[Thread] = []

    def of(self, name: str) -> Enrolment:
        """Return the last of an engine. Raises `NotFound`, `PluginError`."""
        engine, _enrolling = self._engine(name)
        with self._core.store.read() as db:
            packed = engine_state.state(db, engine, _LAST)
            alive = engine_state.is_leased(db, engine, _LAST)
        last = _unpacked(engine, packed)
        if last.state == "running" and not alive:
            return replace(last, state="failed", error=_DIED)
        return last

    def start(self, name: str) -> Enrolment:
        """Begin, unless it is under way already, in whatever process. Raises as `of`."""
        engine, enrolling = self._engine(name)
        begun = Enrolment(engine, "running")
        with ExitStack() as stack:
            lease = StoredPluginState(self._core.store, engine).alone(_LAST, lease_s=_LEASE_S)
            if not stack.enter_context(lease):
                return begun
            self._keep(begun)
            held = stack.pop_all()
        thread = Thread(
            target=self._enrol, args=(begun, enrolling, held), name="tigertag-enrol", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return begun

    def wait(self) -> None:
        """Wait until none is under way."""
        for thread in list(self._threads):
            thread.join()

    def _engine(self, name: str) -> tuple[str, Enrolling]:
        entry = self._core.engine(name)
        if entry.engine is None:
            raise PluginError(f"Engine {entry.id} cannot be used: {entry.problem}")
        if not isinstance(entry.engine, Enrolling):
            raise NotFound(f"Engine {entry.id} knows no faces; it is {entry.name}.")
        return entry.id, entry.engine

    def _enrol(self, begun: Enrolment, enrolling: Enrolling, held: ExitStack) -> None:
        try:
            with held:
                self._keep(self._ended(begun, enrolling))
        except StoreError as exc:
            logger.error("what became of enrolling %s is not known: %s", begun.engine, exc)

    def _ended(self, begun: Enrolment, enrolling: Enrolling) -> Enrolment:
        try:
            return self._enrolled(begun, enrolling)
        except TigerTagError as exc:
            return replace(begun, state="failed", error=one_line(str(exc)))
        except Exception:
            logger.exception("engine %s met a bug when it enrolled faces", begun.engine)
            return replace(begun, state="failed", error=_BUG)

    def _keep(self, enrolment: Enrolment) -> None:
        values = asdict(enrolment) | {"problems": enrolment.problems[:_MOST_PROBLEMS]}
        StoredPluginState(self._core.store, enrolment.engine).put(_LAST, dumps(values))

    def _enrolled(self, begun: Enrolment, enrolling: Enrolling) -> Enrolment:
        engine = self._core.engine(begun.engine).engine
        if engine is not None:
            engine.open()
        done = enrolling.enrol(calls.run_context(self._core, begun.engine))
        return replace(
            begun, state="done", added=done.added, removed=done.removed, problems=done.problems
        )


def _unpacked(engine: str, packed: str | None) -> Enrolment:
    if packed is None:
        return Enrolment(engine)
    values = json.loads(packed)
    return Enrolment(**values | {"problems": tuple(values["problems"])})
