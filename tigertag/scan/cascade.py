"""Engines that are asked only where those before them found nothing sure enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tigertag import policy
from tigertag.model import Kind
from tigertag.scan.context import Context
from tigertag.store import Db, answers, decisions
from tigertag.store.decisions import OPEN, WorkRow
from tigertag.store.items import ItemRow

_NOT_ASKED = ("waiting", "retryable")
_NOT_OF_PIXELS = {Kind.FACE, Kind.PLACE, Kind.FACT}
"""Who somebody is and where it was taken say nothing of what else is to be seen."""
States = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Work of one chunk: what is to be asked now, and what ends without being asked.

    What is in neither waits for an engine before it.
    """

    asked: tuple[WorkRow, ...]
    ended: tuple[tuple[int, str, str, str], ...]


def sort(
    context: Context, db: Db, chunk_id: int, rows: Sequence[ItemRow], work: Sequence[WorkRow]
) -> Sorted:
    """Tell which of the work may be asked now; `rows` are its items."""
    doubtful = [row for row in work if row.engine in context.only_uncertain]
    if not doubtful:
        return Sorted(tuple(work), ())
    states = decisions.work_states(db, chunk_id)
    sure = _Sure(context, db, rows)
    asked = [row for row in work if row.engine not in context.only_uncertain]
    ended: list[tuple[int, str, str, str]] = []
    for row in doubtful:
        earlier = context.before(row.engine)
        verdict = _verdict(states[row.item_id], earlier) or sure.verdict(row.item_id, earlier)
        if verdict is None:
            asked.append(row)
        elif verdict[0] not in OPEN:
            ended.append((row.item_id, row.engine, *verdict))
    return Sorted(tuple(asked), tuple(ended))


def _verdict(states: States, earlier: Sequence[str]) -> tuple[str, str] | None:
    """What the engines before it leave to an engine: (state, reason); None when all have ended."""
    before = [(name, *states[name]) for name in earlier if name in states]
    for _name, state, reason in before:
        if state in OPEN:
            return state, reason
    for name, state, reason in before:
        if state in _NOT_ASKED:
            return state, f"Waiting for engine {name}: {reason}"
    return None


class _Sure:
    """Whether engines have found something that is sure enough, in what is to be seen."""

    def __init__(self, context: Context, db: Db, rows: Sequence[ItemRow]) -> None:
        self._context = context
        revisions = {row.id: row.item.revision for row in rows}
        self._answers = answers.current(db, revisions, context.fingerprints, context.samplers(rows))

    def verdict(self, item_id: int, engines: Sequence[str]) -> tuple[str, str] | None:
        context = self._context
        given = [answer for answer in self._answers[item_id].now if answer.engine in engines]
        tags = policy.decide(given, context.rules, context.thresholds, context.concepts)
        return ("spared", "") if any(tag.kind not in _NOT_OF_PIXELS for tag in tags) else None
