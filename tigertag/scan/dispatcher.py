"""With a broker: what is to be done is sent to it, a chunk a message, and scans end by themselves.

The database is the truth. A chunk is marked as sent before it is, so that a crash in between loses
the message and not the mark; what was sent and has not been taken, while the broker's queue is
empty, is sent again. Whatever comes twice finds its chunk leased or done.

One process leads: it holds a lease. The service's leads while it runs; the workers' stand by, so
that scans at work go on and end without it. Two that lead for a moment do no harm: each step is one
transaction.
"""

import logging
import socket
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from uuid import uuid4

from tigertag.core import Core
from tigertag.errors import BrokerError, Conflict, StoreError, TigerTagError
from tigertag.model import QUEUES, Queue
from tigertag.scan import agreement, summary
from tigertag.scan.celery_app import Broker, queue_name
from tigertag.scan.session import fail, fail_unreached
from tigertag.scan.starting import is_able, may_be_taken_up, take_up
from tigertag.sequences import grouped
from tigertag.store import batches, chunks, dispatch, engine_state, scans, tasks, workers
from tigertag.store.dispatch import SentChunk
from tigertag.store.scans import ScanRow
from tigertag.store.workers import Refusal, WorkerRow

logger = logging.getLogger(__name__)

TASK, _STANDBY = dispatch.LEADS
_LOOK_S = 0.25
_FADING = 0.9
_STANDBY_S = 1.0
_LEASE_S = 5.0
_LOST_AFTER_S = 5.0
"""After that a message that nobody has taken is lost, if the broker has none."""
_TAKE_BACK_S = 1.0
_MOST_TAKEN_BACK = 1000
_HOME_LOST_AFTER_S = 600.0
"""So long a batch waits for a worker of the home that has its file, which may be restarting."""
_REST_AFTER_S = 5.0
"""So long a scan is left running of which nothing is due: workers close their batches meanwhile."""
_SOON_S = 15.0
_UNREACHED_S = 5.0
_NOTE_S = 5.0
_NOTE_TASK_S = 60.0
_MOST_RUNNING = 16
_A_THREAD, _LEAST = 2, 4
"""So many messages of a queue wait at the broker, for each thread of the workers and besides.

Few, so that a chunk whose worker has died does not wait behind many; where chunks are short, as
many more as were taken in the last second.
"""


