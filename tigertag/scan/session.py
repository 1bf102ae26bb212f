"""A scan as one process works on it: its context, its engines, and the leases that it holds."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from math import inf
from threading import Event, Lock, Thread

from tigertag.contracts import Library, RunContext
from tigertag.core import Core
from tigertag.errors import (
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
from tigertag.scan import calls, presence, spool
from tigertag.scan import context as contexts
from tigertag.scan.availability import EngineAvailability
from tigertag.scan.batches import BatchCollector
from tigertag.scan.context import Context
from tigertag.scan.decide import DecisionStage
from tigertag.scan.engine_stage import EngineStage
from tigertag.scan.listing import ListingStage
from tigertag.scan.reading import Readings
from tigertag.store import Db, batches, chunks, scans
from tigertag.store.chunks import Chunk
from tigertag.store.scans import ScanRow

logger = logging.getLogger(__name__)

_TICK_S = 0.5
_AFTER_ITEMS_S = 0.2


class ScanSession:
    """Works on leased chunks of one scan, on any number of threads, until `close`.

    `stop` is set by whoever wants it to end, and by the session when the scan is paused, cancelled
    or has failed.
    """

    def __init__(
        self,
        core: Core,
        scan_id: int,
        *,
        stop: Event,
        check: Callable[[Context], None] = lambda _context: None,
        beat_s: float = _TICK_S,
    ) -> None:
        """Open the library, not the engines. Raises `TigerTagError`.

        What `check` raises of the context leaves no trace of it in the database. `beat_s`: how
        often leases are renewed, and it is looked whether the scan is stopped.
        """
        self._core = core
        self._scan_id = scan_id
        self._store = core.store
        self._held: set[Chunk] = set()
        self._lock = Lock()
        self._beat_s = min(beat_s, core.lease_s / 3)
        self.stop = stop
        self.context = context = _open(core, scan_id, check)
        self._availability = EngineAvailability(core, context.engines, cancelled=stop.is_set)
        self._listing = ListingStage(core, context)
        readings = Readings(context.library, partial(presence.confirm, core, context))
        reads_anew = context.scan.write == "apply"
        self._engine_stage = EngineStage(
            core, context, self._availability, None if reads_anew else readings
        )
        self._decision_stage = DecisionStage(core.store, context, readings, lease_s=core.lease_s)
        self._ended = Event()
        beat = copy_context().run
        self._heart = Thread(target=beat, args=(self._beat,), name="tigertag-leases", daemon=True)
        self._heart.start()

    def close(self) -> None:
        """End it; nobody works on a chunk any more."""
        try:
            self._engine_stage.close()
        finally:
            self._ended.set()
            self._heart.join()
            self._decision_stage.canary.let_go()

    @property
    def is_verifying(self) -> bool:
        """Whether something was written that is read again later."""
        return self._decision_stage.verification.is_waiting

    def leave_out(self, engines: tuple[str, ...]) -> None:
        self._availability.leave_out(engines)

    def seal_batches(self) -> bool:
        """Close the scan's batches that nobody fills; False when there are none."""
        return self._engine_stage.seal_batches()

    def work(self, chunk: Chunk, *, until: float = inf) -> None:
        """Work on a chunk and give it back; it goes on later where it is not done by `until`.

        `until` is a time of the monotonic clock. Raises `LibraryError`, `StoreError`.
        """

        def is_late() -> bool:
            return time.monotonic() > until

        run = RunContext(lambda: self.stop.is_set() or is_late())
        try:
            with cancellable(run.cancelled):
                self._work(chunk, run, is_late)
        except LeaseLost:
            logger.warning("chunk %s was taken over by another worker", chunk.id)
        except LibraryUnavailable as exc:
            if not run.cancelled():
                raise
            # What waited for the library was cut short: no fault of the scan, which goes on later.
            logger.info("chunk %s was left, the scan is stopped: %s", chunk.id, exc)

    def _work(self, chunk: Chunk, run: RunContext, is_late: Callable[[], bool]) -> None:
        self._hold(chunk)
        whole = False
        due: Callable[[Db], float | None] = partial(_at, None)
        try:
            if chunk.kind == "list":
                whole = self._listing.run(chunk, run)
            elif chunk.kind == "batch":
                collector = BatchCollector(self._core, self.context, self._availability)
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
            # What takes too long each time is found out as what kills its workers is.
            self._give_back(chunk, due, whole=whole, forgiven=self.stop.is_set() or not is_late())

    def _ask_and_settle(self, chunk: Chunk, run: RunContext) -> bool:
        """Engines that may hang are asked last, when all that the others say is decided."""
        may_hang = self._engine_stage.unproven(chunk)
        if may_hang and not (
            self._engine_stage.run(chunk, run, but=may_hang)
            and self._decision_stage.run(chunk, run)
        ):
            return False
        return self._engine_stage.run(chunk, run) and self._decision_stage.run(chunk, run)

    def _give_back(
        self,
        chunk: Chunk,
        due: Callable[[Db], float | None],
        *,
        whole: bool,
        forgiven: bool,
    ) -> None:
        with self._store.write() as db:
            if not whole:
                return chunks.release(db, chunk, forgiven=forgiven)
            due_at = due(db)
            if due_at is None:
                return chunks.finish(db, chunk)
            return chunks.postpone(db, chunk, due_at)

    def _groups_due_at(self) -> float | None:
        """When groups can be decided: after all that is in them. None: now."""
        with self._store.read() as db:
            due_at = chunks.items_due_at(db, self._scan_id)
        return None if due_at is None else max(due_at, time.time() + _AFTER_ITEMS_S)

    def _hold(self, chunk: Chunk) -> None:
        with self._lock:
            self._held.add(chunk)

    def _let_go(self, chunk: Chunk) -> None:
        with self._lock:
            self._held.discard(chunk)

    def _beat(self) -> None:
        """Renew the leases, and see what the user has said of the scan elsewhere."""
        while not self._ended.wait(self._beat_s):
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


