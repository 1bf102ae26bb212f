"""Edits that a server may still drop: a later reading tells what came of them.

Such an edit stays *sent*, and its item undecided, until the library says that a reading settles it
(`contracts.VerifyingLater`); the chunk is given back meanwhile. All that is known of it is in the
ledger, so that a restart goes on where it was.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tigertag.contracts import NotRead, VerifyingLater
from tigertag.model import Shown
from tigertag.scan.context import Context
from tigertag.scan.write import (
    WriteStage,
    gap_s,
    is_given_up,
    judge,
    loss,
    lost_tags,
    settled_as,
)
from tigertag.store import Store, chunks, decisions, ledger, scans
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Decision
from tigertag.store.items import ItemRow
from tigertag.store.ledger import EditRow

RETRY_S = 5.0
GIVEN_UP = (
    "The library has not stored its tags within a day, so they are not verified; they count as they"
    " show now. Scan again once the library has caught up with its own work."
)
_LOST = "Tags of the owner's went while it was made."


class Verification:
    """Which items of one scan are looked at again, and when. Thread-safe."""

    def __init__(self, store: Store, context: Context, write_stage: WriteStage) -> None:
        self._store = store
        self._context = context
        self._write_stage = write_stage
        library = context.library
        self._library = library if isinstance(library, VerifyingLater) else None
        self._later: dict[int, dict[int, float]] = {}
        """By chunk: its items, and when they are looked at again (seconds since the epoch)."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._later)

    def look_again(self, chunk: Chunk, item_id: int, after_s: float) -> None:
        self._later.setdefault(chunk.id, {})[item_id] = time.time() + after_s

    def due(self, chunk: Chunk, todo: Sequence[Decision]) -> list[Decision]:
        """Return those that are not to be looked at later."""
        left, now = {each.item_id for each in todo}, time.time()
        waits = {
            item_id: at
            for item_id, at in self._later.pop(chunk.id, {}).items()
            if item_id in left and at > now
        }
        if waits:
            self._later[chunk.id] = waits
        return [each for each in todo if each.item_id not in waits]

    def due_at(self, chunk: Chunk) -> float | None:
        """Return when a chunk has an item to look at again; None: it has none."""
        return min(self._later.get(chunk.id, {}).values(), default=None)

    def has_given_up(self, edits: Sequence[EditRow], seen: Shown) -> bool:
        """Whether an edit has been open for so long that its item ends without it."""
        return any(is_given_up(edit) and self._is_unsettled(edit, seen) for edit in edits)

    def settled(self, edits: Sequence[EditRow], seen: Shown) -> list[EditRow]:
        """Return those of an item's edits of which this reading tells what came of them."""
        return [edit for edit in edits if not self._is_unsettled(edit, seen)]

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
        looks = [
            _Look(each, rows[each.item_id], unsettled[each.item_id], seen)
            for each in todo
            if unsettled.get(each.item_id)
            and isinstance(seen := shown[rows[each.item_id].item.key], Shown)
        ]
        left = {look.row.id for look in looks if self._is_later(chunk, look)}
        settled = [look for look in looks if look.row.id not in left]
        self._note_losses(chunk, settled)
        left |= {look.row.id for look in settled if self._is_sent_again(chunk, look)}
        if any(look.has_passed for look in settled):
            self._pass_first_write()
        return [each for each in todo if each.item_id not in left]

    def _is_later(self, chunk: Chunk, look: "_Look") -> bool:
        """Whether an edit is still open; one that has been so for too long is judged as it is."""
        unsettled = [each for each in look.edits if self._is_unsettled(each, look.seen)]
        waits = [edit for edit in unsettled if not is_given_up(edit)]
        if waits:
            self.look_again(chunk, look.row.id, gap_s(waits))
            return True
        for edit in unsettled:
            self._judge(chunk, edit, look.seen, GIVEN_UP)
        return False

    def _note_losses(self, chunk: Chunk, looks: Sequence["_Look"]) -> None:
        """Stop where tags of the owner's are gone; an undo puts back all that are noted.

        An undo of the scan that lost them goes on: it is what puts them back.
        """
        lost = {
            edit.id: (edit, look, refs)
            for look in looks
            for edit in look.edits
            if _is_traced(edit, look.seen)
            and not is_given_up(edit)
            and (refs := lost_tags(edit.before, edit.removes, look.seen))
        }
        if not lost:
            return
        scan = self._context.scan
        with self._store.write() as db:
            chunks.check(db, chunk)
            for edit, look, refs in lost.values():
                judge(db, edit, look.seen, _LOST)
                ledger.note_lost(db, edit.id, refs)
        stops = [each for each in lost.values() if each[0].scan_id != scan.source_id]
        for edit, look, refs in stops:
            with self._store.read() as db:
                error = loss(scans.get(db, edit.scan_id), look.row.item, refs)
            self._write_stage.stop(chunk, error)
            raise error

    def _is_sent_again(self, chunk: Chunk, look: "_Look") -> bool:
        """Whether what this scan wrote was dropped, and is written once more, a while later.

        Raises `LibraryError` where it was dropped before.
        """
        assert self._library is not None
        scan_id = self._context.scan.id
        own = [edit for edit in look.edits if edit.scan_id == scan_id and edit.is_open]
        dropped = [edit for edit in own if _is_dropped(edit, look.seen)]
        if not dropped:
            return False
        with self._store.read() as db:
            was_dropped = ledger.was_dropped(db, scan_id, look.row.id)
        made = look.todo
        for edit in dropped:
            self._judge(chunk, edit, look.seen, ledger.DROPPED)
            done = settled_as(edit, look.seen)
            made = replace(made, adds=made.adds + done.added, removes=made.removes + done.removed)
        if was_dropped:
            error = self._library.dropped(look.row.item)
            self._write_stage.stop(chunk, error)
            raise error
        with self._store.write() as db:
            decisions.note_made(db, scan_id, [made])
        self.look_again(chunk, look.row.id, RETRY_S)
        return True

    def _pass_first_write(self) -> None:
        with self._store.read() as db:
            if self._write_stage.canary.has_passed(db):
                return
        with self._store.write() as db:
            self._write_stage.canary.pass_by(db)

    def _judge(self, chunk: Chunk, edit: EditRow, seen: Shown, reason: str) -> None:
        with self._store.write() as db:
            chunks.check(db, chunk)
            judge(db, edit, seen, reason)

    def _is_unsettled(self, edit: EditRow, seen: Shown) -> bool:
        """Whether what is shown of an edit may still be dropped."""
        if self._library is None or not _is_traced(edit, seen):
            return False
        return not self._library.settles(edit.before, seen)


@dataclass(frozen=True, slots=True)
class _Look:
    """An item that is looked at again, its edits that no reading has settled, and a reading."""

    todo: Decision
    row: ItemRow
    edits: Sequence[EditRow]
    seen: Shown

    @property
    def has_passed(self) -> bool:
        """Whether it shows a write that the library has kept as a whole."""
        return any(
            edit.is_open and not is_given_up(edit) and settled_as(edit, self.seen).complete
            for edit in self.edits
        )


def _is_traced(edit: EditRow, seen: Shown) -> bool:
    """Whether an edit was sent: one that was cut off before may have been, if it shows."""
    done = settled_as(edit, seen)
    return bool(done.added or done.removed) or edit.is_open


def _is_dropped(edit: EditRow, seen: Shown) -> bool:
    """Whether the library has not kept what it had accepted.

    Tags may be taken off one after the other, after those that are added: where some of an edit
    shows, the rest was not sent yet.
    """
    there = {ref.word for ref in seen.tags}
    if edit.adds:
        return any(ref.word not in there for ref in edit.adds)
    return all(ref.word in there for ref in edit.removes)