class Dispatcher:
    """Sends the chunks of all scans on a thread of its own, while it leads.

    `takes_up`: it is the service's, whose settings a scan is worked on with.
    """

    def __init__(self, core: Core, *, takes_up: bool) -> None:
        self._core = core
        self._store = core.store
        self._takes_up = takes_up
        self._lead = TASK if takes_up else _STANDBY
        self._owner = f"{socket.gethostname()[:40]}/{uuid4().hex}"
        self._broker = Broker(core.broker_url)
        self._stopped = Event()
        self._woken = Event()
        self._thread = Thread(target=self._run, name="tigertag-dispatcher", daemon=True)
        self._scans: dict[int, _Dispatched] = {}
        self._noted, self._noted_at = "", -_NOTE_TASK_S

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look for a scan now: one was made, or made to go on."""
        self._woken.set()

    def stop(self) -> None:
        """Let another lead."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(_LEASE_S)
        try:
            with self._store.write() as db:
                engine_state.release(db, "", self._lead, owner=self._owner)
        except StoreError as exc:
            logger.warning("the lead was not given back; it runs out: %s", exc)
        self._broker.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(self.look())
            self._woken.clear()

    def look(self) -> float:
        """Send what is due, if this process leads; return when to look again, in seconds."""
        try:
            if not self._leads():
                self._scans.clear()
                return _STANDBY_S
            self._dispatch()
            self._note("")
        except BrokerError as exc:
            self._note(str(exc))
            return _STANDBY_S
        except StoreError as exc:
            logger.error("scans cannot be dispatched: %s", exc)
            return _STANDBY_S
        except Exception:
            logger.exception("a bug; scans are dispatched all the same")
            return _STANDBY_S
        return _LOOK_S

    def _leads(self) -> bool:
        if not self._takes_up:
            with self._store.read() as db:
                if engine_state.is_leased(db, "", TASK):
                    return False
        with self._store.write() as db:
            return engine_state.lease(db, "", self._lead, owner=self._owner, lease_s=_LEASE_S)

    def _note(self, problem: str) -> None:
        """Keep for System what is wrong, or that nothing is, and say it once in the log."""
        now = time.monotonic()
        if problem != self._noted:
            logger.log(logging.ERROR if problem else logging.INFO, problem or "dispatching again")
        elif now < self._noted_at + _NOTE_TASK_S:
            return
        self._noted = problem
        # Where the database is away, too, the next look says so.
        with suppress(StoreError):
            with self._store.write() as db:
                tasks.note(db, TASK, problem)
            self._noted_at = now

    def _dispatch(self) -> None:
        with self._store.read() as db:
            active = scans.every_active(db)
            crew = [worker for worker in workers.every(db) if not worker.is_lost]
        running = sum(scan.state == "running" for scan in active)
        for scan in active:
            if scan.state in ("queued", "waiting"):
                # The oldest first: work on very many at once would end none of them soon.
                running += running < _MOST_RUNNING and self._takes(scan)
            elif scan.state == "running":
                self._serve_apart(scan, crew)
        for scan_id in self._scans.keys() - {scan.id for scan in active}:
            self._forget(scan_id)

    def _serve_apart(self, scan: ScanRow, crew: Sequence[WorkerRow]) -> None:
        """Serve a scan; a bug over it holds up no other."""
        try:
            self._serve(scan, crew)
        except (BrokerError, StoreError):
            raise
        except Exception:
            logger.exception("a bug; scan %s is looked at again", scan.id)

    def _takes(self, scan: ScanRow) -> bool:
        """Let a scan run, if its section is free; False: it is not."""
        mine = self._takes_up or (scan.state == "waiting" and scan.agreed)
        if not mine or not is_able(self._core, scan):
            return False
        with self._store.read() as db:
            if not may_be_taken_up(db, scan):
                return False
        try:
            # It may have been paused since it was read.
            take_up(self._core, scan.id, among=(scan.state,))
        except Conflict as exc:
            logger.info("%s", exc)
            return False
        if self._takes_up:
            self._agree(scan, self._scans.setdefault(scan.id, _Dispatched(scan.section_id)))
        return True

    def _serve(self, scan: ScanRow, crew: Sequence[WorkerRow]) -> None:
        """Send what is due of a scan, and end it when nothing is left."""
        mine = self._scans.setdefault(scan.id, _Dispatched(scan.section_id))
        refusals = _refusals(scan, crew)
        if self._takes_up and (not mine.noted_at or (refusals and mine.is_old(_NOTE_S))):
            # Rules may have changed since, for a worker that has opened the scan only now.
            self._agree(scan, mine)
        if self._send_due(scan, mine, crew):
            mine.idle_since = 0.0
        else:
            self._end_or_rest(scan, mine)
        self._fail_where_nobody_reaches(scan, mine, refusals, crew)

    def _agree(self, scan: ScanRow, mine: "_Dispatched") -> None:
        mine.noted_at = time.monotonic()
        try:
            with self._store.write() as db:
                agreement.note(self._core, db, scan)
        except StoreError:
            raise
        except TigerTagError as exc:
            fail(self._core, scan.id, str(exc))

    def _send_due(self, scan: ScanRow, mine: "_Dispatched", crew: Sequence[WorkerRow]) -> bool:
        """Send what is due, a little more than is taken; False: nothing is on its way."""
        self._take_back(scan, mine, crew)
        threads = sum(worker.threads for worker in crew)
        with self._store.read() as db:
            on_their_way = dispatch.on_their_way(db, scan.id)
        sent = 0
        for queue in QUEUES:
            waiting = on_their_way.get(queue, 0)
            most = _A_THREAD * threads + _LEAST + mine.taken(queue, waiting)
            number = self._send(scan, queue, most - waiting)
            mine.sent(queue, waiting + number)
            sent += number
        return bool(sent or on_their_way)

    def _send(self, scan: ScanRow, queue: Queue, room: int) -> int:
        """Send chunks of a queue, `room` at most; return how many were sent."""
        if queue == "paid":
            with self._store.read() as db:
                room = min(room, self._core.paid_at_once - dispatch.under_way(db, queue))
        if room <= 0:
            return 0
        with self._store.write() as db:
            sent = dispatch.take_unsent(db, scan.id, queue, limit=room)
        try:
            for name, some in _by_name(scan.id, sent).items():
                self._broker.send(scan.id, name, [chunk.id for chunk in some])
        except BrokerError:
            with self._store.write() as db:
                dispatch.unsend(db, [chunk.id for chunk in sent])
            raise
        return len(sent)

    def _take_back(self, scan: ScanRow, mine: "_Dispatched", crew: Sequence[WorkerRow]) -> None:
        """Let what was declined by a worker, or lost by the broker, be sent again.

        Not at once: a worker that takes nothing may be the only one that gets it.
        """
        if time.monotonic() < mine.taken_back_at + _TAKE_BACK_S:
            return
        mine.taken_back_at = time.monotonic()
        with self._store.read() as db:
            back = dispatch.declined(db, scan.id, limit=_MOST_TAKEN_BACK)
            old = dispatch.sent_before(db, scan.id, after_s=_LOST_AFTER_S, limit=_MOST_TAKEN_BACK)
        for name, some in _by_name(scan.id, old).items():
            if self._broker.is_empty(name):
                logger.info("scan %s: %s chunks are sent again", scan.id, len(some))
                back += some
        if back:
            with self._store.write() as db:
                dispatch.unsend(db, [chunk.id for chunk in back])
            mine.took_back(back)
        self._leave_lost_homes(scan, mine, crew, old)

    def _leave_lost_homes(
        self,
        scan: ScanRow,
        mine: "_Dispatched",
        crew: Sequence[WorkerRow],
        waiting: Sequence[SentChunk],
    ) -> None:
        """Let others have the batches of homes in which no worker has lived for long."""
        homes = {worker.home for worker in crew if "paid" in worker.queues}
        away = [chunk for chunk in waiting if chunk.home and chunk.home not in homes]
        if lost := mine.lost_homes({chunk.home for chunk in away}):
            logger.warning("scan %s: no worker lives in the home of a batch any more", scan.id)
            with self._store.write() as db:
                dispatch.leave_homes(db, [chunk.id for chunk in away if chunk.home in lost])

    def _end_or_rest(self, scan: ScanRow, mine: "_Dispatched") -> None:
        """End a scan of which nothing is left; let go of its section while all of it waits."""
        with self._store.write() as db:
            if scans.finish(db, scan.id):
                return
            due_in_s = chunks.due_in_s(db, scan.id) or 0.0
            if due_in_s <= _SOON_S or batches.filling(db, scan.id):
                mine.idle_since = 0.0
                return
            mine.idle_since = mine.idle_since or time.monotonic()
            if time.monotonic() > mine.idle_since + _REST_AFTER_S:
                scans.rest(db, scan.section_id)

    def _fail_where_nobody_reaches(
        self,
        scan: ScanRow,
        mine: "_Dispatched",
        refusals: Sequence[Refusal],
        crew: Sequence[WorkerRow],
    ) -> None:
        """Fail a scan whose library none of its workers reaches, as on one machine."""
        active = [worker for worker in crew if not worker.draining]
        unreached = [refusal.reason for refusal in refusals if refusal.unavailable]
        # Who refuses for another reason may be able soon, or is set up for other libraries.
        if not unreached or len(unreached) < len(active):
            mine.unreached_since = 0.0
            return
        mine.unreached_since = mine.unreached_since or time.monotonic()
        if time.monotonic() > mine.unreached_since + _UNREACHED_S:
            fail_unreached(self._core, scan.id, unreached[0])

    def _forget(self, scan_id: int) -> None:
        """A scan has ended: its queues go, and what nobody reads any more."""
        section_id = self._scans.pop(scan_id).section_id
        self._core.cache.forget("tally", "problems")
        summary.drop_work(self._core, section_id)
        self._broker.empty([queue_name(scan_id, queue) for queue in QUEUES])


