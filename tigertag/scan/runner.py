"""A scan at work: chunks are leased, worked on and given back; leases are kept alive."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import copy_context
from functools import partial
from threading import Event, Lock, Thread
from uuid import uuid4

from tigertag import logs, threads
from tigertag.contracts import Library, RunContext
from tigertag.core import Core
from tigertag.errors import (
    Conflict,
    LeaseLost,
    LibraryError,
    LibraryShrunk,
    LibraryUnavailable,
    StoreError,
    TigerTagError,
    Unstorable,
)
from tigertag.model import Section
from tigertag.net import cancellable
from tigertag.scan import calls, spool, summary
from tigertag.scan import context as contexts
from tigertag.scan.availability import EngineAvailability
from tigertag.scan.batches import BatchCollector
from tigertag.scan.decide import DecisionStage
from tigertag.scan.engine_stage import EngineStage
from tigertag.scan.listing import ListingStage
from tigertag.scan.reading import Readings
from tigertag.store import Db, batches, chunks, scans
from tigertag.store.chunks import Chunk
from tigertag.store.scans import ScanRow

logger = logging.getLogger(__name__)

_IDLE_S = 0.05
_TICK_S = 0.5
_SOON_S = 1.0
_SOON_VERIFIED_S = 15.0
"""What was written is verified by whom it was written: the scan is not let go of for so short."""
_AFTER_ITEMS_S = 0.2
_TAKEN_UP = ("queued", "running", "paused", "waiting")


class Runner:
    """Works on one scan in this process, beside any number of others."""

    def __init__(self, core: Core, scan_id: int) -> None:
        self._core = core
        self._scan_id = scan_id
        self._store = core.store
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._held: set[Chunk] = set()
        self._lock = Lock()
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
        section_id = self._take_up()
        try:
            self._run()
        finally:
            with self._store.write() as db:
                scans.rest(db, section_id)
        if not self.stop.is_set():
            summary.drop_work(self._core, section_id)

    def _take_up(self) -> int:
        """Make it run, if its section is free; return the section. Raises `Conflict`."""
        with self._store.write() as db:
            scan = scans.get(db, self._scan_id)
            if scan.state == "waiting":
                scans.rest(db, scan.section_id)
                if chunks.section_lease_left_s(db, scan.section_id) > 0:
                    raise Conflict(
                        f"The last scan of this section is still ending; scan {scan.id} continues"
                        " after that. Nothing is lost."
                    )
            scans.move(db, scan.id, to="running", among=_TAKEN_UP)
        return scan.section_id

    def _run(self) -> None:
        with cancellable(self.stop.is_set), self._failing():
            with self._store.read() as db:
                scan = scans.get(db, self._scan_id)
            spool.sweep(self._core)
            library = self._core.library(scan.section.library)
            if scan.kind != "scan":
                _check_section(library, scan.section)
            with self._store.write() as db:
                _check_source(db, scan, library)
                context = contexts.make(self._core, db, scan, library)
                calls.lose_old(db)
            availability = EngineAvailability(
                self._core, context.engines, cancelled=self.stop.is_set
            )
            self._availability = availability
            self._context = context
            self._listing = ListingStage(self._core, context)
            readings = Readings(library)
            self._engine_stage = EngineStage(
                self._core, context, availability, None if scan.write == "apply" else readings
            )
            self._decision_stage = DecisionStage(
                self._store, context, readings, lease_s=self._core.lease_s
            )
            try:
                with self._alive(), closing(self._engine_stage):
                    threads.run(self._step, workers=self._core.workers, stop=self.stop)
            finally:
                self._decision_stage.canary.let_go()
            self._core.cache.forget("tally", "problems")

    def _step(self) -> bool:
        with logs.about(scan=self._scan_id):
            return self._stepped()

    def _stepped(self) -> bool:
        with self._store.write() as db:
            scan = scans.get(db, self._scan_id)
            if scan.state != "running":
                return False
            self._availability.leave_out(scan.without)
            chunk = chunks.lease(db, self._scan_id, owner=self._owner, lease_s=self._core.lease_s)
            if chunk is None and scans.finish(db, self._scan_id):
                return False
        if chunk is None:
            return self._is_worth_waiting()
        try:
            with cancellable(self.stop.is_set):
                self._work(chunk)
        except LeaseLost:
            logger.warning("chunk %s was taken over by another worker", chunk.id)
        except LibraryUnavailable as exc:
            if not self.stop.is_set():
                raise
            # What waited for the library was cut short: no fault of the scan, which goes on later.
            logger.info("chunk %s was left, the scan is stopped: %s", chunk.id, exc)
        return True

    def _work(self, chunk: Chunk) -> None:
        self._hold(chunk)
        run = RunContext(self.stop.is_set)
        whole = False
        due: Callable[[Db], float | None] = partial(_at, None)
        try:
            if chunk.kind == "list":
                whole = self._listing.run(chunk, run)
            elif chunk.kind == "batch":
                collector = BatchCollector(self._core, self._context, self._availability)
                again_at = collector.step(chunk)
                whole, due = True, partial(_at, again_at)
            elif chunk.kind == "groups":
                whole, groups_due_at = True, self._groups_due_at()
                if groups_due_at is None:
                    whole = self._decision_stage.run(chunk, run)
                    groups_due_at = self._decision_stage.verification.due_at(chunk)
                due = partial(_at, groups_due_at)
            else:
                whole = self._ask_and_settle(chunk, run)
                verify_at = self._decision_stage.verification.due_at(chunk)
                due = partial(self._engine_stage.due_at, chunk, verify_at=verify_at)
        finally:
            self._let_go(chunk)
            self._give_back(chunk, due, whole=whole)

    def _ask_and_settle(self, chunk: Chunk, run: RunContext) -> bool:
        """Engines that may hang are asked last, when all that the others say is decided."""
        may_hang = self._engine_stage.unproven(chunk)
        if may_hang and not (
            self._engine_stage.run(chunk, run, but=may_hang)
            and self._decision_stage.run(chunk, run)
        ):
            return False
        return self._engine_stage.run(chunk, run) and self._decision_stage.run(chunk, run)

    def _give_back(self, chunk: Chunk, due: Callable[[Db], float | None], *, whole: bool) -> None:
        with self._store.write() as db:
            if not whole:
                return chunks.release(db, chunk)
            due_at = due(db)
            if due_at is None:
                return chunks.finish(db, chunk)
            return chunks.postpone(db, chunk, due_at)

    def _groups_due_at(self) -> float | None:
        """When groups can be decided: after all that is in them. None: now."""
        with self._store.read() as db:
            due_at = chunks.items_due_at(db, self._scan_id)
        return None if due_at is None else max(due_at, time.time() + _AFTER_ITEMS_S)

    def _is_worth_waiting(self) -> bool:
        """Wait a moment if there will be work soon; False when all that is left waits for longer.

        Batches that nothing can be added to any more are sealed then: that is work.
        """
        with self._store.read() as db:
            at_work = chunks.lease_left_s(db, self._scan_id) > 0
            due_at = chunks.due_at(db, self._scan_id)
        soon_s = _SOON_VERIFIED_S if self._decision_stage.verification.is_waiting else _SOON_S
        soon = due_at is None or due_at < time.time() + soon_s
        if not at_work and not soon and not self._engine_stage.seal_batches():
            return False
        due_s = 0.0 if at_work or due_at is None else due_at - time.time()
        time.sleep(min(max(due_s, _IDLE_S), _TICK_S))
        return True

    def _hold(self, chunk: Chunk) -> None:
        with self._lock:
            self._held.add(chunk)

    def _let_go(self, chunk: Chunk) -> None:
        with self._lock:
            self._held.discard(chunk)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        ended = Event()
        beat = copy_context().run
        heart = Thread(target=beat, args=(self._beat, ended), name="tigertag-leases", daemon=True)
        heart.start()
        try:
            yield
        finally:
            ended.set()
            heart.join()

    def _beat(self, ended: Event) -> None:
        """Renew the leases, and see what the user has said of the scan elsewhere."""
        while not ended.wait(min(_TICK_S, self._core.lease_s / 3)):
            with self._lock:
                held = list(self._held)
            try:
                with self._store.write() as db:
                    chunks.renew(db, held, lease_s=self._core.lease_s)
                    self._decision_stage.canary.keep(db)
                    scan = scans.get(db, self._scan_id)
                if scan.state not in ("running", "done"):
                    self.stop.set()
                self._availability.leave_out(scan.without)
            except StoreError as exc:
                # They hold for a while yet, and the next beat may get through.
                logger.warning("the leases could not be renewed: %s", exc)
            except Exception:
                logger.exception("a bug; the leases are renewed at the next beat")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Let the scan fail with the reason, in one line."""
        try:
            yield
        except Unstorable as exc:
            # Another try would meet the same value, and might pay for it again.
            self._fail(str(exc))
            raise
        except StoreError:
            raise
        except LibraryShrunk as exc:
            # Only the user can say what is true: it would be found again and again.
            self._fail(str(exc))
            raise
        except LibraryUnavailable as exc:
            # A service is at work on a batch, which a short outage here must not cancel.
            with self._store.read() as db:
                waits = batches.are_out(db, self._scan_id)
            if not waits:
                self._fail(str(exc))
            else:
                with self._store.write() as db:
                    scans.move(db, self._scan_id, to="waiting", among=("running",))
            raise
        except TigerTagError as exc:
            self._fail(str(exc))
            raise
        except Exception as exc:
            logger.exception("scan %s ran into a bug", self._scan_id)
            reason = f"TigerTag hit a bug ({type(exc).__name__}); see the log."
            self._fail(reason)
            raise LibraryError(f"{reason} Committed results are kept.") from exc

    def _fail(self, reason: str) -> None:
        with self._store.write() as db:
            scans.move(
                db,
                self._scan_id,
                to="failed",
                among=("queued", "running", "paused"),
                error=reason,
            )


def _at(due_at: float | None, _db: Db) -> float | None:
    return due_at


def _check_source(db: Db, scan: ScanRow, library: Library) -> None:
    """On another server the same keys are other items: the ledger must not be applied to them.

    Raises `LibraryError`.
    """
    source = library.identity
    if source and not scans.is_of_source(db, scan.section_id, source):
        stem = f"LIBRARY_{library.id.upper()}"
        raise LibraryError(
            f"Library {library.id} is another server now than the one that TigerTag has written to"
            f" under this name, so nothing was read or written. Set {stem}_URL back, or set this"
            " server up under a name of its own, LIBRARY_<Y>_NAME and so on."
        )


def _check_section(library: Library, section: Section) -> None:
    """What lists no items would not see that their section is gone. Raises `LibraryError`."""
    if section.id not in {known.id for known in library.sections()}:
        raise LibraryError(
            f"Section {section.title} ({section.id}) is no longer in library {library.id}, or not"
            " among those it is set up with; nothing was written."
        )
