"""Libraries that notice changes themselves: watched in `tigertag work`, then scanned."""

import logging
import time
from threading import Lock

from tigertag.contracts import Watching
from tigertag.core import Core
from tigertag.errors import StoreError
from tigertag.model import Section
from tigertag.store import engine_state, events, scan_requests
from tigertag.store.scan_requests import MOST_S, Wanted

logger = logging.getLogger(__name__)

_OWNER = ""
"""What belongs to no engine is kept under this name."""
_KEY = "watch/"
NOT_BEGUN = "TigerTag has not begun to watch it yet."


def problems(core: Core) -> dict[str, str]:
    """Return, of each library that is to be watched, why it is not, or not all of it; "": it is."""
    with core.store.read() as db:
        kept = engine_state.states_under(db, _OWNER, _KEY)
    ids = {entry.id for entry in core.libraries if _is_watched(entry.library)}
    return {id: kept.get(f"{_KEY}{id}", NOT_BEGUN) for id in ids}


def _is_watched(library: object) -> bool:
    return isinstance(library, Watching) and bool(library.watch_write)


class LibraryWatches:
    """The watches of this process. One with a problem is opened again after `again_s`."""

    def __init__(self, *, again_s: float = 300.0) -> None:
        self._again_s = again_s
        self._watches: dict[str, _LibraryWatch] = {}

    def look(self, core: Core) -> None:
        """Open watches, and ask for scans of what they have noticed; called again and again."""
        for entry in core.libraries:
            library = entry.library
            if isinstance(library, Watching) and library.watch_write:
                watch = self._watches.get(entry.id)
                if watch is None:
                    watch = self._watches[entry.id] = _LibraryWatch(core, entry.id, library)
                watch.look(again_s=self._again_s)

    def close(self) -> None:
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()


class _LibraryWatch:
    """A library that is watched, and the sections in which it has noticed something since."""

    def __init__(self, core: Core, id: str, library: Watching) -> None:
        self._core = core
        self._id = id
        self._library = library
        self._lock = Lock()
        self._changed: set[Section] = set()
        self._noted: str | None = None
        self._open()

    def _open(self) -> None:
        self._watch = self._library.watch(self._notice)
        self._opened_at = time.monotonic()

    def close(self) -> None:
        self._watch.close()

    def look(self, *, again_s: float) -> None:
        if self._watch.problem and time.monotonic() > self._opened_at + again_s:
            self._watch.close()
            self._open()
        self._note(self._watch.problem)
        self._want()

    def _notice(self, section: Section) -> None:
        with self._lock:
            self._changed.add(section)

    def _want(self) -> None:
        """Ask for scans; what cannot be asked for now is asked for at the next look."""
        with self._lock:
            changed, self._changed = self._changed, set()
        if not changed:
            return
        reason, quiet_s = f"changes in folder {self._id}", self._core.hook_quiet_s
        try:
            with self._core.store.write() as db:
                for section in changed:
                    wanted = Wanted(self._id, section.id, "new", self._library.watch_write)
                    scan_requests.want(db, wanted, reason=reason, quiet_s=quiet_s, most_s=MOST_S)
        except StoreError:
            with self._lock:
                self._changed |= changed
            raise

    def _note(self, problem: str) -> None:
        """Say in the log and the event log what is not watched, and when it is watched again."""
        if problem == self._noted:
            return
        if problem:
            logger.warning("library %s: %s", self._id, problem)
        else:
            logger.info("library %s is watched", self._id)
        with self._core.store.write() as db:
            before = engine_state.state(db, _OWNER, f"{_KEY}{self._id}") or ""
            engine_state.put_state(db, _OWNER, f"{_KEY}{self._id}", problem)
            if problem and problem != before:
                events.record(db, "warning", "library", f"Library {self._id}: {problem}")
            elif before and not problem:
                events.record(db, "info", "library", f"Library {self._id} is watched again.")
        self._noted = problem
