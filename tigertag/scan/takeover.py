"""What is left of a chunk that was another worker's: its paid answers are not asked for again.

Who has lost a chunk, such as while it was cut off, still commits the answers that it has paid for.
Their work is ended here, by whoever has the chunk now.
"""

from collections.abc import Collection, Sequence

from tigertag.core import Core
from tigertag.scan.context import Context
from tigertag.store import Db, chunks, decisions, items, usage
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import WorkRow


def left_to_ask(
    core: Core, context: Context, chunk: Chunk, work: Sequence[WorkRow]
) -> list[WorkRow]:
    """Return the work of a chunk that nobody has paid for; end what was answered.

    Raises `LeaseLost`.
    """
    if chunk.token == 1 or not work:
        return list(work)
    item_ids = list({row.item_id: 0 for row in work})
    with core.store.read() as db:
        in_hand = _in_hand(core, db, chunk, item_ids)
        answered = context.answered(db, items.get(db, item_ids))
    ended = [row for row in work if (row.item_id, row.engine) in answered]
    if ended:
        with core.store.write() as db:
            chunks.check(db, chunk)
            done = [(row.item_id, row.engine, "done", "") for row in ended]
            decisions.end_work(db, chunk.scan_id, done)
            again = list({row.item_id: 0 for row in ended})
            decisions.reopen(db, chunk.scan_id, again, settles=context.settles)
    return [row for row in work if (row.item_id, row.engine) not in answered | in_hand]


def waits(core: Core, db: Db, chunk: Chunk) -> bool:
    """Whether work of a chunk waits for answers that another worker may still commit."""
    if not chunk.taken_over_at:
        return False
    work = decisions.to_ask(db, chunk.id)
    in_hand = _in_hand(core, db, chunk, {row.item_id for row in work})
    return any((row.item_id, row.engine) in in_hand for row in work)


def _in_hand(core: Core, db: Db, chunk: Chunk, item_ids: Collection[int]) -> set[tuple[int, str]]:
    # Without a broker a worker that lost a chunk has died.
    if not core.broker_url or not chunk.taken_over_at:
        return set()
    return usage.in_hand(db, chunk.id, item_ids)
