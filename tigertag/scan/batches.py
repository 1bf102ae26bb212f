"""A batch on its way: submitted, polled, collected, cleared; any step may end in a crash.

sealed       the token is committed, then the lines are sent          → submitting
submitting   whether they arrived is asked by the token               → submitted
submitted    asked now and then; when it has ended its answers are
             committed, each with what it cost                        → collected
collected    what the service and the spool still have is deleted     → done
"""

import logging
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from tigertag import bounds
from tigertag.contracts import Collected, DeferredEngine, Labelled, deferred_side
from tigertag.core import Core
from tigertag.errors import EngineError, NotFound, QuotaExhausted, RefusesAll, Unstorable
from tigertag.scan import calls, engine_run, spool
from tigertag.scan.availability import EngineAvailability
from tigertag.scan.context import Context
from tigertag.sequences import batched
from tigertag.store import Db, answers, batches, chunks, counters, decisions, items, usage
from tigertag.store.answers import PHOTO, AnswerRow
from tigertag.store.batches import AwaitedWork, Batch
from tigertag.store.chunks import Chunk
from tigertag.store.usage import Amount, OpenCall
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_TOGETHER = 200
_AGAIN_S = 600.0
_LONGEST_AGAIN_S = 21_600.0
_LONGEST_POLL_S = 300.0
_CANCELLING = "It is being cancelled."


