"""Enrolling faces in the background: one enrolment per engine at a time, with its last result."""

import json
import logging
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from threading import Thread

from tigertag.contracts import Enrolling
from tigertag.core import Core
from tigertag.errors import NotFound, StoreError, TigerTagError
from tigertag.scan import calls
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.store import engine_state
from tigertag.store.packing import dumps
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_LAST = "enrolment"
_LEASE_S = 30.0
_MOST_PROBLEMS = 1000
_DIED = "TigerTag stopped during the enrolment. Pictures already sent are kept; enrol again."
_BUG = "Enrolment hit a bug; see the log. Pictures already sent are kept and not sent again."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The last or current enrolment of an engine.

    `state`: none, running, done or failed; `error` says why it failed. `problems`: one line for
    each picture that was skipped.
    """

    engine: str
    state: str = "none"
    added: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    error: str = ""


class Enrolments:
    """Runs enrolments on their own threads and keeps the last result in the database.

    Any process can show it. The enrolling process holds a lease: when it dies, the lease runs out.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._threads: list[Thread] = []

    def of(self, name: str) -> Enrolment:
        """Return the last enrolment of an engine. Raises `NotFound`, `PluginError`."""
        engine, _enrolling = self._engine(name)
        with self._core.store.read() as db:
            packed = engine_state.state(db, engine, _LAST)
            alive = engine_state.is_leased(db, engine, _LAST)
        last = _unpacked(engine, packed)
        if last.state == "running" and not alive:
            return replace(last, state="failed", error=_DIED)
        return last

    def start(self, name: str) -> Enrolment:
        """Start one, unless any process runs one already. Raises as `of`."""
        engine, enrolling = self._engine(name)
        started = Enrolment(engine, "running")
        with ExitStack() as stack:
            lease = StoredPluginState(self._core.store, engine).alone(_LAST, lease_s=_LEASE_S)
            if not stack.enter_context(lease):
                return started
            self._save(started)
            held = stack.pop_all()
        thread = Thread(
            target=self._run, args=(started, enrolling, held), name="tigertag-enrol", daemon=True
        )
        self._threads = [running for running in self._threads if running.is_alive()] + [thread]
        thread.start()
        return started

    def wait(self) -> None:
        """Wait for all running enrolments of this process."""
        for thread in list(self._threads):
            thread.join()

    def _engine(self, name: str) -> tuple[str, Enrolling]:
        entry = self._core.engine(name)
        if entry.engine is None:
            raise entry.unusable()
        if not isinstance(entry.engine, Enrolling):
            raise NotFound(f"Engine {entry.id} does not recognise faces; it is {entry.name}.")
        return entry.id, entry.engine

    def _run(self, started: Enrolment, enrolling: Enrolling, held: ExitStack) -> None:
        try:
            with held:
                self._save(self._result(started, enrolling))
        except StoreError as exc:
            logger.error("the result of enrolling %s could not be saved: %s", started.engine, exc)

    def _result(self, started: Enrolment, enrolling: Enrolling) -> Enrolment:
        try:
            engine = self._core.engine(started.engine).engine
            if engine is not None:
                engine.open()
            done = enrolling.enrol(calls.run_context(self._core, started.engine))
        except TigerTagError as exc:
            return replace(started, state="failed", error=one_line(str(exc)))
        except Exception:
            logger.exception("engine %s hit a bug while it enrolled faces", started.engine)
            return replace(started, state="failed", error=_BUG)
        return Enrolment(started.engine, "done", done.added, done.removed, done.problems)

    def _save(self, enrolment: Enrolment) -> None:
        values = asdict(enrolment) | {"problems": enrolment.problems[:_MOST_PROBLEMS]}
        StoredPluginState(self._core.store, enrolment.engine).put(_LAST, dumps(values))


def _unpacked(engine: str, packed: str | None) -> Enrolment:
    if packed is None:
        return Enrolment(engine)
    values = json.loads(packed)
    return Enrolment(**values | {"problems": tuple(values["problems"])})
