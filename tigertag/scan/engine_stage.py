"""The asking part of a chunk: engines are asked, answers are committed as they come."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tigertag.contracts import Failed, Labelled, Prepared, RunContext
from tigertag.core import Core
from tigertag.errors import LeaseLost, QuotaExhausted, Unstorable
from tigertag.scan import calls, cascade, pipeline, skipping
from tigertag.scan.availability import Stopping
from tigertag.scan.cascade import Sorted
from tigertag.scan.context import Context
from tigertag.scan.pipeline import Ask, Stopped, Terms, Told
from tigertag.scan.spool import Spool
from tigertag.store import Db, answers, chunks, decisions, items
from tigertag.store.answers import AnswerRow
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import WorkRow
from tigertag.store.items import ItemRow
from tigertag.text import one_line

logger = logging.getLogger(__name__)

_WARY_AFTER = 3
_MOST_ATTEMPTS = 8
_LOOK_AGAIN_S = 5.0
_BATCH_S = 3600.0

Ended = tuple[int, str, str, str]
"""Work that has ended: (item, engine, state, reason)."""


class Asking:
    """Asks the engines of one scan. Thread-safe."""

    def __init__(self, core: Core, context: Context, stopping: Stopping, spool: Spool) -> None:
        self._core = core
        self._store = core.store
        self._context = context
        self._stopping = stopping
        self._spool = spool

    def unproven(self, chunk: Chunk) -> frozenset[str]:
        """Return engines of a chunk that may hang, if there are others that can answer first."""
        unproven = frozenset(filter(self._stopping.is_unproven, self._context.asked))
        if not unproven:
            return unproven
        with self._store.read() as db:
            names = {one.engine for one in decisions.to_ask(db, chunk.id)}
        return unproven & names if names - unproven else frozenset()

    def run(self, chunk: Chunk, run: RunContext, *, but: Collection[str] = frozenset()) -> bool:
        """Ask all that can be asked now; False when `run` was cancelled before the end.

        `but`: engines that are not asked yet.

        A chunk that has killed its workers is worked on item by item, each attempt counted
        before it, so that the item that kills is found and left out.
        """
        with self._store.read() as db:
            work = [one for one in decisions.to_ask(db, chunk.id) if one.engine not in but]
        if work:
            work = self._without_skipped(chunk, work, run)
        if not work:
            return not run.cancelled()
        try:
            if chunk.attempts <= _WARY_AFTER:
                return self._ask(chunk, work, run)
            by_attempts = sorted(work, key=lambda one: one.attempts)
            return all(self._ask_warily(chunk, [one], run) for one in by_attempts)
        finally:
            self._stopping.end_trials()

    def _without_skipped(
        self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext
    ) -> list[WorkRow]:
        if not self._context.skip_tags:
            return list(work)
        found = skipping.found(self._context, self._store, self._rows(work))
        if run.cancelled():
            # What could not be read may have been cut short.
            return []
        ended = [
            (one.item_id, one.engine, *found[one.item_id]) for one in work if one.item_id in found
        ]
        self._end(chunk, ended)
        return [one for one in work if one.item_id not in found]

    def due_at(self, chunk: Chunk, db: Db) -> float | None:
        """Return when a chunk has to be worked on again; None: all of its work has ended.

        What waits for a batch is woken by it, and looks by itself now and then.
        """
        if decisions.is_unsettled(db, chunk.id):
            # An engine has answered since they were settled.
            return time.time()
        left = decisions.open_engines(db, chunk.id)
        if not left:
            return None
        deferred = any("deferred" in states for states in left.values())
        times = [self._retry_at(name) for name, states in left.items() if "postponed" in states]
        return min(times, default=time.time() + (_BATCH_S if deferred else _LOOK_AGAIN_S))

    def _retry_at(self, name: str) -> float:
        stop = self._stopping.stopped(name)
        if stop is None or stop.until is None:
            return time.time() + _LOOK_AGAIN_S
        return stop.until.timestamp()

    def is_local(self, engine: str) -> bool:
        return self._context.engines[engine].capabilities.local

    def _ask_warily(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        (one,) = work
        # Opening an engine may take long, and is not the item's fault.
        self._stopping.of(one.engine)
        with self._store.write() as db:
            chunks.check(db, chunk)
            decisions.count_attempt(db, one.id)
        if one.attempts < _MOST_ATTEMPTS:
            try:
                return self._ask(chunk, work, run)
            finally:
                # Nobody died over it, also where its engine is waited for.
                with self._store.write() as db:
                    decisions.count_attempt(db, one.id, by=-1)
        reason = f"TigerTag died {one.attempts} times over this item; it is left out."
        self._end(chunk, [(one.item_id, one.engine, "failed", reason)])
        return True

    def _ask(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        rows = self._rows(work)
        able = [one for one in work if self._stopping.of(one.engine) is None]
        now = self._sorted(chunk, rows, able)
        later = {one.engine for one in able} & self._context.only_uncertain
        if now.asked or later:
            self._ask_able(chunk, rows, [*now.asked, *self._possible(able, now, later)], run)
        if run.cancelled():
            return False
        self._end_stopped(chunk, work)
        if later:
            self._sorted(chunk, rows, [one for one in able if one.engine in later])
        return not run.cancelled()

    def _rows(self, work: Sequence[WorkRow]) -> list[ItemRow]:
        with self._store.read() as db:
            return items.get(db, list({one.item_id: 0 for one in work}))

    def _sorted(self, chunk: Chunk, rows: Sequence[ItemRow], work: Sequence[WorkRow]) -> Sorted:
        """Tell what may be asked now, and end what an engine is spared."""
        if not self._context.only_uncertain:
            return Sorted(tuple(work), ())
        with self._store.read() as db:
            still = {one.id for one in decisions.to_ask(db, chunk.id)}
            found = cascade.sort(
                self._context, db, chunk.id, rows, [one for one in work if one.id in still]
            )
        self._end(chunk, found.ended)
        return found

    def _possible(
        self, able: Sequence[WorkRow], now: Sorted, later: Collection[str]
    ) -> list[WorkRow]:
        """Work that may be asked once the engines before it have answered."""
        decided = {(one.item_id, one.engine) for one in now.asked}
        decided |= {one[:2] for one in now.ended}
        asked = {one.item_id for one in now.asked}
        return [
            one
            for one in able
            if one.engine in later
            and one.item_id in asked
            and (one.item_id, one.engine) not in decided
        ]

    def _ask_able(
        self, chunk: Chunk, rows: Sequence[ItemRow], work: Sequence[WorkRow], run: RunContext
    ) -> None:
        if not work:
            return
        told = _Told(self, chunk, rows)
        asks = [
            Ask(row.item, names, str(row.id))
            for row in rows
            if (names := tuple(one.engine for one in work if one.item_id == row.id))
        ]

        def wanted(engine: str) -> Collection[str] | None:
            if engine not in self._context.only_uncertain:
                return None
            told.commit()
            mine = [one for one in work if one.engine == engine]
            chosen = {one.item_id for one in self._sorted(chunk, rows, mine).asked}
            return {row.item.key for row in rows if row.id in chosen}

        engines = self._context.engines
        until_lost = replace(run, cancelled=lambda: run.cancelled() or told.is_lost)
        terms = Terms(
            until_lost,
            lambda name: calls.of_items(self._core, self._core.engine(name)),
            wanted,
            self._context.sampling,
            {row.item.key for row in rows if self._is_unknown(row)},
            self._stopping.is_over,
        )
        try:
            for said in pipeline.ask(self._context.library, engines, asks, terms):
                if isinstance(said, Stopped):
                    self._stopping.stop(said.engine, said.error)
                else:
                    told.add(said)
        finally:
            told.commit()
        if told.is_lost:
            raise LeaseLost

    def _is_unknown(self, row: ItemRow) -> bool:
        """Whether what would tell the item's content at another place is still to be learned."""
        return not row.content and self._context.identifies(row.item.media)

    def commit(self, chunk: Chunk, rows: Mapping[str, ItemRow], told: Sequence[Told]) -> None:
        """Keep answers, whoever holds the chunk by now. Raises `LeaseLost` after that.

        What the database does not take fails its own item for good: asked again, it would be paid
        for again, and be the same.
        """
        try:
            self._commit(chunk, rows, told)
            return
        except Unstorable as exc:
            if len(told) == 1:
                logger.error("engine %s: %s", told[0].engine, exc)
                reason = f"What engine {told[0].engine} said cannot be kept: {exc}"
                failed = Failed(told[0].outcome.sample, reason, retryable=False)
                self._commit(chunk, rows, [replace(told[0], outcome=failed)])
                return
        lost: LeaseLost | None = None
        for one in told:
            try:
                self.commit(chunk, rows, [one])
            except LeaseLost as exc:
                lost = exc
        if lost is not None:
            raise lost

    def _commit(self, chunk: Chunk, rows: Mapping[str, ItemRow], told: Sequence[Told]) -> None:
        context = self._context
        ended = [_ended(rows[one.item.key].id, one) for one in told]
        with self._store.write() as db:
            answers.keep(
                db,
                [
                    AnswerRow(
                        rows[one.item.key].id,
                        one.item.revision,
                        context.round,
                        pipeline.answer(
                            one.engine, context.engines[one.engine].fingerprint, one.outcome
                        ),
                        context.sampler(one.item.media),
                    )
                    for one in told
                    if isinstance(one.outcome, Labelled)
                ],
            )
            items.note_contents(db, _contents(rows, told))
            mine = chunks.holds(db, chunk)
            if chunk.attempts > 1:
                chunks.forgive(db, chunk)
            if mine:
                item_ids = list({one[0]: 0 for one in ended})
                decisions.reopen(db, chunk.scan_id, item_ids, settles=context.settles)
            decisions.end_work(
                db, chunk.scan_id, [one for one in ended if mine or one[2] == "done"]
            )
        for engine in {one.engine for one in told}:
            self._stopping.answered(engine)
        if not mine:
            raise LeaseLost

    def note(self, rows: Mapping[str, ItemRow], told: Sequence[Told]) -> None:
        """Take down the content of items whose requests are about to go into a batch."""
        with self._store.write() as db:
            items.note_contents(db, _contents(rows, told))

    def spool(self, chunk: Chunk, engine: str, prepared: Sequence[tuple[int, Prepared]]) -> None:
        """Put requests into the engine's batch; what its budget does not allow waits."""
        try:
            self._spool.add(chunk, engine, prepared)
        except QuotaExhausted as exc:
            self._stopping.stop(engine, exc)

    def _end_stopped(self, chunk: Chunk, work: Sequence[WorkRow]) -> None:
        found = [(one, self._stopping.stopped(one.engine)) for one in work]
        self._end(
            chunk,
            [(one.item_id, one.engine, stop.state, stop.reason) for one, stop in found if stop],
        )

    def _end(self, chunk: Chunk, ended: Sequence[Ended]) -> None:
        """End, or put off, work that has no outcome yet."""
        if ended:
            with self._store.write() as db:
                chunks.check(db, chunk)
                left = {(one.item_id, one.engine) for one in decisions.to_ask(db, chunk.id)}
                still = [one for one in ended if one[:2] in left]
                decisions.end_work(db, chunk.scan_id, still)
                # Decided while an engine was still to be asked, which it is not now.
                spared = list({one[0]: 0 for one in still if one[2] == "spared"})
                decisions.reopen(db, chunk.scan_id, spared, settles=self._context.settles)