class BatchCollector:
    """The batches of one scan. `is_cleanup`: the scan has ended, and they are to end as well."""

    def __init__(
        self,
        core: Core,
        context: Context,
        availability: EngineAvailability,
        *,
        is_cleanup: bool = False,
    ) -> None:
        self._core = core
        self._store = core.store
        self._context = context
        self._availability = availability
        self._is_cleanup = is_cleanup

    def step(self, chunk: Chunk) -> float | None:
        """Take the batch as far as it goes now; return when to go on, None when it is done."""
        with self._store.read() as db:
            batch = batches.of_chunk(db, chunk.id)
        if batch.state == "done":
            return None
        unsent = batch.state in ("filling", "sealed")
        if unsent and (self._is_cleanup or batch.lines == 0):
            self._drop(chunk, batch)
            return None
        engine = self._engine(batch)
        if engine is None:
            self._note(
                batch, batch.answered, f"Engine {batch.engine} cannot collect the batch now."
            )
            return time.time() + _AGAIN_S
        # What may no longer see the section is still asked for what it was shown.
        known = batch.engine in self._context.engines
        stop = self._availability.of(batch.engine) if known else None
        if stop is not None and not stop.by_quota:
            self._note(batch, batch.answered, stop.reason)
            return time.time() + _AGAIN_S if stop.until is None else stop.until.timestamp()
        try:
            engine.open()
            return self._go_on(chunk, batch, engine)
        except EngineError as exc:
            self._availability.stop(batch.engine, exc)
            self._note(batch, batch.answered, one_line(str(exc)))
            return time.time() + (
                _AGAIN_S if isinstance(exc, QuotaExhausted) else self._core.poll_s
            )

    def _engine(self, batch: Batch) -> DeferredEngine | None:
        """Return what can collect the batch, also where the engine answers at once by now."""
        with suppress(NotFound):
            return deferred_side(self._core.engine(batch.engine).engine)
        return None

    def _go_on(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> float | None:
        match batch.state:
            case "filling" | "sealed":
                return self._submit(chunk, batch, engine)
            case "submitting":
                return self._resubmit(chunk, batch, engine)
            case "submitted":
                return self._poll(chunk, batch, engine)
            case _:
                return self._clear(batch, engine)

    def _submit(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> float | None:
        """Write the token down, and that the pictures leave; only then send them."""
        if not spool.path_of(self._core, batch).exists():
            return self._elsewhere(chunk, batch)
        with self._store.write() as db:
            chunks.check(db, chunk)
            token = uuid4().hex
            batches.move(db, batch.id, "submitting", among=("sealed",), token=token)
            self._depart(db, batch)
            batch = batches.get(db, batch.id)
        return self._send(chunk, batch, engine)

    def _depart(self, db: Db, batch: Batch) -> None:
        """Log that the pictures leave. Raises `QuotaExhausted`, which undoes the transaction."""
        now, limits = datetime.now(UTC), self._core.engine(batch.engine).limits
        if not usage.depart(db, batch.id, batch.engine, limits, now):
            raise calls.used_up(batch.engine, limits, usage.of_month(db, now), now)

    def _resubmit(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> float | None:
        remote = engine.find(batch.token)
        if remote is not None:
            return self._submitted(chunk, batch, engine, remote)
        if self._is_cleanup:
            return self._finish_collecting(chunk, batch, engine, "It was not sent.")
        if not spool.path_of(self._core, batch).exists():
            return self._elsewhere(chunk, batch)
        with self._store.write() as db:
            chunks.check(db, chunk)
            usage.hold_again(db, batch.id)
            self._depart(db, batch)
        return self._send(chunk, batch, engine)

    def _send(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> float | None:
        remote = engine.submit(spool.committed(self._core, batch), batch.token)
        return self._submitted(chunk, batch, engine, remote)

    def _submitted(
        self, chunk: Chunk, batch: Batch, engine: DeferredEngine, remote: str
    ) -> float | None:
        if not bounds.fits(remote, bounds.IDENTITY):
            self._lose_rest(chunk, batch)
            reason = "The service returned an unusable batch id; the batch is lost."
            return self._finish_collecting(chunk, batch, engine, reason, state="failed")
        with self._store.write() as db:
            chunks.check(db, chunk)
            values = {"remote": remote, "submitted_at": datetime.now(UTC), "reason": ""}
            batches.move(db, batch.id, "submitted", among=("submitting",), **values)
        self._availability.answered(batch.engine)
        logger.info("batch %s: %s requests were submitted", batch.id, batch.lines)
        return time.time() + self._core.poll_s

    def _elsewhere(self, chunk: Chunk, batch: Batch) -> float | None:
        """The file is not here: it is another home's, or it is lost and nothing of it was sent.

        A home that is lost itself is "" (`dispatch.leave_homes`). Should it come back, it finds the
        batch done.
        """
        if batch.home not in ("", spool.home_id(self._core)):
            self._note(batch, 0, "Its requests are in another TIGERTAG_HOME, which submits them.")
            return time.time() + _AGAIN_S
        logger.warning("batch %s: its file is gone; its items are sent again", batch.id)
        if batch.state == "submitting":
            self._lose_rest(chunk, batch)
        self._settle_rest(chunk, batch)
        with self._store.write() as db:
            chunks.check(db, chunk)
            batches.wake_items(db, batch.id)
            batches.release_items(db, batch.id, "queued", "")
            batches.move(db, batch.id, "done", among=(batch.state,))
        return None

    def _poll(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> float | None:
        if self._is_cleanup and batch.reason != _CANCELLING:
            engine.cancel(batch.remote)
        progress = engine.poll(batch.remote)
        self._availability.answered(batch.engine)
        if progress.state == "running":
            reason = _CANCELLING if self._is_cleanup else progress.reason
            self._note(batch, progress.done, reason)
            return time.time() + self._next_poll_s(batch)
        if progress.state == "failed" and progress.again and not self._is_cleanup:
            return self._again(chunk, batch, engine, progress.reason)
        reason = progress.reason or "The batch ended before it was answered; scan again."
        if progress.state == "ended":
            try:
                self._collect(chunk, batch, engine)
            except RefusesAll as exc:
                # The fault is the engine's and costs nothing: no item is given up for it.
                self._availability.stop(batch.engine, exc)
                reason = one_line(str(exc))
                return self._finish_collecting(chunk, batch, engine, reason, state="waiting")
        if progress.state != "failed":
            self._lose_rest(chunk, batch)
        return self._finish_collecting(chunk, batch, engine, reason)

    def _next_poll_s(self, batch: Batch) -> float:
        """Ask less often the longer it takes."""
        since = batch.submitted_at or datetime.now(UTC)
        age_s = (datetime.now(UTC) - since).total_seconds()
        return min(max(self._core.poll_s, age_s / 10), max(self._core.poll_s, _LONGEST_POLL_S))

    def _again(self, chunk: Chunk, batch: Batch, engine: DeferredEngine, reason: str) -> float:
        """It failed as a whole, and nothing of it was worked on: it is sent again, later.

        The longer it goes on so, the longer it is left.
        """
        engine.clear(batch.remote, batch.token)
        with self._store.write() as db:
            chunks.check(db, chunk)
            usage.hold_again(db, batch.id)
            batches.move(db, batch.id, "sealed", among=("submitted",), remote="", reason=reason)
        age_s = (datetime.now(UTC) - batch.created_at).total_seconds()
        return time.time() + min(_LONGEST_AGAIN_S, max(_AGAIN_S, age_s / 2))

    def _collect(self, chunk: Chunk, batch: Batch, engine: DeferredEngine) -> None:
        lines = engine.collect(batch.remote)
        for part in batched(lines, _TOGETHER):
            self._commit(chunk, batch, {int(line.sample): line for line in part if _is_item(line)})

    def _commit(self, chunk: Chunk, batch: Batch, collected: dict[int, Collected]) -> None:
        """Keep a part of what was collected; what the database does not take fails its item."""
        try:
            with self._store.write() as db:
                chunks.check(db, chunk)
                self._keep(db, batch, collected)
            return
        except Unstorable as exc:
            logger.error("batch %s: %s", batch.id, exc)
            if len(collected) == 1:
                ((item_id, line),) = collected.items()
                failed = engine_run.unstorable(batch.engine, line.sample, exc)
                self._commit(chunk, batch, {item_id: replace(line, outcome=failed)})
                return
        for item_id, line in collected.items():
            self._commit(chunk, batch, {item_id: line})

    def _keep(self, db: Db, batch: Batch, collected: dict[int, Collected]) -> None:
        """Commit answers with what they cost; those that were committed before stay as they are."""
        awaited = batches.awaited(db, batch.id, list(collected))
        usage.settle(
            db,
            {
                call.id: _took(collected[item_id], call)
                for item_id, call in usage.of_batch(db, batch.id, list(collected)).items()
            },
        )
        rows, ended = [], []
        for item_id, line in collected.items():
            if item_id not in awaited or line.outcome is None:
                continue
            outcome = engine_run.bounded(batch.engine, line.outcome)
            if isinstance(outcome, Labelled):
                rows.append(self._row(awaited[item_id], batch, outcome))
            ended.append((item_id, batch.engine, *engine_run.work_state(outcome)))
        answers.keep(db, rows)
        decisions.end_work(db, batch.scan_id, ended)
        item_ids = [item_id for item_id, *_rest in ended]
        counters.add(
            db, counters.results((batch.engine, state == "done", 0.0) for *_id, state, _ in ended)
        )
        if self._is_cleanup:
            items.mark_current(db, [(item_id, "") for item_id in item_ids])
        else:
            decisions.reopen(db, batch.scan_id, item_ids, settles=self._context.settles)

    def _row(self, awaited: AwaitedWork, batch: Batch, outcome: Labelled) -> AnswerRow:
        answer = engine_run.answer(batch.engine, awaited.fingerprint, outcome)
        sampler = awaited.sampler or PHOTO
        return AnswerRow(awaited.item_id, awaited.revision, self._context.round, answer, sampler)

    def _finish_collecting(
        self,
        chunk: Chunk,
        batch: Batch,
        engine: DeferredEngine,
        reason: str,
        *,
        state: str = "retryable",
    ) -> float | None:
        self._settle_rest(chunk, batch)
        with self._store.write() as db:
            chunks.check(db, chunk)
            # Chunks are locked first, as workers do it: in another order, two could deadlock.
            batches.wake_items(db, batch.id)
            if not self._is_cleanup:
                decisions.reopen_batch(db, batch.scan_id, batch.id)
            batches.release_items(db, batch.id, state, one_line(reason))
            batches.move(db, batch.id, "collected", among=(batch.state,))
            batch = batches.get(db, batch.id)
        return self._clear(batch, engine)

    def _settle_rest(self, chunk: Chunk, batch: Batch) -> None:
        """What was refused as a whole cost nothing; what never left is no entry of the log."""
        left = _TOGETHER
        while left:
            with self._store.write() as db:
                chunks.check(db, chunk)
                left = usage.forget_held(db, batch.id, limit=_TOGETHER)
                left += usage.settle_rest(db, batch.id, limit=_TOGETHER)

    def _lose_rest(self, chunk: Chunk, batch: Batch) -> None:
        """Nobody knows what became of it: it counts as spent."""
        with self._store.write() as db:
            chunks.check(db, chunk)
            usage.lose_batch(db, batch.id)

    def _clear(self, batch: Batch, engine: DeferredEngine) -> float | None:
        engine.clear(batch.remote, batch.token)
        spool.path_of(self._core, batch).unlink(missing_ok=True)
        with self._store.write() as db:
            batches.move(db, batch.id, "done", among=("collected",))
        return None

    def _drop(self, chunk: Chunk, batch: Batch) -> None:
        """Nothing of it has left: it is as if it had never been."""
        self._settle_rest(chunk, batch)
        with self._store.write() as db:
            chunks.check(db, chunk)
            batches.release_items(
                db, batch.id, "waiting", "The scan ended before it was submitted."
            )
            batches.move(db, batch.id, "done", among=(batch.state,))
        spool.path_of(self._core, batch).unlink(missing_ok=True)

    def _note(self, batch: Batch, answered: int, reason: str) -> None:
        with self._store.write() as db:
            batches.note(db, batch.id, answered=bounds.count(answered), reason=reason)


def _is_item(line: Collected) -> bool:
    return line.sample.isdecimal()


def _took(line: Collected, call: OpenCall) -> Amount:
    return calls.took(line.units, line.cost_usd, bound_usd=call.cost_usd)
