"""The scans that a worker works on, each with a session, and those that it refuses, and why."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock

from tigertag import logs
from tigertag.core import Core
from tigertag.errors import LibraryUnavailable, StoreError, TigerTagError
from tigertag.net import cancellable
from tigertag.scan import agreement, presence
from tigertag.scan.session import ScanSession
from tigertag.store import chunks
from tigertag.store.scans import ScanRow
from tigertag.store.workers import Refusal

logger = logging.getLogger(__name__)

_REFUSED_S, _LONGEST_REFUSED_S = 10.0, 300.0
_SOON_S = 1.0
_AT_ONCE = 4
"""So many libraries may be slow before other scans wait for them."""
_PATIENCE_S = 1.0
"""Most sessions are open within that time, and need not be waited for until the next look."""


@dataclass(slots=True)
class _Entry:
    """What is known of one scan. `unreached`: how often in a row its library was not reached.

    `change`: opens or closes the session, which nobody enters until `open_for` has seen it end.
    """

    scan_id: int
    stop: Event = field(default_factory=Event)
    session: ScanSession | None = None
    change: Future[None] | None = None
    at_work: int = 0
    agreed: str = ""
    refusal: Refusal | None = None
    refused_until: float = 0.0
    unreached: int = 0


class WorkerSessions:
    """Opens a session for each scan that this process can work on, and closes it.

    Each on a thread of its own: a slow library keeps this process from no other scan. `open_for`
    and `close_all` are for one thread, all else is for any.
    """

    def __init__(self, core: Core, *, beat_s: float, prepare: Callable[[ScanRow], str]) -> None:
        """`beat_s`: see `ScanSession`; `prepare`: see `ClusterWorker`."""
        self._core = core
        self._beat_s = beat_s
        self._prepare = prepare
        self._entries: dict[int, _Entry] = {}
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tigertag-sessions")

    @property
    def refusals(self) -> list[Refusal]:
        entries = list(self._entries.values())
        return [entry.refusal for entry in entries if entry.refusal is not None]

    def open_for(self, running: Sequence[ScanRow], *, draining: bool = False) -> list[ScanRow]:
        """End the sessions of other scans; return those of these that can be worked on now.

        One that takes long to be opened is returned by a later call.
        """
        self._see_changes()
        known = self._changes()
        self._close_but({scan.id for scan in running})
        for scan in () if draining else running:
            self._open_soon(scan)
        wait(self._changes() - known, timeout=_PATIENCE_S)
        self._see_changes()
        return [] if draining else [scan for scan in running if self._is_open(scan)]

    def stop(self) -> None:
        """Let all that is at work be given back."""
        for entry in list(self._entries.values()):
            entry.stop.set()

    def close_all(self) -> None:
        """Close every session that nobody works in; none is opened any more."""
        self.stop()
        self._pool.shutdown(cancel_futures=True)
        for entry in self._entries.values():
            if not entry.at_work:
                _close(entry)

    @contextmanager
    def entered(self, scan_id: int) -> Iterator[ScanSession | None]:
        """Keep a scan's session open meanwhile; None: this process does not work on it now."""
        with self._lock:
            entry = self._entries.get(scan_id)
            if entry is not None and (entry.change or entry.refusal or entry.stop.is_set()):
                entry = None
            session = None if entry is None else entry.session
            if entry is not None:
                entry.at_work += 1
        try:
            yield session
        finally:
            if entry is not None:
                with self._lock:
                    entry.at_work -= 1

    def reached(self, scan_id: int) -> None:
        """The library of a scan was reached."""
        self._entries[scan_id].unreached = 0

    def unreached(self, scan: ScanRow, reason: str) -> None:
        """The library of a scan that is being worked on was not reached."""
        self._refuse(self._entries[scan.id], scan, reason, unavailable=True)

    def seal_batches(self, open_scans: Sequence[ScanRow]) -> None:
        """Close batches of scans of which nothing else is left to be done."""
        for scan in open_scans:
            entry = self._entries.get(scan.id)
            if entry is None or entry.session is None or entry.at_work:
                continue
            with self._core.store.read() as db:
                due_in_s = chunks.due_in_s(db, scan.id)
            if due_in_s is None or due_in_s > _SOON_S:
                entry.session.seal_batches()

    def _changes(self) -> set[Future[None]]:
        return {entry.change for entry in self._entries.values() if entry.change is not None}

    def _see_changes(self) -> None:
        """Let those sessions be entered that are open now. Raises `StoreError`."""
        for entry in self._entries.values():
            if entry.change is not None and entry.change.done():
                change, entry.change = entry.change, None
                change.result()

    def _close_but(self, scan_ids: Collection[int]) -> None:
        for entry in [entry for id, entry in self._entries.items() if id not in scan_ids]:
            entry.stop.set()
            with self._lock:
                if entry.at_work or entry.change is not None:
                    continue
                if entry.session is None:
                    del self._entries[entry.scan_id]
                else:
                    entry.change = self._pool.submit(_close, entry)

    def _is_open(self, scan: ScanRow) -> bool:
        entry = self._entries[scan.id]
        is_ready = entry.session is not None and entry.change is None
        return is_ready and _agrees(entry, scan) and not entry.stop.is_set()

    def _open_soon(self, scan: ScanRow) -> None:
        """Have a session opened for a scan that has none, or one that has to end."""
        entry = self._entries.setdefault(scan.id, _Entry(scan.id))
        if entry.change is not None or self._is_open(scan):
            return
        if not _agrees(entry, scan):
            # The service works with other settings now: what is at work is given back first.
            entry.stop.set()
        if entry.at_work or time.monotonic() < entry.refused_until:
            return
        lacking = self._prepare(scan)
        with self._lock:
            if not entry.at_work:
                entry.stop, entry.agreed = Event(), scan.agreed
                entry.change = self._pool.submit(self._reopen, entry, scan, lacking)

    def _reopen(self, entry: _Entry, scan: ScanRow, lacking: str) -> None:
        _close(entry)
        if lacking:
            # It changes by the second, and is logged where it is got.
            entry.refusal = Refusal(scan.id, scan.section.library, lacking)
        else:
            self._open(entry, scan)

    def _open(self, entry: _Entry, scan: ScanRow) -> None:
        """Open a session, or note why not."""
        try:
            with logs.about(scan=scan.id), cancellable(entry.stop.is_set):
                # A worker with other engines would else add them to what all decisions depend on.
                check = partial(agreement.check, self._core, scan)
                session = ScanSession(
                    self._core, scan.id, stop=entry.stop, check=check, beat_s=self._beat_s
                )
        except StoreError:
            raise
        except TigerTagError as exc:
            if entry.stop.is_set():
                # What waited for the library was cut short.
                return None
            unavailable = isinstance(exc, LibraryUnavailable)
            return self._refuse(entry, scan, str(exc), unavailable=unavailable)
        except Exception as exc:
            # It must not keep this worker from the other scans.
            logger.exception("a bug; scan %s is not worked on here", scan.id)
            bug = f"TigerTag hit a bug ({type(exc).__name__}); see this worker's log."
            return self._refuse(entry, scan, bug)
        if reason := presence.absence_here(self._core, session.context):
            session.close()
            return self._refuse(entry, scan, reason, unavailable=True)
        entry.refusal, entry.session = None, session
        return None

    def _refuse(
        self, entry: _Entry, scan: ScanRow, reason: str, *, unavailable: bool = False
    ) -> None:
        """Note why this process does not work on a scan for now."""
        if entry.refusal is None or entry.refusal.reason != reason:
            logger.warning("scan %s is not worked on here: %s", scan.id, reason)
        entry.refusal = Refusal(scan.id, scan.section.library, reason, unavailable)
        # Longer each time, so that of many workers the last one hears of it before the first one
        # tries again: a scan whose library nobody reaches fails then.
        wait_s = min(_REFUSED_S * 2**entry.unreached, _LONGEST_REFUSED_S)
        entry.unreached += unavailable
        entry.refused_until = time.monotonic() + wait_s


def _agrees(entry: _Entry, scan: ScanRow) -> bool:
    return entry.refusal is None and entry.agreed == scan.agreed


def _close(entry: _Entry) -> None:
    session, entry.session = entry.session, None
    if session is not None:
        session.close()
