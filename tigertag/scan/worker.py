"""Who works on scans in a service: one process of those that share a home."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from tigertag import locks
from tigertag.core import Core
from tigertag.errors import LibraryError, StoreError, TigerTagError, os_reason
from tigertag.scan import batch_cleanup
from tigertag.scan.runner import Runner
from tigertag.scan.starting import is_able, may_be_taken_up
from tigertag.store import scans

if TYPE_CHECKING:
    from tigertag.scan.dispatcher import Dispatcher

logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_STOP_S = 8.0
_TRY_AGAIN_S = 15.0


class Background(Protocol):
    """What runs beside the scans, in the same process."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class ScanWorker:
    """Works on one scan after another, the oldest first, those too that a dead process left.

    A scan that waits, for a batch or an engine that is down, lets the others go first.

    The kernel lets go of the lock on the home when its process dies, and another process of the
    same service takes over. Processes with homes of their own may work on the same scan: chunks
    are leased. With a broker it works on none itself: it sends their chunks to `tigertag worker`.
    """

    def __init__(self, core: Core, background: Background | None = None) -> None:
        self._core = core
        self._background = background
        self._woken = Event()
        self._stopped = Event()
        self._guard = Lock()
        self._runner: Runner | None = None
        self._thread: Thread | None = None
        self._refused: dict[int, float] = {}
        self._dispatcher = _dispatcher(core) if core.is_clustered else None

    def start(self) -> None:
        """Work on a thread of this process."""
        self._thread = Thread(target=self._stay, name="tigertag-scan-worker", daemon=True)
        self._thread.start()

    def run(self) -> bool:
        """Work until `stop`; False at once when another process has the home."""
        with home_lock(self._core.home) as free:
            if free:
                self._work()
            return free

    def _work(self) -> None:
        if self._background is not None:
            self._background.start()
        try:
            if self._dispatcher is not None:
                self._dispatcher.start()
            while not self._stopped.is_set():
                self._look()
        finally:
            if self._dispatcher is not None:
                self._dispatcher.stop()
            if self._background is not None:
                self._background.stop()

    def wake(self) -> None:
        """Look for a scan now: one was made, or made to go on."""
        self._refused.clear()
        self._woken.set()
        if self._dispatcher is not None:
            self._dispatcher.wake()

    def stop(self) -> None:
        """Give back what is being worked on, and end."""
        self._stopped.set()
        self._woken.set()
        with self._guard:
            if self._runner is not None:
                self._runner.stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _stay(self) -> None:
        while not self._stopped.is_set():
            self.run()
            self._pause()

    def _pause(self) -> None:
        self._woken.wait(_LOOK_S)
        self._woken.clear()

    def _look(self) -> None:
        """Work on the oldest scan that nobody works on; wait a moment when there is none."""
        try:
            scan_id = None if self._dispatcher is not None else self._waiting()
            if scan_id is not None:
                self._run(scan_id)
            elif not batch_cleanup.clean_up(self._core, self._stopped):
                self._pause()
        except StoreError as exc:
            logger.error("scans cannot be worked on: %s", exc)
            self._pause()
        except Exception:
            logger.exception("a bug; the service goes on")
            self._pause()

    def _waiting(self) -> int | None:
        now = time.monotonic()
        with self._core.store.read() as db:
            for scan in scans.every_active(db):
                refused = self._refused.get(scan.id, 0.0) >= now
                if not refused and is_able(self._core, scan) and may_be_taken_up(db, scan):
                    return scan.id
        return None

    def _run(self, scan_id: int) -> None:
        runner = Runner(self._core, scan_id)
        with self._guard:
            self._runner = runner
        try:
            if not self._stopped.is_set():
                logger.info("scan %s: at work", scan_id)
                runner.run()
                logger.info("scan %s: left", scan_id)
        except LibraryError as exc:
            logger.error("scan %s failed: %s", scan_id, exc)
            self._refused[scan_id] = time.monotonic() + _TRY_AGAIN_S
        except TigerTagError as exc:
            logger.error("scan %s: %s", scan_id, exc)
            self._refused[scan_id] = time.monotonic() + _TRY_AGAIN_S
        finally:
            with self._guard:
                self._runner = None


def _dispatcher(core: Core) -> "Dispatcher":
    # Celery takes a quarter of a second to import, and is there only where it is asked for.
    from tigertag.scan.dispatcher import Dispatcher

    return Dispatcher(core, takes_up=True)


@contextmanager
def home_lock(home: Path) -> Iterator[bool]:
    """Hold the lock on the work of a home; False when another process has it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / "work.lock").open("w")
    except OSError as exc:
        logger.error("%s cannot be written (%s); no scan runs.", home, os_reason(exc))
        yield False
        return
    with file:
        # Without locks several processes may work: chunks are leased in the database.
        yield locks.try_to_lock(file) != "taken"
