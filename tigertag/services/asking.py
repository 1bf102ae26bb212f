"""The asking part of a chunk: engines are asked, answers are committed as they come."""

import logging
from collections.abc import Sequence
from threading import Lock

from tigertag import pipeline
from tigertag.contracts import Failed, Labelled, RunContext
from tigertag.errors import EngineError, LeaseLost
from tigertag.pipeline import Ask, Stopped, Told
from tigertag.services.context import Context
from tigertag.store import Store, answers, chunks, decisions, items
from tigertag.store.answers import AnswerRow
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import WorkRow
from tigertag.store.items import ItemRow
from tigertag.wording import one_line

logger = logging.getLogger(__name__)

_WARY_AFTER = 3
_MOST_ATTEMPTS = 5


class Asking:
    """Asks the engines of one scan. Thread-safe."""

    def __init__(self, store: Store, context: Context) -> None:
        self._store = store
        self._context = context
        self._opening = Lock()
        self._open: set[str] = set()
        self._stopped: dict[str, str] = {}

    def run(self, chunk: Chunk, run: RunContext) -> bool:
        """Ask all that is to be asked; False when `run` was cancelled before the end.

        A chunk that has killed its workers is worked on item by item, each attempt counted
        before it, so that the item that kills is found and left out.
        """
        with self._store.read() as db:
            work = decisions.to_ask(db, chunk.id)
        if not work:
            return True
        if chunk.attempts <= _WARY_AFTER:
            return self._ask(chunk, work, run)
        return all(self._ask_warily(chunk, [one], run) for one in work)

    def _ask_warily(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        (one,) = work
        with self._store.write() as db:
            chunks.check(db, chunk)
            decisions.count_attempt(db, one.id)
        if one.attempts < _MOST_ATTEMPTS:
            whole = self._ask(chunk, work, run)
            if not whole:
                with self._store.write() as db:
                    decisions.count_attempt(db, one.id, by=-1)
            return whole
        reason = f"TigerTag died {one.attempts} times over this item; it is left out."
        self._end(chunk, [(one.item_id, one.engine, "failed", reason)])
        return True

    def _ask(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> bool:
        able = [one for one in work if self._ready(one.engine)]
        if able:
            self._ask_able(chunk, able, run)
        stopped = [one for one in work if one.engine in self._stopped]
        self._end(
            chunk,
            [(one.item_id, one.engine, "waiting", self._stopped[one.engine]) for one in stopped],
        )
        return not run.cancelled()

    def _ready(self, name: str) -> bool:
        """Whether the engine is open, or can be opened now."""
        with self._opening:
            if name not in self._open and name not in self._stopped:
                self._try_open(name)
        return name not in self._stopped

    def _try_open(self, name: str) -> None:
        engine = self._context.engines.get(name)
        if engine is None:
            return self._stop(name, "It is switched off, or may not see this section.")
        try:
            engine.open()
        except EngineError as exc:
            return self._stop(name, str(exc))
        except Exception:
            logger.exception("engine %s met a bug when it was opened", name)
            return self._stop(name, "It met a bug of its own when it was opened; see the log.")
        return self._open.add(name)

    def _stop(self, name: str, reason: str) -> None:
        logger.warning("engine %s cannot go on: %s", name, reason)
        self._stopped[name] = one_line(reason)

    def _ask_able(self, chunk: Chunk, work: Sequence[WorkRow], run: RunContext) -> None:
        with self._store.read() as db:
            rows = items.get(db, self._context.section, list({one.item_id: 0 for one in work}))
        by_key = {row.item.key: row for row in rows}
        asks = [
            Ask(row.item, tuple(one.engine for one in work if one.item_id == row.id))
            for row in rows
        ]
        told: list[Told] = []
        try:
            for said in pipeline.ask(self._context.library, self._context.engines, asks, run):
                if isinstance(said, Stopped):
                    self._stop(said.engine, str(said.error))
                    continue
                told.append(said)
                # What was paid for is committed before anything else is paid for.
                if not self._context.engines[said.engine].capabilities.local:
                    self._commit(chunk, by_key, told)
                    told = []
        finally:
            self._commit(chunk, by_key, told)

    def _commit(self, chunk: Chunk, rows: dict[str, ItemRow], told: Sequence[Told]) -> None:
        """Keep answers, whoever holds the chunk by now. Raises `LeaseLost` after that."""
        if not told:
            return
        context = self._context
        with self._store.write() as db:
            answers.keep(
                db,
                [
                    AnswerRow(
                        rows[one.item.key].id,
                        one.item.revision,
                        context.round,
                        pipeline.answer(context.engines[one.engine], one.outcome),
                    )
                    for one in told
                    if isinstance(one.outcome, Labelled)
                ],
            )
            mine = chunks.holds(db, chunk)
            ended = [_ended(rows[one.item.key].id, one) for one in told]
            decisions.end_work(
                db, chunk.scan_id, [one for one in ended if mine or one[2] == "done"]
            )
        if not mine:
            raise LeaseLost

    def _end(self, chunk: Chunk, ended: Sequence[tuple[int, str, str, str]]) -> None:
        """End work that has no outcome yet."""
        if ended:
            with self._store.write() as db:
                chunks.check(db, chunk)
                left = {(one.item_id, one.engine) for one in decisions.to_ask(db, chunk.id)}
                still = [one for one in ended if one[:2] in left]
                decisions.end_work(db, chunk.scan_id, still)


def _ended(item_id: int, told: Told) -> tuple[int, str, str, str]:
    outcome = told.outcome
    if isinstance(outcome, Failed):
        state = "retryable" if outcome.retryable else "failed"
        return item_id, told.engine, state, one_line(outcome.reason)
    return item_id, told.engine, "done", ""
