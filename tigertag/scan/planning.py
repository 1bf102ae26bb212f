"""What is left to be done for items, and the chunks that they are cut into."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tigertag.core import Core
from tigertag.model import Media, Queue
from tigertag.scan.context import Context, while_failed
from tigertag.sequences import batched
from tigertag.store import Db, batches, chunks, decisions, retries
from tigertag.store.decisions import Todo
from tigertag.store.items import ItemRow
from tigertag.store.retries import Retries

_ASK_CHUNK = 16
_SHARED_ASK_CHUNK = 8
"""Where many workers share a slow scan, its last chunks would leave most of them idle."""
_LOCAL_CHUNK = 32
"""Where nothing but local engines is asked, the database's share of the time is felt."""
_VIDEO_CHUNK = 2
_SETTLE_CHUNK = 256


class ChunkPlanner:
    """Plans the items of one scan."""

    def __init__(self, core: Core, context: Context) -> None:
        self._core = core
        self._context = context

    @property
    def retries(self) -> Retries | None:
        """Which failures are tried again; None: all, for a scan that a user has started."""
        scan = self._context.scan
        return Retries(datetime.now(UTC), scan.write == "apply") if scan.is_unattended else None

    def todos(self, db: Db, rows: Sequence[ItemRow]) -> list[Todo]:
        """What is left to be done for items: settled by this scan only if it asks all engines."""
        context = self._context
        revisions = {row.id: row.item.revision for row in rows}
        known = context.answered(db, rows)
        ids = list(revisions)
        under_way = batches.asked_elsewhere(db, context.scan.id, ids, ended=not context.round)
        if context.scan.write == "preview" and not context.scan.is_forecast:
            under_way |= decisions.left_to_writers(db, context.scan.id, revisions)
        if not context.round:
            known |= decisions.refused(
                db,
                revisions,
                context.fingerprints,
                context.samplers(rows),
                paid=context.paid,
            )
        resting: set[tuple[int, str]] = set()
        if (wanted := self.retries) and not context.round:
            fingerprints = context.fingerprints
            resting = retries.left_alone(db, revisions, fingerprints, wanted.now, paid=context.paid)
        return [self._todo(row, known, under_way, resting) for row in rows]

    def _todo(
        self,
        row: ItemRow,
        known: set[tuple[int, str]],
        under_way: set[tuple[int, str]],
        resting: set[tuple[int, str]],
    ) -> Todo:
        """`under_way`: what another scan has sent in a batch, or asks when its time has come.

        `resting`: what has failed lately, or was given up.
        """
        context = self._context
        missing = [
            name
            for name, engine in context.engines.items()
            if (row.id, name) not in known and row.item.media in engine.capabilities.media
        ]
        asks = context.scan.mode != "decide"
        not_now = under_way | resting
        asked = [
            name
            for name in missing
            if asks and name in context.asked and (row.id, name) not in not_now
        ]
        left = {name for name in missing if name not in asked}
        rests = {name for name in left if (row.id, name) in resting}
        settles = while_failed(context.signature) if left else context.signature
        return Todo(
            row.id,
            row.item.revision,
            settles if left == rests else "",
            tuple((name, context.fingerprints[name]) for name in asked),
            row.item.media,
            context.sampler(row.item.media),
        )

    def plan(self, db: Db, todos: Sequence[Todo], *, held: bool) -> None:
        """Put items into chunks, which are `held` until the listing is believed."""
        alike: dict[tuple[str, int, Queue], list[Todo]] = {}
        for todo in todos:
            alike.setdefault((*self._kind(todo), self._queue(todo)), []).append(todo)
        scan_id = self._context.scan.id
        for (kind, size, queue), group in alike.items():
            for some in batched(group, size):
                chunk_id = chunks.add(
                    db, scan_id, kind=kind, held=held, queue=queue, size=len(some)
                )
                decisions.plan(db, scan_id, chunk_id, some)
        asks = [(todo.item_id, name) for todo in todos for name, _fingerprint in todo.engines]
        chunks.wake_all(db, decisions.take_over(db, scan_id, asks))

    def _kind(self, todo: Todo) -> tuple[str, int]:
        """Which chunks an item belongs into: their kind, and how many items they hold."""
        if todo.media is Media.GROUP and self._context.scan.kind == "scan":
            return "groups", _SETTLE_CHUNK
        if not todo.engines:
            return "items", _SETTLE_CHUNK
        if todo.media is Media.VIDEO:
            return "items", _VIDEO_CHUNK
        asked = [self._context.engines[name] for name, _fingerprint in todo.engines]
        is_local = all(engine.capabilities.local for engine in asked)
        if is_local:
            return "items", _LOCAL_CHUNK
        return "items", _SHARED_ASK_CHUNK if self._core.is_clustered else _ASK_CHUNK

    def _queue(self, todo: Todo) -> Queue:
        """Which workers may have an item, by the rarest thing that it needs."""
        asked = [self._context.engines[name].capabilities for name, _fingerprint in todo.engines]
        if any(engine.paid for engine in asked):
            return "paid"
        if any(engine.gpu for engine in asked):
            return "gpu"
        return "video" if asked and todo.media is Media.VIDEO else "default"
