"""`tigertag worker`: this process works on chunks that a broker gives it, of any number of scans.

It tells the database every other second that it lives, which scans it cannot work on and why, and
consumes the queues of the others alone: nobody is given work that he cannot do.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import inf
from threading import Condition, Event, Thread

from tigertag import __version__, logs
from tigertag.core import Core
from tigertag.errors import LibraryShrunk, LibraryUnavailable, StoreError, TigerTagError
from tigertag.model import Queue
from tigertag.net import cancellable
from tigertag.scan import agreement, presence, spool
from tigertag.scan.celery_app import Consumer, queue_name
from tigertag.scan.dispatcher import Dispatcher
from tigertag.scan.session import ScanSession, failing
from tigertag.store import chunks, dispatch, scans, workers
from tigertag.store.chunks import Chunk
from tigertag.store.scans import ScanRow
from tigertag.store.workers import NewWorker, Refusal

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
_REFUSED_S, _LONGEST_REFUSED_S = 10.0, 300.0
_RATE_S = 60.0


@dataclass(slots=True)
class _Work:
    """What this process knows of one scan: a session, or a refusal.

    `unreached`: how often in a row its library was not reached.
    """

    scan_id: int
    stop: Event = field(default_factory=Event)
    session: ScanSession | None = None
    at_work: int = 0
    agreed: str = ""
    refusal: Refusal | None = None
    refused_until: float = 0.0
    unreached: int = 0


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

        It is asked with each beat, so it takes no time.
        """
        self._core = core
        self._store = core.store
        self._queues = tuple(queues)
        self.name = name or f"{socket.gethostname()[:80]}-{os.getpid()}"
        self._prepare = prepare
        self._works: dict[int, _Work] = {}
        self._changed = Condition()
        self._chunks: dict[Chunk, float] = {}
        self._done: deque[tuple[float, int]] = deque()
        self._items_done = 0
        self._began = time.monotonic()
        self._draining = False
        self._stopping = Event()
        self._ended = Event()
        self._home = spool.home_id(core)
        self._dispatcher = Dispatcher(core, takes_up=False)
        self._consumer: Consumer | None = None

    def run(self) -> None:
        """Work until SIGTERM, SIGINT, or until it is drained and has ended what it was at."""
        core, threads = self._core, self._core.workers
        self._consumer = Consumer(
            core.broker_url,
            name=self.name,
            concurrency=threads,
            work=self.work_on,
            stopping=self.stop,
        )
        self.enter()
        # Apart: to open a library may take long, and a worker that is not heard of counts as lost.
        repeated = [
            Thread(target=self._repeat, args=(do, each_s), name=f"tigertag-{name}", daemon=True)
            for name, do, each_s in (
                ("worker-heart", self.beat, _BEAT_S),
                ("worker-scans", self.look, _LOOK_S),
            )
        ]
        for thread in repeated:
            thread.start()
        self._dispatcher.start()
        # As `threads.run` does it: what is there by now stays, and need not be looked through.
        gc.collect(1)
        gc.freeze()
        try:
            self._consumer.run()
        finally:
            self.stop()
            self._dispatcher.stop()
            for thread in repeated:
                thread.join(_STOP_S)
            with suppress(StoreError):
                self.leave()
            self._ended.set()

    def leave(self) -> None:
        """Close what is open, and take this worker out of the database."""
        self._forget_but(set())
        with self._store.write() as db:
            workers.leave(db, self.name)

    def stop(self) -> None:
        """Give back what is being worked on, within a few seconds, and end."""
        if not self._stopping.is_set():
            self._stopping.set()
            for work in list(self._works.values()):
                work.stop.set()
            if self._consumer is not None:
                Thread(target=self._end_in_time, name="tigertag-end", daemon=True).start()

    def _end_in_time(self) -> None:
        """Whoever sent the signal kills soon: what does not hear of it in time is given up."""
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
        """Take this worker down in the database, where the service sees it."""
        usable = tuple(entry.id for entry in self._core.engines if entry.engine is not None)
        libraries = (entry for entry in self._core.libraries if entry.library is not None)
        me = NewWorker(
            self.name,
            socket.gethostname()[:128],
            os.getpid(),
            __version__,
            self._home,
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
        works = list(self._works.values())
        refusals = [work.refusal for work in works if work.refusal is not None]
        with self._store.write() as db:
            drains = workers.beat(
                db, self.name, items_done=self._items_done, items_s=self._rate(), refusals=refusals
            )
        if drains is None:
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
        self._forget_but({scan.id for scan in running})
        able = [] if self._draining else [scan for scan in running if self._is_able(scan)]
        if self._consumer is not None:
            self._consumer.consume(list(self._names(able)))
        self._seal(able)

    def _names(self, able: Sequence[ScanRow]) -> Iterator[str]:
        for scan in able:
            yield from (queue_name(scan.id, queue) for queue in self._queues)
            if "paid" in self._queues:
                yield queue_name(scan.id, "paid", self._home)

    def _rate(self) -> float:
        """Items a second over the last minute, or since the start."""
        now = time.monotonic()
        lived_s = max(now - self._began, _BEAT_S)
        while self._done and self._done[0][0] < now - _RATE_S:
            self._done.popleft()
        return round(sum(items for _at, items in tuple(self._done)) / min(_RATE_S, lived_s), 2)

    def _seal(self, able: Sequence[ScanRow]) -> None:
        """Close batches of scans of which nothing else is left to be done."""
        for scan in able:
            work = self._works.get(scan.id)
            if work is None or work.session is None or work.at_work:
                continue
            with self._store.read() as db:
                busy = chunks.lease_left_s(db, scan.id) > 0
                due_at = chunks.due_at(db, scan.id)
            if not busy and (due_at is None or due_at > time.time() + _LOOK_S):
                work.session.seal_batches()

    def _forget_but(self, scan_ids: set[int]) -> None:
        """End the sessions of scans that do not run any more."""
        for scan_id in self._works.keys() - scan_ids:
            work = self._works[scan_id]
            work.stop.set()
            if self._is_closed(work):
                with self._changed:
                    del self._works[scan_id]

    def _is_closed(self, work: _Work) -> bool:
        """Close the session unless a thread works in it; False: one does."""
        with self._changed:
            if work.at_work:
                return False
            session, work.session = work.session, None
        if session is not None:
            session.close()
        return True

    def _is_able(self, scan: ScanRow) -> bool:
        """Whether this process may work on a scan; the reason is kept where it may not."""
        work = self._works.setdefault(scan.id, _Work(scan.id))
        agreed = work.refusal is None and work.agreed == scan.agreed
        if work.session is not None and agreed and not work.stop.is_set():
            return True
        if not agreed:
            # The service works with other settings now: what is at work is given back first.
            work.stop.set()
        if time.monotonic() < work.refused_until or not self._is_closed(work):
            return False
        self._open(work, scan)
        return work.refusal is None

    def _open(self, work: _Work, scan: ScanRow) -> None:
        """Open a session, or note why not."""
        work.stop, work.agreed = Event(), scan.agreed
        if lacking := self._prepare(scan):
            # It changes by the second, and is logged where it is got.
            work.refusal = Refusal(scan.id, scan.section.library, lacking)
            return None
        try:
            with logs.about(scan=scan.id), cancellable(work.stop.is_set):
                # A worker with other engines would else add them to what all decisions depend on.
                check = partial(agreement.check, self._core, scan)
                session = ScanSession(
                    self._core, scan.id, stop=work.stop, check=check, beat_s=_BEAT_S
                )
        except StoreError:
            raise
        except LibraryUnavailable as exc:
            return self._refuse(work, scan, str(exc), unavailable=True)
        except TigerTagError as exc:
            return self._refuse(work, scan, str(exc))
        except Exception as exc:
            # It must not keep this worker from the other scans.
            logger.exception("a bug; scan %s is not worked on here", scan.id)
            bug = f"TigerTag hit a bug ({type(exc).__name__}); see this worker's log."
            return self._refuse(work, scan, bug)
        if reason := presence.absence(self._store, session.context):
            session.close()
            return self._refuse(work, scan, reason, unavailable=True)
        work.refusal, work.session = None, session
        return None

    def _refuse(
        self, work: _Work, scan: ScanRow, reason: str, *, unavailable: bool = False
    ) -> None:
        """Note why this process does not work on a scan for now."""
        if work.refusal is None or work.refusal.reason != reason:
            logger.warning("scan %s is not worked on here: %s", scan.id, reason)
        work.refusal = Refusal(scan.id, scan.section.library, reason, unavailable)
        # Longer each time, so that of many workers the last one hears of it before the first one
        # tries again: a scan whose library nobody reaches fails then.
        wait_s = min(_REFUSED_S * 2**work.unreached, _LONGEST_REFUSED_S)
        work.unreached += unavailable
        work.refused_until = time.monotonic() + wait_s

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
        with self._in_session(scan_id) as (work, session):
            if work is None or session is None:
                with self._store.write() as db:
                    dispatch.unsend(db, [chunk_id])
                return
            lease_s = self._core.lease_s
            with self._store.write() as db:
                scan, chunk = scans.get(db, scan_id), None
                if scan.state == "running":
                    # What a dead worker has left goes first: it has waited for its lease already.
                    chunk = dispatch.lease_left(db, scan_id, chunk_id, self.name, lease_s=lease_s)
                if chunk is None:
                    # Its worker was committing at this moment, or it is done: if it is not, and
                    # its lease has run out, it is sent again.
                    dispatch.unsend(db, [chunk_id])
            if chunk is not None:
                session.leave_out(scan.without)
                self._run(work, session, scan, chunk)

    @contextmanager
    def _in_session(self, scan_id: int) -> Iterator[tuple[_Work | None, ScanSession | None]]:
        """Keep a scan's session open meanwhile; None: this process does not work on it now."""
        with self._changed:
            work = self._works.get(scan_id)
            if self._stopping.is_set() or self._draining:
                work = None
            if work is not None and (work.refusal or work.stop.is_set()):
                work = None
            session = None if work is None else work.session
            if work is not None:
                work.at_work += 1
        try:
            yield work, session
        finally:
            if work is not None:
                with self._changed:
                    work.at_work -= 1

    def _run(self, work: _Work, session: ScanSession, scan: ScanRow, chunk: Chunk) -> None:
        with self._changed:
            self._chunks[chunk] = time.monotonic()
        try:
            with failing(self._core, scan.id, alone=False):
                # A listing begins anew each time: it may take as long as it takes.
                limit_s = inf if chunk.kind == "list" else SOFT_LIMIT_S
                session.work(chunk, until=time.monotonic() + limit_s)
            work.unreached = 0
            self._items_done += chunk.size
            self._done.append((time.monotonic(), chunk.size))
        except LibraryShrunk as exc:
            logger.error("scan %s failed: %s", scan.id, exc)
        except LibraryUnavailable as exc:
            # Others may reach it: the scan fails when nobody does (see `Dispatcher`).
            self._refuse(work, scan, str(exc), unavailable=True)
        finally:
            with self._changed:
                del self._chunks[chunk]
                self._changed.notify_all()