@dataclass(slots=True)
class _Dispatched:
    """What is remembered of a scan that is being dispatched; times are monotonic, 0.0: never."""

    section_id: int
    noted_at: float = 0.0
    taken_back_at: float = 0.0
    idle_since: float = 0.0
    unreached_since: float = 0.0
    _away_since: dict[str, float] = field(default_factory=dict)
    _waited: dict[Queue, int] = field(default_factory=dict)
    _rate: dict[Queue, float] = field(default_factory=dict)

    def taken(self, queue: Queue, waiting: int) -> int:
        """Return how many chunks of a queue are taken in a second, now that so many wait."""
        taken_s = max(0, self._waited.get(queue, 0) - waiting) / _LOOK_S
        self._rate[queue] = max(taken_s, self._rate.get(queue, 0.0) * _FADING)
        return int(self._rate[queue])

    def sent(self, queue: Queue, waiting: int) -> None:
        self._waited[queue] = waiting

    def lost_homes(self, away: Collection[str]) -> set[str]:
        """Return which homes have had no worker for long, of those that have none now."""
        now = time.monotonic()
        self._away_since = {home: self._away_since.get(home, now) for home in away}
        lost_before = now - _HOME_LOST_AFTER_S
        return {home for home, since in self._away_since.items() if since <= lost_before}

    def took_back(self, back: Iterable[SentChunk]) -> None:
        """They wait no longer, and were not taken either."""
        for chunk in back:
            self._waited[chunk.queue] = self._waited.get(chunk.queue, 0) - 1

    def is_old(self, after_s: float) -> bool:
        return time.monotonic() > self.noted_at + after_s


def _refusals(scan: ScanRow, crew: Sequence[WorkerRow]) -> list[Refusal]:
    """Why workers do not work on a scan, but for those that take nothing more anyway."""
    refusals = (refusal for worker in crew if not worker.draining for refusal in worker.refusals)
    return [refusal for refusal in refusals if refusal.scan_id == scan.id]


def _by_name(scan_id: int, sent: Sequence[SentChunk]) -> dict[str, list[SentChunk]]:
    """Return the chunks by the name of the broker's queue that they go to."""
    return grouped((queue_name(scan_id, chunk.queue, chunk.home), chunk) for chunk in sent)
