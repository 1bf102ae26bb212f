"""A scan at work: chunks are leased one after the other until there is nothing left to be done."""

import os
import socket
import time
from contextlib import closing
from threading import Event
from uuid import uuid4

from tigertag import logs, threads
from tigertag.core import Core
from tigertag.net import cancellable
from tigertag.scan import summary
from tigertag.scan.session import ScanSession, failing
from tigertag.scan.starting import take_up
from tigertag.store import chunks, scans

_IDLE_S = 0.05
_TICK_S = 0.5
_SOON_S = 1.0
_SOON_VERIFIED_S = 15.0
"""What was written is verified by whom it was written: the scan is not let go of for so short."""


class Runner:
    """Works on one scan in this process, beside any number of others."""

    def __init__(self, core: Core, scan_id: int) -> None:
        self._core = core
        self._scan_id = scan_id
        self._store = core.store
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self.stop = Event()

    def run(self) -> None:
        """Work until the scan has ended, is paused or cancelled, or `stop` is set.

        It leaves a scan, too, of which nothing is to be done for a while: one that waits for an
        engine that is down, for the next month's budget or for a batch (`scans.due_at`). Such a
        scan lets go of its section.

        Raises `Conflict` while another scan has the section, and `TigerTagError` when the scan
        could not be worked on; the scan has then failed, but when the database is the reason, it
        can be taken up again.
        """
        with logs.about(scan=self._scan_id):
            self._run_to_rest()

    def _run_to_rest(self) -> None:
        section_id = take_up(self._core, self._scan_id)
        try:
            self._run()
        finally:
            with self._store.write() as db:
                scans.rest(db, section_id)
        if not self.stop.is_set():
            summary.drop_work(self._core, section_id)

    def _run(self) -> None:
        with cancellable(self.stop.is_set), failing(self._core, self._scan_id):
            self._session = ScanSession(self._core, self._scan_id, stop=self.stop)
            with closing(self._session):
                threads.run(self._step, workers=self._core.workers, stop=self.stop)
            self._core.cache.forget("tally", "problems")

    def _step(self) -> bool:
        with logs.about(scan=self._scan_id):
            return self._stepped()

    def _stepped(self) -> bool:
        with self._store.write() as db:
            scan = scans.get(db, self._scan_id)
            if scan.state != "running":
                return False
            self._session.leave_out(scan.without)
            chunk = chunks.lease(db, self._scan_id, owner=self._owner, lease_s=self._core.lease_s)
            if chunk is None and scans.finish(db, self._scan_id):
                return False
        if chunk is None:
            return self._is_worth_waiting()
        self._session.work(chunk)
        return True

    def _is_worth_waiting(self) -> bool:
        """Wait a moment if there will be work soon; False when all that is left waits for longer.

        Batches that nothing can be added to any more are sealed then: that is work.
        """
        with self._store.read() as db:
            due_in_s = chunks.due_in_s(db, self._scan_id) or 0.0
        soon_s = _SOON_VERIFIED_S if self._session.is_verifying else _SOON_S
        if due_in_s >= soon_s and not self._session.seal_batches():
            return False
        time.sleep(min(max(due_in_s, _IDLE_S), _TICK_S))
        return True
