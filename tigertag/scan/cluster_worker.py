"""`tigertag worker`: this process works on chunks that a broker gives it, of any number of scans.

It tells the database every other second that it lives, which scans it cannot work on and why, and
consumes the queues of the others only, so no worker gets a chunk that it cannot work on.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from threading import Event, Lock, Thread

from tigertag import __version__, logs
from tigertag.core import Core
from tigertag.errors import Conflict, LibraryShrunk, LibraryUnavailable, StoreError, TigerTagError
from tigertag.model import Queue
from tigertag.scan import spool
from tigertag.scan.celery_app import Consumer, queue_name
from tigertag.scan.dispatcher import Dispatcher
from tigertag.scan.session import ScanSession, failing
from tigertag.scan.worker_sessions import WorkerSessions
from tigertag.store import dispatch, scans, workers
from tigertag.store.chunks import Chunk
from tigertag.store.scans import ScanRow
from tigertag.store.workers import NewWorker

logger = logging.getLogger(__name__)

SOFT_LIMIT_S = 780.0
"""A chunk that takes longer is given back, with its progress."""
_HARD_LIMIT_S = 840.0
"""What is still at work then hangs in foreign code, which no thread can be freed from."""
_HUNG = 70
_BEAT_S = 2.0
_LOOK_S = 1.0
_STOP_S = 8.0
_LAST_S = 1.5
_RATE_S = 60.0


class ClusterWorker:
    """Works on chunks on `core.workers` threads until it is stopped."""

    def __init__(
        self,
        core: Core,
        *,
        queues: Sequence[Queue],
        name: str = "",
        prepare: Callable[[ScanRow], str] = lambda _scan: "",
    ) -> None:
        """`prepare`: says what this process still lacks for a scan, while it gets it; "": nothing.

        It is asked each second, so it takes no time.
        """
        self._core = core
        self._store = core.store
        self._queues = tuple(queues)
        self.name = name or f"{socket.gethostname()[:80]}-{os.getpid()}"
        self._sessions = WorkerSessions(core, beat_s=_BEAT_S, prepare=prepare)
        self._lock = Lock()
        self._chunks: dict[Chunk, float] = {}
        self._done: deque[tuple[float, int]] = deque()
        self._items_done = 0
        self._began = time.monotonic()
        self._draining = False
        self._stopping = Event()
        self._ended = Event()
        self.home = spool.home_id(core)
        self._dispatcher = Dispatcher(core, takes_up=False)
        self._consumer: Consumer | None = None

    def run(self) -> None:
        """Work until SIGTERM, SIGINT, or until it is drained and has ended what it was at.

        Raises `Conflict` where another worker has its name.
        """
        self.await_name()
        core, threads = self._core, self._core.workers
        self._consumer = Consumer(
            core.broker_url,
            name=self.name,
            concurrency=threads,
            work=self.work_on,
            stopping=self.stop,
        )
        # Apart: to open a library may take long, and a worker that is not heard of counts as lost.
        repeated = [
            Thread(target=self._repeat, args=(do, each_s), name=f"tigertag-{name}", daemon=True)
            for name, do, each_s in (
                ("worker-heart", self.beat, _BEAT_S),
                ("worker-scans", self.look, _LOOK_S),
            )
        ]
        try:
            self.enter()
            for thread in repeated:
                thread.start()
            self._dispatcher.start()
            # As in `threads.run`: what exists by now mostly stays; the collector need not scan it.
            gc.collect(1)
            gc.freeze()
            self._consumer.run()
        finally:
            self.stop()
            self._dispatcher.stop()
            for thread in filter(Thread.is_alive, repeated):
                thread.join(_STOP_S)
            with suppress(StoreError):
                self.leave()
            self._ended.set()

    def await_name(self) -> None:
        """Wait until no worker of this name lives: one that was killed is only known to be lost.

        Raises `Conflict` where it is heard of meanwhile.
        """
        first = None
        while (other := self._seen()) is not None:
            host, pid, _seen_at = other
            if (host, pid) == (socket.gethostname()[:128], os.getpid()):
                # This container was started again.
                return
            if first is None:
                first = other
                logger.info("waiting: a worker %s was at work on %s just now", self.name, host)
            elif other != first:
                raise Conflict(
                    f"A worker {self.name} is at work on {host} (process {pid}); nothing was"
                    " changed. Give this one another --name."
                )
            time.sleep(_LOOK_S)

    def _seen(self) -> tuple[str, int, float] | None:
        with self._store.read() as db:
            return workers.seen(db, self.name)

    def leave(self) -> None:
        """Close what is open, and take this worker out of the database."""
        self._sessions.close_all()
        with self._store.write() as db:
            workers.leave(db, self.name)

    def stop(self) -> None:
        """Give back what is being worked on, within a few seconds, and end."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._sessions.stop()
            if self._consumer is not None:
                Thread(target=self._end_in_time, name="tigertag-end", daemon=True).start()

    def _end_in_time(self) -> None:
        """A supervisor kills soon after SIGTERM: chunks that do not end in time are given up."""
        if not self._ended.wait(_STOP_S):
            logger.error("%s chunks did not end in time; others take them", len(self._chunks))
            self._die(0)

    def _die(self, code: int, hung: Sequence[Chunk] = ()) -> None:
        """End at once. What a thread still commits is refused; the broker gives its messages on."""
        last = Thread(target=self._give_up, args=(hung,), name="tigertag-last", daemon=True)
        last.start()
        # A database that cannot be reached would keep it for longer than the leases run.
        last.join(_LAST_S)
        os._exit(code)

    def _give_up(self, hung: Sequence[Chunk]) -> None:
        with suppress(StoreError), self._store.write() as db:
            dispatch.give_up(db, self.name, hung=[chunk.id for chunk in hung])
            workers.leave(db, self.name)

    def enter(self) -> None:
        """Record this worker in the database, where the service sees it."""
        usable = tuple(entry.id for entry in self._core.engines if entry.engine is not None)
        libraries = (entry for entry in self._core.libraries if entry.library is not None)
        me = NewWorker(
            self.name,
            socket.gethostname()[:128],
            os.getpid(),
            __version__,
            self.home,
            datetime.now(UTC),
            self._core.workers,
            self._queues,
            tuple(entry.id for entry in libraries),
            usable,
        )
        with self._store.write() as db:
            workers.enter(db, me)
        logger.info("worker %s: queues %s", self.name, ", ".join(self._queues))

    def _repeat(self, do: Callable[[], None], each_s: float) -> None:
        """Do it again and again, whatever happens; the database may be away for a while."""
        reason = ""
        while not self._stopping.wait(each_s):
            try:
                do()
                reason = ""
            except StoreError as exc:
                if str(exc) != reason:
                    reason = str(exc)
                    logger.warning("this worker waits for the database: %s", reason)
            except Exception:
                logger.exception("a bug; the worker goes on")

    def beat(self) -> None:
        """Say that this worker lives, and hear whether it is to drain."""
        late = time.monotonic() - _HARD_LIMIT_S
        hung = [chunk for chunk, since in self._chunks.copy().items() if since < late]
        # A listing, or a large batch that is sent, may take longer than that.
        hung = [chunk for chunk in hung if chunk.kind in ("items", "groups")]
        if hung:
            logger.error("chunk %s hangs; this process ends, others go on", hung[0].id)
            self._die(_HUNG, hung)
        done, refusals = self._items_done, self._sessions.refusals
        with self._store.write() as db:
            drains = workers.beat(
                db, self.name, items_done=done, items_s=self._rate(), refusals=refusals
            )
        if drains is None and not self._stopping.is_set():
            # The row was lost, such as by restoring a backup.
            self.enter()
        self._draining = bool(drains)
        if drains and not self._chunks and self._consumer is not None:
            logger.info("worker %s: drained", self.name)
            os.kill(os.getpid(), signal.SIGTERM)

    def look(self) -> None:
        """Look which scans there are, and consume what this worker can work on."""
        with self._store.read() as db:
            active = scans.every_active(db)
        # What the service has not agreed to yet it will in a moment.
        running = [scan for scan in active if scan.state == "running" and scan.agreed]
        able = self._sessions.open_for(running, draining=self._draining)
        if self._consumer is not None:
            self._consumer.consume(list(self._names(able)))
        self._sessions.seal_batches(able)

    def _names(self, able: Sequence[ScanRow]) -> Iterator[str]:
        for scan in able:
            yield from (queue_name(scan.id, queue) for queue in self._queues)
            if "paid" in self._queues:
                yield queue_name(scan.id, "paid", self.home)

    def _rate(self) -> float:
        """Items a second over the last minute, or since the start."""
        now = time.monotonic()
        lived_s = max(now - self._began, _BEAT_S)
        with self._lock:
            while self._done and self._done[0][0] < now - _RATE_S:
                self._done.popleft()
            items = sum(number for _at, number in self._done)
        return round(items / min(_RATE_S, lived_s), 2)

    def work_on(self, scan_id: int, chunk_id: int) -> None:
        """Work on a chunk, unless somebody else does or it is done. Never raises."""
        try:
            with logs.about(scan=scan_id):
                self._work(scan_id, chunk_id)
        except StoreError as exc:
            # Its lease runs out, or it was never taken: it is sent again.
            logger.warning("chunk %s is left to others: %s", chunk_id, exc)
        except TigerTagError as exc:
            logger.error("scan %s: %s", scan_id, exc)
        except Exception:
            logger.exception("a bug; chunk %s is left to others", chunk_id)

    def _work(self, scan_id: int, chunk_id: int) -> None:
        with self._sessions.entered(scan_id) as session:
            if session is None or self._stopping.is_set() or self._draining:
                with self._store.write() as db:
                    dispatch.decline(db, chunk_id)
                return
            lease_s = self._core.lease_s
            with self._store.write() as db:
                scan, chunk = scans.get(db, scan_id), None
                if scan.state == "running":
                    # What a dead worker has left goes first: it has waited for its lease already.
                    chunk = dispatch.lease_left(
                        db, scan_id, chunk_id, self.name, home=self.home, lease_s=lease_s
                    )
                if chunk is None:
                    # Its worker was committing at this moment, or it is done: if it is not, and
                    # its lease has run out, it is sent again.
                    dispatch.decline(db, chunk_id)
            if chunk is not None:
                session.leave_out(scan.without)
                self._run(session, scan, chunk)

    def _run(self, session: ScanSession, scan: ScanRow, chunk: Chunk) -> None:
        with self._lock:
            self._chunks[chunk] = time.monotonic()
        try:
            with failing(self._core, scan.id, alone=False):
                # A listing that is given back starts over, so it has no limit.
                limit_s = inf if chunk.kind == "list" else SOFT_LIMIT_S
                session.work(chunk, until=time.monotonic() + limit_s)
            self._sessions.reached(scan.id)
            with self._lock:
                self._items_done += chunk.size
                self._done.append((time.monotonic(), chunk.size))
        except LibraryShrunk as exc:
            logger.error("scan %s failed: %s", scan.id, exc)
        except LibraryUnavailable as exc:
            # Others may reach it: the scan fails when nobody does (see `Dispatcher`).
            self._sessions.unreached(scan, str(exc))
        finally:
            with self._lock:
                del self._chunks[chunk]