class _Told:
    """What was told and is not committed yet.

    What was paid for is committed before anything else is paid for, and so is a local engine's word
    when its turn is over.
    """

    def __init__(self, asking: Asking, chunk: Chunk, rows: Sequence[ItemRow]) -> None:
        self._asking = asking
        self._chunk = chunk
        self._rows = {row.item.key: row for row in rows}
        self._told: list[Told] = []
        self.is_lost = False

    def add(self, told: Told) -> None:
        self._told.append(told)
        if not self._asking.is_local(told.engine) and not isinstance(told.outcome, Prepared):
            self.commit()

    def commit(self) -> None:
        """Commit. Where the chunk is lost, answers are kept all the same: they were paid for."""
        told, self._told = self._told, []
        try:
            self._commit(told)
        except LeaseLost:
            self.is_lost = True

    def _commit(self, told: Sequence[Told]) -> None:
        outcomes = [one for one in told if not isinstance(one.outcome, Prepared)]
        if outcomes:
            self._asking.commit(self._chunk, self._rows, outcomes)
        if any(isinstance(one.outcome, Prepared) and one.content for one in told):
            self._asking.note(self._rows, told)
        requests: dict[str, list[tuple[int, Prepared]]] = {}
        for one in told:
            if isinstance(one.outcome, Prepared):
                item_id = self._rows[one.item.key].id
                requests.setdefault(one.engine, []).append((item_id, one.outcome))
        for engine, prepared in requests.items():
            self._asking.spool(self._chunk, engine, prepared)


def _contents(rows: Mapping[str, ItemRow], told: Sequence[Told]) -> list[tuple[int, str, str]]:
    seen = {one.item.key: one for one in told if one.content}
    return [(rows[key].id, one.item.revision, one.content) for key, one in seen.items()]


def _ended(item_id: int, told: Told) -> Ended:
    outcome = told.outcome
    if isinstance(outcome, Failed):
        state = "retryable" if outcome.retryable else "failed"
        return item_id, told.engine, state, one_line(outcome.reason)
    return item_id, told.engine, "done", ""