def _open(core: Core, scan_id: int, check: Callable[[Context], None]) -> Context:
    """Open a scan's library, and read the rules, engines and settings that the scan uses."""
    with core.store.read() as db:
        scan = scans.get(db, scan_id)
    spool.sweep(core)
    library = core.library(scan.section.library)
    if scan.kind != "scan":
        _check_section(library, scan.section)
    with core.store.write() as db:
        _check_source(db, scan, library)
        context = contexts.make(core, db, scan, library)
        check(context)
        calls.lose_old(db)
    return context


@contextmanager
def failing(core: Core, scan_id: int, *, alone: bool = True) -> Iterator[None]:
    """Let the scan fail with the reason, in one line.

    `alone`: no other process may reach a library that this one does not reach.
    """
    try:
        yield
    except Unstorable as exc:
        # Another try would meet the same value, and might pay for it again.
        fail(core, scan_id, str(exc))
        raise
    except StoreError:
        raise
    except LibraryShrunk as exc:
        # Only the user can say what is true: it would be found again and again.
        fail(core, scan_id, str(exc))
        raise
    except LibraryUnavailable as exc:
        if not alone:
            raise
        fail_unreached(core, scan_id, str(exc))
        raise
    except TigerTagError as exc:
        fail(core, scan_id, str(exc))
        raise
    except Exception as exc:
        logger.exception("scan %s ran into a bug", scan_id)
        reason = f"TigerTag hit a bug ({type(exc).__name__}); see the log."
        fail(core, scan_id, reason)
        raise LibraryError(f"{reason} Committed results are kept.") from exc


def fail(core: Core, scan_id: int, reason: str) -> None:
    """End a scan that cannot go on; the reason is one line."""
    with core.store.write() as db:
        scans.move(db, scan_id, to="failed", among=("queued", "running", "paused"), error=reason)


def fail_unreached(core: Core, scan_id: int, reason: str) -> None:
    """End a scan whose library is not reached, or let it wait.

    A service may be at work on a batch, which a short outage here must not cancel.
    """
    with core.store.read() as db:
        waits = batches.are_out(db, scan_id)
    if not waits:
        return fail(core, scan_id, reason)
    with core.store.write() as db:
        scans.move(db, scan_id, to="waiting", among=("running",))
    return None


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
