"""Fetching models in the background: each once at a time, shown by every process."""

import logging
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from threading import Thread

from tigertag.contracts import PluginState
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, StoreError, TigerTagError
from tigertag.inference import catalogue
from tigertag.net import cancellable
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.services import models
from tigertag.services.models import ModelView
from tigertag.store import engine_state
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_OWNER = ""
"""What belongs to no engine is kept under this name."""
_LEASE_S = 30.0
_LOOK_S = 1.0
_DIED = "TigerTag stopped during the download. What was loaded is kept; fetch it again."
_BUG = "Fetching it hit a bug; see the log. What was loaded is kept."


class ModelFetches:
    """Fetches models on threads of their own; any process can show how far they are.

    The fetching process holds a lease, which runs out when it dies, and what was loaded lies in the
    model folder.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._state = StoredPluginState(core.store, _OWNER)
        self._threads: list[Thread] = []

    def of(self, name: str) -> ModelView:
        """Return a model, and how far its download is. Raises `NotFound`."""
        view = models.look(self._core.host.models, name)
        with self._core.store.read() as db:
            error = engine_state.state(db, _OWNER, _key(name))
            alive = engine_state.is_leased(db, _OWNER, _key(name))
        if view.is_sound or error is None:
            return view
        if alive:
            return replace(view, state="fetching", problem="")
        return replace(view, problem=error or _DIED)

    def listed(self) -> tuple[ModelView, ...]:
        """Return all models that can be fetched."""
        return tuple(map(self.of, catalogue.catalogue()))

    def start(self, name: str) -> ModelView:
        """Start a download, unless the model is there or any process fetches it already.

        Raises `NotFound`.
        """
        view = self.of(name)
        if view.is_sound:
            return view
        with ExitStack() as stack:
            if not stack.enter_context(self._state.alone(_key(name), lease_s=_LEASE_S)):
                return self.of(name)
            self._state.drop(_stop_key(name))
            self._state.put(_key(name), "")
            held = stack.pop_all()
        thread = Thread(
            target=self._run, args=(name, held), name=f"tigertag-fetch-{name}", daemon=True
        )
        self._threads = [running for running in self._threads if running.is_alive()] + [thread]
        thread.start()
        return self.of(name)

    def stop(self, name: str) -> None:
        """Let a download end within a moment, whichever process is at it; what it loaded is kept.

        Raises `NotFound`, `Conflict` where none is under way.
        """
        if self.of(name).state != "fetching":
            raise Conflict(f"Model {name} is not being fetched; there is nothing to stop.")
        self._state.put(_stop_key(name), "")

    def verify(self, name: str) -> ModelView:
        """Read a model's file again, and return what is wrong with it.

        Raises `NotFound` where there is none, `Conflict` while it is being fetched.
        """
        if self.of(name).state == "fetching":
            raise Conflict(f"Model {name} is being fetched; its SHA-256 is checked at the end.")
        view = models.look(self._core.host.models, name, reread=True)
        if view.state == "absent":
            raise NotFound(f"{view.model.title} is not on this machine; fetch it first.")
        return view

    def remove(self, name: str) -> None:
        """Delete a model's file. Raises `NotFound`, `Conflict`."""
        if self.of(name).state == "fetching":
            raise Conflict(f"Model {name} is being fetched; stop that first, or wait.")
        self._state.drop(_key(name))
        models.remove(self._core.host.models, name)

    def wait(self) -> None:
        """Wait for all downloads of this process."""
        for thread in list(self._threads):
            thread.join()

    def _run(self, name: str, held: ExitStack) -> None:
        try:
            with held:
                stop = _StopRequest(self._state, _stop_key(name))
                with cancellable(stop):
                    error = self._error_of(name)
                if error and not stop.is_made:
                    self._state.put(_key(name), error)
                else:
                    self._state.drop(_key(name))
                if not error:
                    self._lift_stops()
        except StoreError as exc:
            logger.error("the result of fetching %s could not be saved: %s", name, exc)

    def _error_of(self, name: str) -> str:
        """Fetch the model; return why it failed, or ""."""
        try:
            models.fetch(self._core.host.http, self._core.host.models, name)
        except TigerTagError as exc:
            logger.warning("%s", exc)
            return one_line(str(exc))
        except Exception:
            logger.exception("fetching %s hit a bug", name)
            return _BUG
        return ""

    def _lift_stops(self) -> None:
        """Engines that lacked a model are no longer shown as stopped; the next scan asks them."""
        with self._core.store.write() as db:
            for engine in models.detectors(self._core):
                engine_state.lift_stop(db, engine)


class _StopRequest:
    """Whether somebody has asked for an end of the download; the database is asked now and then."""

    def __init__(self, state: PluginState, key: str) -> None:
        self._state = state
        self._key = key
        self._next_s = 0.0
        self.is_made = False

    def __call__(self) -> bool:
        if not self.is_made and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _LOOK_S
            with suppress(StoreError):
                self.is_made = self._state.get(self._key) is not None
        return self.is_made


def _stop_key(name: str) -> str:
    return f"{_key(name)}/stop"


def _key(name: str) -> str:
    return f"model/{name}"
