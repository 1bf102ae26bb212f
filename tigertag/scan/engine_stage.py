"""Run engines: the items of a chunk are loaded, each engine is asked, results are committed."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from threading import Lock

from tigertag import logs
from tigertag.contracts import Labelled, Prepared, RunContext
from tigertag.core import Core
from tigertag.errors import EngineError, LeaseLost, QuotaExhausted, Unstorable
from tigertag.scan import calls, cascade, presence, reading, takeover
from tigertag.scan.availability import EngineAvailability
from tigertag.scan.cascade import Sorted
from tigertag.scan.context import Context, needed
from tigertag.scan.engine_run import (
    EngineResult,
    SampleLoader,
    Samples,
    answer,
    ask,
    unstorable,
    work_state,
)
from tigertag.scan.reading import Readings
from tigertag.scan.spool import Spool
from tigertag.store import (
    Db,
    Store,
    answers,
    batches,
    chunks,
    counters,
    decisions,
    embeddings,
    items,
)
from tigertag.store.answers import AnswerRow
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import WorkRow
from tigertag.store.embeddings import EmbeddingRow
from tigertag.store.items import ItemRow

logger = logging.getLogger(__name__)

_WARY_AFTER = 3
_MOST_ATTEMPTS = 8
_LOOK_AGAIN_S = 5.0
_BATCH_S = 3600.0

Ended = tuple[int, str, str, str]
"""Work that has ended: (item, engine, state, reason)."""


class EngineStage:
    """Asks the engines of one scan. Thread-safe."""

    def __init__(
        self,
        core: Core,
        context: Context,
        availability: EngineAvailability,
        readings: Readings | None,
    ) -> None:
        self._core = core
        self._readings = readings
        self._store = core.store
        self._context = context
        self._availability = availability
        self._spool: Spool | None = None
        self._lock = Lock()

    def close(self) -> None:
        """Leave the batches that were filled to whoever goes on."""
        if self._spool is not None:
            self._spool.close()

    def seal_batches(self) -> bool:
        """Close the scan's batches that nobody fills; False when there are none."""
        with self._store.read() as db:
            left = batches.filling(db, self._context.scan.id)
        return bool(left) and self._opened_spool().seal()

    def _put_into_batch(
        self, chunk: Chunk, engine: str, prepared: Sequence[tuple[int, Prepared]]
    ) -> None:
        self._opened_spool().add(chunk, engine, prepared)

    def _opened_spool(self) -> Spool:
        with self._lock:
            if self._spool is None:
                self._spool = Spool(self._core, self._context)
            return self._spool

    def unproven(self, chunk: Chunk) -> frozenset[str]:
        """Return engines of a chunk that may hang, if there are others that can answer first."""
        unproven = frozenset(filter(self._availability.is_unproven, self._context.asked))
        if not unproven:
            return unproven
        with self._store.read() as db:
            names = {row.engine for row in decisions.to_ask(db, chunk.id)}
        return unproven & names if names - unproven else frozenset()

    def run(self, chunk: Chunk, run: RunContext, *, but: Collection[str] = frozenset()) -> bool:
        """Ask all that can be asked now; False when `run` was cancelled before the end.

        `but`: engines that are not asked yet.

        A chunk that has killed its workers is worked on item by item, each attempt counted
        before it, so that the item that kills is found and left out.
        """
        with self._store.read() as db:
            work = [row for row in decisions.to_ask(db, chunk.id) if row.engine not in but]
        work = takeover.left_to_ask(self._core, self._context, chunk, work)
        if work:
            work = self._without_skipped(chunk, work, run)
        if not work:
            return not run.cancelled()
        try:
            if chunk.attempts <= _WARY_AFTER:
                return self._ask(chunk, work, run)
            by_attempts = sorted(work, key=lambda row: row.attempts)
            return all(self._ask_warily(chunk, [row], run) for row in by_attempts)
        finally:
            self._availability.end_trials()

    def _without_skipped(
        self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext
    ) -> list[WorkRow]:
        if not self._context.skip_tags:
            return list(work)
        skipped = reading.skipped(self._context, self._store, self._rows(work), self._readings)
        if run.cancelled():
            # What could not be read may have been cut short.
            return []
        if any(state == "retryable" for state, _reason in skipped.values()):
            presence.confirm(self._core, self._context)
        ended = [
            (row.item_id, row.engine, *skipped[row.item_id])
            for row in work
            if row.item_id in skipped
        ]
        self._end(chunk, ended)
        return [row for row in work if row.item_id not in skipped]

    def due_at(self, chunk: Chunk, db: Db, *, verify_at: float | None) -> float | None:
        """Return when a chunk has to be worked on again; None: all of its work has ended.

        What waits for a batch is woken by it, and looks by itself now and then. `verify_at`: when
        edits of it can be verified.
        """
        if verify_at is None and decisions.is_unsettled(db, chunk.id):
            # An engine has answered since they were settled.
            return time.time()
        left = decisions.open_engines(db, chunk.id)
        if not left:
            return verify_at
        deferred = any("deferred" in states for states in left.values())
        times = [self._retry_at(name) for name, states in left.items() if "postponed" in states]
        if takeover.waits(self._core, db, chunk):
            times.append(time.time() + _LOOK_AGAIN_S)
        look_at = min(times, default=time.time() + (_BATCH_S if deferred else _LOOK_AGAIN_S))
        return look_at if verify_at is None else min(look_at, verify_at)

    def _retry_at(self, name: str) -> float:
        stop = self._availability.stopped(name)
        if stop is None or stop.until is None:
            return time.time() + _LOOK_AGAIN_S
        return stop.until.timestamp()

    def _ask_warily(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        (row,) = work
        # Opening an engine may take long, and is not the item's fault.
        self._availability.of(row.engine)
        with self._store.write() as db:
            chunks.check(db, chunk)
            decisions.count_attempt(db, row.id)
        if row.attempts < _MOST_ATTEMPTS:
            try:
                return self._ask(chunk, work, run)
            finally:
                # Nobody died over it, also where its engine is waited for.
                with self._store.write() as db:
                    decisions.count_attempt(db, row.id, by=-1)
        reason = f"TigerTag crashed {row.attempts} times on this item; it is skipped."
        self._end(chunk, [(row.item_id, row.engine, "failed", reason)])
        return True

    def _ask(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        rows = self._rows(work)
        able = [row for row in work if self._availability.of(row.engine) is None]
        now = self._sorted(chunk, rows, able)
        later = {row.engine for row in able} & self._context.only_uncertain
        to_load = [*now.asked, *self._possible(able, now, later)]
        if to_load:
            self._run_engines(chunk, rows, to_load, run)
        if run.cancelled():
            return False
        self._end_stopped(chunk, work)
        if later:
            self._sorted(chunk, rows, [row for row in able if row.engine in later])
        return not run.cancelled()

    def _rows(self, work: Sequence[WorkRow]) -> list[ItemRow]:
        with self._store.read() as db:
            return items.get(db, list({row.item_id: 0 for row in work}))

    def _sorted(self, chunk: Chunk, rows: Sequence[ItemRow], work: Sequence[WorkRow]) -> Sorted:
        """Tell what may be asked now, and end what an engine need not be asked."""
        if not self._context.only_uncertain:
            return Sorted(tuple(work), ())
        with self._store.read() as db:
            still = {row.id for row in decisions.to_ask(db, chunk.id)}
            left = [row for row in work if row.id in still]
            result = cascade.sort(self._context, db, chunk.id, rows, left)
        self._end(chunk, result.ended)
        return result

    def _possible(
        self, able: Sequence[WorkRow], now: Sorted, later: Collection[str]
    ) -> list[WorkRow]:
        """Work that may be asked once the engines before it have answered."""
        decided = {(row.item_id, row.engine) for row in now.asked}
        decided |= {ended[:2] for ended in now.ended}
        asked = {row.item_id for row in now.asked}
        return [
            row
            for row in able
            if row.engine in later
            and row.item_id in asked
            and (row.item_id, row.engine) not in decided
        ]

    def _run_engines(
        self, chunk: Chunk, rows: Sequence[ItemRow], work: Sequence[WorkRow], run: RunContext
    ) -> None:
        """Load the items once, then let one engine after the other look at them.

        What was answered is committed even where the chunk is lost meanwhile: it was paid for.
        Raises `LibraryError` and `LeaseLost`.
        """
        results = _ChunkResults(
            self._store,
            self._context,
            self._availability,
            self._put_into_batch,
            chunk,
            rows,
            hurries=run.cancelled,
        )
        still_ours = replace(run, cancelled=lambda: run.cancelled() or results.is_lost)
        try:
            samples = self._load(rows, work, still_ours)
            if samples.lacks_any:
                presence.confirm(self._core, self._context)
            own = {name: self._own(name, work, samples) for name in self._context.engines}
            for name, of_engine in own.items():
                for failed in of_engine.failed.values():
                    results.add(EngineResult(name, failed.sample, failed))
            for name in self._context.engines:
                mine = [row for row in work if row.engine == name]
                if mine:
                    self._run_engine(name, chunk, rows, mine, own[name], results, still_ours)
        finally:
            results.commit()
        if results.is_lost:
            raise LeaseLost

    def _own(self, name: str, work: Sequence[WorkRow], samples: Samples) -> Samples:
        """Return the samples of an engine's own work, and those that it cannot look at."""
        names = [str(row.item_id) for row in work if row.engine == name]
        return samples.of(self._context.engines[name], names)

    def _load(self, rows: Sequence[ItemRow], work: Sequence[WorkRow], run: RunContext) -> Samples:
        context = self._context
        need = needed([context.engines[name] for name in {row.engine for row in work}])
        wanted = {row.item_id for row in work}
        loader = SampleLoader(context.library, need, run, context.sampling)
        return loader.load(
            {str(row.id): row.item for row in rows if row.id in wanted},
            {str(row.id) for row in rows if self._is_unknown(row)},
        )

    def _is_unknown(self, row: ItemRow) -> bool:
        """Whether what would tell the item's content at another place is still to be learned."""
        return not row.content and self._context.identifies(row.item.media)

    def _run_engine(
        self,
        name: str,
        chunk: Chunk,
        rows: Sequence[ItemRow],
        work: Sequence[WorkRow],
        samples: Samples,
        results: "_ChunkResults",
        run: RunContext,
    ) -> None:
        if name in self._context.only_uncertain:
            # It is asked only where those before it are not sure: their answers are read.
            results.commit()
            work = self._sorted(chunk, rows, work).asked
        loaded = {
            key: samples.loaded[key]
            for key in (str(row.item_id) for row in work)
            if key in samples.loaded
        }
        ours = RunContext(
            lambda: run.cancelled() or self._availability.is_over(name),
            calls.of_items(self._core, self._core.engine(name), chunk, hurries=results.hurries),
        )
        try:
            with logs.about(engine=name):
                for result in ask(self._context.engines[name], loaded, ours):
                    results.add(result)
        except EngineError as exc:
            self._availability.stop(name, exc)

    def _end_stopped(self, chunk: Chunk, work: Sequence[WorkRow]) -> None:
        stopped = [(row, self._availability.stopped(row.engine)) for row in work]
        self._end(
            chunk,
            [(row.item_id, row.engine, stop.state, stop.reason) for row, stop in stopped if stop],
        )

    def _end(self, chunk: Chunk, ended: Sequence[Ended]) -> None:
        """End, or put off, work that has no outcome yet."""
        if ended:
            with self._store.write() as db:
                chunks.check(db, chunk)
                left = {(row.item_id, row.engine) for row in decisions.to_ask(db, chunk.id)}
                still = [work for work in ended if work[:2] in left]
                decisions.end_work(db, chunk.scan_id, still)
                # Decided while an engine was still to be asked, which it is not now.
                spared = list({work[0]: 0 for work in still if work[2] == "spared"})
                decisions.reopen(db, chunk.scan_id, spared, settles=self._context.settles)


class _ChunkResults:
    """The results of a chunk's engines, until they are committed.

    What was paid for is committed before anything else is paid for. A chunk that was taken over
    by another worker `is_lost`: its answers are kept all the same, they were paid for, and whoever
    has the chunk ends their work (see `takeover`). `hurries`: see `Store.persist`.
    """

    def __init__(
        self,
        store: Store,
        context: Context,
        availability: EngineAvailability,
        put_into_batch: Callable[[Chunk, str, Sequence[tuple[int, Prepared]]], None],
        chunk: Chunk,
        rows: Sequence[ItemRow],
        *,
        hurries: Callable[[], bool],
    ) -> None:
        self._store = store
        self.hurries = hurries
        self._context = context
        self._availability = availability
        self._put_into_batch = put_into_batch
        self._chunk = chunk
        self._rows = {str(row.id): row for row in rows}
        # Asked for once: a detector looks for its model's file with each answer.
        self._local = {
            name for name, engine in context.engines.items() if engine.capabilities.local
        }
        self._results: list[EngineResult] = []
        self.is_lost = False

    def add(self, result: EngineResult) -> None:
        self._results.append(result)
        is_local = result.engine in self._local
        if not is_local and not isinstance(result.outcome, Prepared):
            self.commit()

    def commit(self) -> None:
        results, self._results = self._results, []
        answered = [result for result in results if not isinstance(result.outcome, Prepared)]
        if answered:
            self._commit_each(answered)
        self._put_into_batches(results)

    def _commit_each(self, results: Sequence[EngineResult]) -> None:
        """Commit results, together where that goes; what the database does not take fails alone."""
        try:
            self._commit(results)
        except Unstorable as exc:
            if len(results) > 1:
                for result in results:
                    self._commit_each([result])
                return
            (result,) = results
            logger.error("engine %s: %s", result.engine, exc)
            self._commit([replace(result, outcome=unstorable(result.engine, result.sample, exc))])

    def _commit(self, results: Sequence[EngineResult]) -> None:
        context, chunk = self._context, self._chunk
        ended: list[Ended] = [
            (self._rows[result.sample].id, result.engine, *work_state(outcome))
            for result in results
            if not isinstance(outcome := result.outcome, Prepared)
        ]

        def keep(db: Db) -> bool:
            # The chunk is locked first: in another order, two workers could deadlock.
            mine = chunks.holds(db, chunk)
            answers.keep(db, list(self._answer_rows(results)))
            embeddings.keep(db, list(self._embeddings(results)))
            items.note_contents(db, self._contents(results))
            if chunk.attempts > 1:
                chunks.forgive(db, chunk)
            if mine:
                item_ids = list({item_id: 0 for item_id, *_rest in ended})
                decisions.reopen(db, chunk.scan_id, item_ids, settles=context.settles)
                decisions.end_work(db, chunk.scan_id, ended)
            counters.add(db, _counted(results))
            return mine

        paid = any(result.engine not in self._local for result in results)
        mine = self._store.persist(keep, hurries=self.hurries if paid else lambda: True)
        for engine in {result.engine for result in results}:
            self._availability.answered(engine)
        self.is_lost = self.is_lost or not mine

    def _answer_rows(self, results: Sequence[EngineResult]) -> Iterator[AnswerRow]:
        context = self._context
        for result in results:
            if isinstance(result.outcome, Labelled):
                row = self._rows[result.sample]
                fingerprint = context.engines[result.engine].fingerprint
                given = answer(result.engine, fingerprint, result.outcome)
                sampler = context.sampler(row.item.media)
                yield AnswerRow(row.id, row.item.revision, context.round, given, sampler)

    def _embeddings(self, results: Sequence[EngineResult]) -> Iterator[EmbeddingRow]:
        for result in results:
            outcome = result.outcome
            if isinstance(outcome, Labelled) and outcome.embedding is not None:
                row, given = self._rows[result.sample], outcome.embedding
                yield EmbeddingRow(row.id, row.item.revision, given.network, given.vector)

    def _contents(self, results: Sequence[EngineResult]) -> list[tuple[int, str, str]]:
        contents = {result.sample: result.content for result in results if result.content}
        rows = self._rows
        return [
            (rows[name].id, rows[name].item.revision, content) for name, content in contents.items()
        ]

    def _put_into_batches(self, results: Sequence[EngineResult]) -> None:
        """Put requests into their engines' batches; what a budget does not allow waits."""
        requests: dict[str, list[tuple[int, Prepared]]] = {}
        contents: list[tuple[int, str, str]] = []
        for result in results:
            if isinstance(result.outcome, Prepared):
                prepared = (self._rows[result.sample].id, result.outcome)
                requests.setdefault(result.engine, []).append(prepared)
                contents += self._contents([result])
        if contents:
            with self._store.write() as db:
                items.note_contents(db, contents)
        for engine, lines in requests.items():
            try:
                self._put_into_batch(self._chunk, engine, lines)
            except QuotaExhausted as exc:
                self._availability.stop(engine, exc)
            except LeaseLost:
                self.is_lost = True


def _counted(results: Sequence[EngineResult]) -> counters.Sums:
    outcomes = [(result.engine, result.outcome) for result in results]
    return counters.results(
        (engine, isinstance(outcome, Labelled), getattr(outcome, "took_s", 0.0))
        for engine, outcome in outcomes
        if not isinstance(outcome, Prepared)
    )
