"""Edits that a server may still drop: a later reading tells what came of them.

Such an edit stays *sent*, and its item undecided, until the library says that a reading settles it
(`contracts.VerifyingLater`); the chunk is given back meanwhile. All that is known of it is in the
ledger, so that a restart goes on where it was.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tigertag.contracts import NotRead, VerifyingLater
from tigertag.errors import LibraryError
from tigertag.model import Shown
from tigertag.scan.context import Context
from tigertag.scan.write import WriteStage, gap_s, loss, lost_tags, ownership_after, settled_as
from tigertag.store import Store, chunks, decisions, ledger
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Decision
from tigertag.store.items import ItemRow
from tigertag.store.ledger import EditRow, Verdict

RETRY_S = 5.0
_GIVEN_UP_AFTER = timedelta(hours=24)
GIVEN_UP = (
    "The library has not stored its tags within a day, so they are not verified. The next scan"
    " looks at them again."
)


class Verification:
    """Which items of one scan are looked at again, and when. Thread-safe."""

    def __init__(self, store: Store, context: Context, write_stage: WriteStage) -> None:
        self._store = store
        self._context = context
        self._write_stage = write_stage
        library = context.library
        self._library = library if isinstance(library, VerifyingLater) else None
        self._later: dict[int, tuple[int, float]] = {}
        """By item: its chunk, and when it is looked at again (seconds since the epoch)."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._later)

    def look_again(self, chunk: Chunk, item_id: int, after_s: float) -> None:
        self._later[item_id] = (chunk.id, time.time() + after_s)

    def due(self, chunk: Chunk, todo: Sequence[Decision]) -> list[Decision]:
        """Return those that are not to be looked at later."""
        if not self._later:
            return list(todo)
        left = {one.item_id for one in todo}
        for item_id, (chunk_id, at) in list(self._later.items()):
            if chunk_id == chunk.id and (at <= time.time() or item_id not in left):
                self._later.pop(item_id, None)
        return [one for one in todo if one.item_id not in self._later]

    def due_at(self, chunk: Chunk) -> float | None:
        """Return when a chunk has an item to look at again; None: it has none."""
        times = [at for chunk_id, at in list(self._later.values()) if chunk_id == chunk.id]
        return min(times, default=None)

    def has_given_up(self, edits: Sequence[EditRow], seen: Shown) -> bool:
        """Whether an edit has been open for so long that its item ends without it."""
        oldest = datetime.now(UTC) - _GIVEN_UP_AFTER
        return any(edit.planned_at < oldest and self._is_open(edit, seen) for edit in edits)

    def settled(self, edits: Sequence[EditRow], seen: Shown) -> list[EditRow]:
        """Return those of an item's edits of which this reading tells what came of them."""
        return [edit for edit in edits if not self._is_open(edit, seen)]

    def ready(
        self,
        chunk: Chunk,
        todo: Sequence[Decision],
        rows: Mapping[int, ItemRow],
        unsettled: Mapping[int, Sequence[EditRow]],
        shown: Mapping[str, Shown | NotRead],
    ) -> list[Decision]:
        """Return the items that can be decided now; the others are looked at again.

        Raises `LibraryError` where what the library has dropped lets nothing more be written.
        """
        if self._library is None or self._context.scan.write != "apply":
            return list(todo)
        ready: list[Decision] = []
        for one in todo:
            row, edits = rows[one.item_id], unsettled.get(one.item_id, ())
            if self._is_ready(chunk, one, row, edits, shown[row.item.key]):
                ready.append(one)
        return ready

    def _is_ready(
        self,
        chunk: Chunk,
        todo: Decision,
        row: ItemRow,
        edits: Sequence[EditRow],
        seen: Shown | NotRead,
    ) -> bool:
        if isinstance(seen, NotRead) or not edits:
            return True
        still_open = [edit for edit in edits if self._is_open(edit, seen)]
        if still_open:
            if not self.has_given_up(still_open, seen):
                self.look_again(chunk, row.id, gap_s(still_open))
                return False
            return True
        own = [each for each in edits if each.scan_id == self._context.scan.id and each.is_cut_off]
        for edit in own:
            if lost := lost_tags(edit.before, edit.removes, seen):
                with self._store.write() as db:
                    ledger.count_as_removed(db, edit.id, lost)
                self._end(chunk, edit, seen, loss(self._context.scan, row.item, lost))
            if _is_dropped(edit, seen):
                self._retry_or_stop(chunk, todo, row, edit, seen)
                return False
        if own and not self._passed():
            with self._store.write() as db:
                self._write_stage.canary.pass_by(db)
        return True

    def _passed(self) -> bool:
        with self._store.read() as db:
            return self._write_stage.canary.has_passed(db)

    def _retry_or_stop(
        self, chunk: Chunk, todo: Decision, row: ItemRow, edit: EditRow, seen: Shown
    ) -> None:
        """Write down what was dropped; it is written once more, a while later."""
        assert self._library is not None
        with self._store.read() as db:
            again = ledger.was_dropped(db, self._context.scan.id, row.id)
        self._end(chunk, edit, seen, self._library.dropped(row.item) if again else None)
        done = settled_as(edit, seen)
        made = replace(todo, adds=todo.adds + done.added, removes=todo.removes + done.removed)
        with self._store.write() as db:
            decisions.note_made(db, self._context.scan.id, [made])
        self.look_again(chunk, row.id, RETRY_S)

    def _end(self, chunk: Chunk, edit: EditRow, seen: Shown, error: LibraryError | None) -> None:
        """Write down what came of an edit, and stop the scan with an error. Raises it."""
        done = settled_as(edit, seen)
        state = "verified" if done.added or done.removed else "failed"
        reason = ledger.DROPPED if error is None else str(error)
        with self._store.write() as db:
            chunks.check(db, chunk)
            ledger.judge(db, [Verdict(edit.id, state, seen, reason)])
            ledger.set_ownership(db, {edit.item_id: ownership_after(edit.kind, done)})
        if error is not None:
            self._write_stage.stop(chunk, error)
            raise error

    def _is_open(self, edit: EditRow, seen: Shown) -> bool:
        """Whether what is shown of an edit may still be dropped."""
        if self._library is None:
            return False
        done = settled_as(edit, seen)
        # Of what shows no trace nothing was sent, or it was dropped already.
        is_traced = bool(done.added or done.removed) or edit.is_cut_off
        return is_traced and not self._library.settles(edit.before, seen)


def _is_dropped(edit: EditRow, seen: Shown) -> bool:
    """Whether the library has not kept what it had accepted.

    Tags may be taken off one after the other: where some are off, the rest was not sent yet.
    """
    there = {ref.word for ref in seen.tags}
    is_off = any(ref.word not in there for ref in edit.removes)
    is_on = all(ref.word in there for ref in edit.adds)
    return not is_on or bool(edit.removes and not is_off)
