"""Writing: ledger *planned* → send → read back → *verified*; and what a crash left in between."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tigertag import policy
from tigertag.bounds import mark
from tigertag.contracts import EditOutcome, RunContext, VerifyingLater
from tigertag.errors import LeaseLost, LibraryError, LibraryUnavailable
from tigertag.model import Edit, Item, Shown, TagOwnership, TagRef
from tigertag.net import shielded
from tigertag.policy import Plan, Settled
from tigertag.scan import reading
from tigertag.scan.canary import Canary
from tigertag.scan.context import Context, while_failed
from tigertag.store import Db, Store, chunks, decisions, items, ledger, problems, scans, tags
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Decision
from tigertag.store.items import ItemRow
from tigertag.store.ledger import EditRow, EditVerdict
from tigertag.store.scans import ScanRow
from tigertag.text import one_line

_SENT_TOGETHER = 25
_SHORTEST_GAP_S, _LONGEST_GAP_S = 0.5, 600.0
GIVEN_UP_AFTER = timedelta(hours=24)
_SPOILT = (
    "The first write, to {}, changed more than its tags; writing has stopped. Check that item"
    " before you scan again."
)
_SPOILT_BEGIN, _SPOILT_END = _SPOILT.split("{}")
_LOST = (
    "Library {library}: tags that TigerTag did not write have disappeared from {item} while its own"
    " were written ({tags}). Writing has stopped, everything else is kept. {advice}"
)
Changes = dict[TagRef, TagOwnership | None]


@dataclass(frozen=True, slots=True)
class UnreadItem:
    """An item whose tags could not be read; its decision says why."""

    row: ItemRow
    decision: Decision


@dataclass(frozen=True, slots=True)
class Read:
    """An item that was read and decided. `unsettled`: its edits that a crash left open.

    `left_alone`: nothing was decided, and its tags stay as they are.
    """

    row: ItemRow
    decision: Decision
    plan: Plan
    shown: Shown
    unsettled: Sequence[EditRow] = ()
    left_alone: bool = False


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """An item whose edit is in the ledger and has to be sent."""

    read: Read
    edit_id: int

    @property
    def edit(self) -> Edit:
        return self.read.plan.edit


class WriteStage:
    """Records and writes what was decided. Thread-safe."""

    def __init__(self, store: Store, context: Context, *, lease_s: float) -> None:
        self._store = store
        self._context = context
        self.canary = Canary(store, context, lease_s=lease_s)

    def record(self, chunk: Chunk, decided_items: Sequence[Read | UnreadItem]) -> list[PlannedEdit]:
        """Keep what was decided and learned; put the edits that are to be made into the ledger."""
        read = [item for item in decided_items if isinstance(item, Read)]
        writes = self._context.scan.write == "apply"
        to_make = [item for item in read if writes and item.plan.edit]
        with self._store.write() as db:
            chunks.check(db, chunk)
            _learn(db, read)
            edits = [(item.row.id, item.plan.edit, item.shown) for item in to_make]
            returned = {item.row.id: item.plan.returned for item in to_make}
            ids = ledger.plan(db, chunk.scan_id, edits, returned=returned)
            ended = [item.decision for item in decided_items if item.row.id not in ids]
            decisions.write(db, chunk.scan_id, ended)
            if isinstance(self._context.library, VerifyingLater):
                # Others go on with it, and know no more of what was made before.
                made = [_without(item.decision, item.plan.edit) for item in to_make]
                decisions.note_made(db, chunk.scan_id, made)
            problems.note(db, self._context.scan, ended)
            if self._context.scan.kind == "scan":
                decided = [item for item in read if not item.left_alone]
                tags.put(db, {item.row.id: item.decision.tags for item in decided})
            items.mark_current(db, [(item.row.id, _settles(item)) for item in decided_items])
            harmed = self._harmed_before(db, read)
            if harmed:
                scans.move(db, chunk.scan_id, to="failed", among=("running",), error=harmed)
        if harmed:
            raise LibraryError(harmed)
        return [PlannedEdit(item, ids[item.row.id]) for item in to_make]

    def _harmed_before(self, db: Db, read: Sequence[Read]) -> str:
        """Say which item a first write has harmed that was cut off before it was read back."""
        if self.canary.has_passed(db):
            return ""
        for item in read:
            cut_off = (edit for edit in item.unsettled if edit.is_open)
            if any(_harmed(edit.before, edit.removes, item.shown) for edit in cut_off):
                return _SPOILT.format(item.row.item.called)
        return ""

    def send(self, chunk: Chunk, made: Sequence[PlannedEdit], run: RunContext) -> dict[int, float]:
        """Make the edits, the section's first one alone, and write down what came of each.

        Returns after how long what came of the others can be read (item id → seconds). What is not
        sent any more when `run` is cancelled stays planned. Raises `LibraryError` after what was
        done until then has been written down.
        """
        rest = list(made)
        later: dict[int, float] = {}
        try:
            while rest and (earlier := self.canary.take(chunk, rest[0].edit_id, run)) is not None:
                if (wait_s := self._check_earlier(chunk, earlier)) is None:
                    later = self._send_alone(chunk, rest.pop(0))
                    wait_s = min(later.values(), default=None)
                if wait_s is not None:
                    self._withdraw(chunk, rest)
                    return later | {planned.read.row.id: wait_s for planned in rest}
            while rest and not run.cancelled():
                later |= _look_again(self._send(chunk, rest[:_SENT_TOGETHER]))
                rest = rest[_SENT_TOGETHER:]
            return later
        except LeaseLost:
            # Who has the chunk now looks at the write that was cut off, and claims it anew.
            with self._store.write() as db:
                self.canary.end(db, passed=False)
            raise
        except LibraryUnavailable:
            # It may be there again in a moment: whoever runs the scan decides what that means.
            raise
        except LibraryError as exc:
            self.stop(chunk, exc)
            raise

    def stop(self, chunk: Chunk, error: LibraryError) -> None:
        """End the scan for all who work on it, in one step with our claim to the first write.

        Otherwise the next one would make its first write before it hears of this one.
        """
        with self._store.write() as db:
            scans.move(db, chunk.scan_id, to="failed", among=("running",), error=str(error))
            self.canary.end(db, passed=False)

    def _withdraw(self, chunk: Chunk, made: Sequence[PlannedEdit]) -> None:
        """Take back what is not sent before the section's first write is known to have passed."""
        with self._store.write() as db:
            self.canary.end(db, passed=False)
            chunks.check(db, chunk)
            ledger.withdraw(db, [planned.edit_id for planned in made])

    def _send_alone(self, chunk: Chunk, made: PlannedEdit) -> dict[int, float]:
        """Make the first edit of a section, and see that nothing but the tags has changed."""
        passed = False
        sent = self._send(chunk, [made])
        for _planned, outcome in sent:
            if outcome.after is not None:
                passed = _done(made, outcome.after).complete
                if _harmed(made.read.shown, made.edit.removes, outcome.after):
                    raise LibraryError(_SPOILT.format(made.edit.item.called))
        with self._store.write() as db:
            self.canary.end(db, passed=passed)
        return _look_again(sent)

    def _check_earlier(self, chunk: Chunk, earlier: Sequence[EditRow]) -> float | None:
        """See what came of first writes that were cut off before they were read back.

        Returns how long to wait where that cannot be told yet. Raises `LibraryError` where one has
        harmed its item; the next scan does not ask again.
        """
        with self._store.read() as db:
            rows = items.get(db, [edit.item_id for edit in earlier])
        shown = reading.read_tags(self._context.library, [row.item for row in rows]) if rows else {}
        by_id = {row.id: row.item for row in rows}
        for edit in earlier:
            seen = shown.get(by_id[edit.item_id].key)
            if isinstance(seen, Shown) and _harmed(edit.before, edit.removes, seen):
                raise self._harm(chunk, edit, by_id[edit.item_id], seen)
            is_old = is_given_up(edit)
            if isinstance(seen, Shown) and not is_old and not self._is_settled(edit, seen):
                return gap_s([edit])
        return None

    def _harm(self, chunk: Chunk, edit: EditRow, item: Item, seen: Shown) -> LibraryError:
        """Write down what a first write has come to that harmed its item; return the error."""
        lost = self._lost(edit.before, edit.removes, seen)
        with self._store.write() as db:
            chunks.check(db, chunk)
            judge(db, edit, seen)
            ledger.note_lost(db, edit.id, lost)
            scan = scans.get(db, edit.scan_id)
        return loss(scan, item, lost) if lost else LibraryError(_SPOILT.format(item.called))

    def _is_settled(self, edit: EditRow, seen: Shown) -> bool:
        library = self._context.library
        return not isinstance(library, VerifyingLater) or library.settles(edit.before, seen)

    def _send(
        self, chunk: Chunk, made: Sequence[PlannedEdit]
    ) -> list[tuple[PlannedEdit, EditOutcome]]:
        by_key = {planned.read.shown.key: planned for planned in made}
        outcomes: list[EditOutcome] = []
        try:
            # A write that has begun is finished and read back, even if the scan is stopped.
            with shielded():
                for outcome in self._context.library.send([planned.edit for planned in made]):
                    after = None if outcome.after is None else reading.storable(outcome.after)
                    outcomes.append(replace(outcome, after=after))
            silent = by_key.keys() - {outcome.key for outcome in outcomes}
            reason = "The library did not report the result; scan again."
            outcomes += [EditOutcome(key, None, reason, sent=True) for key in sorted(silent)]
        finally:
            sent = [(by_key[outcome.key], outcome) for outcome in outcomes]
            self._conclude(chunk, sent)
        return sent

    def _conclude(self, chunk: Chunk, outcomes: Sequence[tuple[PlannedEdit, EditOutcome]]) -> None:
        """Write down what came of edits. Who lost the lease leaves that to who has it now."""
        later = [each for each in outcomes if each[1].look_again_s is not None]
        now = [each for each in outcomes if each[1].look_again_s is None]
        lost = [
            (planned, refs)
            for planned, outcome in now
            if outcome.after is not None
            and (refs := self._lost(planned.read.shown, planned.edit.removes, outcome.after))
        ]

        def keep(db: Db) -> None:
            chunks.check(db, chunk)
            sent = [_sent(*each) for each in later if each[1].sent]
            ledger.note_sent(db, sent)
            if sent:
                # It has to be looked at again, by whoever has it then: that is no failed attempt.
                chunks.forgive(db, chunk)
            ledger.withdraw(db, [each.edit_id for each, outcome in later if not outcome.sent])
            self._keep(db, now)
            for planned, refs in lost:
                ledger.note_lost(db, planned.edit_id, refs)

        self._store.persist(keep)
        for planned, refs in lost:
            raise loss(self._context.scan, planned.edit.item, refs)

    def _keep(self, db: Db, outcomes: Sequence[tuple[PlannedEdit, EditOutcome]]) -> None:
        kind = self._context.scan.kind
        concluded = [_conclusion(kind, *each) for each in outcomes]
        shown = [
            (conclusion.item_id, conclusion.verdict.after)
            for conclusion in concluded
            if conclusion.verdict.after
        ]
        ledger.judge(db, [conclusion.verdict for conclusion in concluded])
        ledger.set_ownership(
            db, {conclusion.item_id: conclusion.changes for conclusion in concluded}
        )
        decided = [conclusion.decision for conclusion in concluded]
        decisions.write(db, self._context.scan.id, decided)
        problems.note(db, self._context.scan, decided, writing=True)
        items.note_shown(db, [(id, after.stamp, after.refreshed) for id, after in shown])
        items.mark_current(
            db, [(conclusion.item_id, conclusion.decision.settles) for conclusion in concluded]
        )

    def _lost(self, before: Shown, removes: Sequence[TagRef], after: Shown) -> tuple[TagRef, ...]:
        """Return which tags of others a server has dropped that drops tags; an undo puts them back.

        Of any other library's it is odd about the item, and no more.
        """
        late = isinstance(self._context.library, VerifyingLater)
        return lost_tags(before, removes, after) if late else ()


def _learn(db: Db, read: Sequence[Read]) -> None:
    """Keep what reading taught: what became of open edits, and what users took off."""
    verdicts: list[EditVerdict] = []
    changes: dict[int, Changes] = {}
    for item in read:
        learned: Changes = {TagRef(*word): TagOwnership.TOMBSTONE for word in item.plan.tombstones}
        learned |= {TagRef(*word): None for word in item.plan.forgotten}
        learned |= {TagRef(*word): TagOwnership.HELD for word in item.plan.held}
        for edit in item.unsettled:
            done = settled_as(edit, item.shown)
            learned |= ownership_of(edit, done)
            verdicts.append(_verdict(edit.id, done, item.shown))
        changes[item.row.id] = learned
    ledger.judge(db, verdicts)
    ledger.set_ownership(db, changes)
    items.note_shown(db, [(item.row.id, item.shown.stamp, _mark(item)) for item in read])


def _mark(read: Read) -> str:
    """The refresh mark to keep: the one before, where nothing was learned of tags that are lost."""
    return read.row.refreshed if read.left_alone else read.shown.refreshed


def is_spoilt(error: str) -> bool:
    """Whether this is why a scan failed whose first write has changed more than tags."""
    return error.startswith(_SPOILT_BEGIN) and error.endswith(_SPOILT_END)


def gap_s(edits: Sequence[EditRow]) -> float:
    """How long to wait before these edits are looked at again: the longer, the older they are."""
    age = max(datetime.now(UTC) - edit.planned_at for edit in edits)
    return min(max(age.total_seconds() / 2, _SHORTEST_GAP_S), _LONGEST_GAP_S)


def is_given_up(edit: EditRow) -> bool:
    """Whether an edit has been open for so long that nobody waits for it any more."""
    return edit.planned_at < datetime.now(UTC) - GIVEN_UP_AFTER


def settled_as(edit: EditRow, seen: Shown) -> Settled:
    """What became of an edit of the ledger, by what is shown now."""
    done = policy.settle(edit.adds, edit.removes, before=edit.before, after=seen)
    return replace(done, lost=tuple(ref for ref in edit.lost if ref not in edit.adds))


def judge(db: Db, edit: EditRow, seen: Shown, reason: str = "") -> None:
    """Write down what came of an edit of the ledger, by what is shown now, and what it changes."""
    done = settled_as(edit, seen)
    verdict = _verdict(edit.id, done, seen)
    ledger.judge(db, [replace(verdict, reason=reason) if reason else verdict])
    ledger.set_ownership(db, {edit.item_id: ownership_of(edit, done)})


def ownership_of(edit: EditRow, done: Settled) -> Changes:
    return _ownership_after(edit.kind, done, edit.returned)


def _ownership_after(kind: str, done: Settled, returned: Collection[TagRef]) -> Changes:
    """How tags stand after an edit: an undo holds off what it took away, keeps what it put back.

    What is `returned` to the owner is the owner's.
    """
    undo = kind == "undo"
    added = [ref for ref in done.added if ref not in returned]
    changes: Changes = dict.fromkeys(added, TagOwnership.KEPT if undo else TagOwnership.OURS)
    return changes | dict.fromkeys(done.removed, TagOwnership.HELD if undo else None)


def _sent(planned: PlannedEdit, outcome: EditOutcome) -> tuple[int, Shown]:
    """An edit, and what was shown right before it was sent."""
    before = planned.read.shown
    stamp = before.stamp if outcome.stamp is None else mark(outcome.stamp)
    return planned.edit_id, replace(before, stamp=stamp)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    item_id: int
    verdict: EditVerdict
    changes: Changes
    decision: Decision


def _conclusion(kind: str, made: PlannedEdit, outcome: EditOutcome) -> _Conclusion:
    read, decision = made.read, made.read.decision
    if outcome.after is None:
        state = "sent" if outcome.sent else "failed"
        verdict = EditVerdict(made.edit_id, state, None, outcome.reason)
        return _Conclusion(read.row.id, verdict, {}, _not_made(made, outcome.reason))
    done = _done(made, outcome.after)
    if not done.complete:
        reason = "The library did not accept all tags; scan again."
        decision = _not_made(made, reason, done)
    elif lost_tags(read.shown, made.edit.removes, outcome.after):
        reason = "A tag not written by TigerTag disappeared during the write; check the item."
        decision = _not_made(made, reason, done)
    elif merged := _merged(made, outcome.after):
        reason = (
            f"The library merged {merged} into one tag. If you need both, check the item there."
        )
        decision = _not_made(made, reason, done)
    verdict = _verdict(made.edit_id, done, outcome.after)
    changes = _ownership_after(kind, done, read.plan.returned)
    return _Conclusion(read.row.id, verdict, changes, decision)


def _done(made: PlannedEdit, after: Shown) -> Settled:
    edit = made.edit
    return policy.settle(edit.adds, edit.removes, before=made.read.shown, after=after)


def lost_tags(before: Shown, removes: Sequence[TagRef], after: Shown) -> tuple[TagRef, ...]:
    """Return the tags that are gone and that the edit does not speak of."""
    there = {ref.word for ref in (*removes, *after.tags)}
    return tuple(ref for ref in before.tags if ref.word not in there)


def loss(scan: ScanRow, item: Item, lost: Sequence[TagRef]) -> LibraryError:
    """The error after which nothing more is written by a scan over which others' tags went."""
    tags = ", ".join(ref.name for ref in lost)
    advice = f"To put them back, undo scan {scan.id}."
    if scan.kind == "undo":
        advice = "Add them again there, and check the item."
    line = _LOST.format(library=scan.section.library, item=item.called, tags=tags, advice=advice)
    return LibraryError(one_line(line))


def _look_again(sent: Iterable[tuple[PlannedEdit, EditOutcome]]) -> dict[int, float]:
    return {
        planned.read.row.id: outcome.look_again_s
        for planned, outcome in sent
        if outcome.look_again_s is not None
    }


def _merged(made: PlannedEdit, after: Shown) -> str:
    """Name tags that differ in spelling alone and of which the library has kept fewer; "": none.

    That is odd about the item, and proves nothing of other writes.
    """
    removed = {ref.word for ref in made.edit.removes}
    had, has = set(made.read.shown.tags), Counter(ref.word for ref in set(after.tags))
    fewer = Counter(ref.word for ref in had if ref.word not in removed) - has
    for word in fewer:
        return " and ".join(sorted(f"“{ref.name}”" for ref in had if ref.word == word))
    return ""


def _harmed(before: Shown, removes: Sequence[TagRef], after: Shown) -> bool:
    return after.rest != before.rest or bool(lost_tags(before, removes, after))


def _not_made(made: PlannedEdit, reason: str, done: Settled | None = None) -> Decision:
    """The decision of an item whose edit was not made, or in part: it counts what was."""
    decision = _without(made.read.decision, made.edit)
    return replace(
        decision,
        state="failed",
        settles=while_failed(decision.settles),
        adds=decision.adds + (done.added if done else ()),
        removes=decision.removes + (done.removed if done else ()),
        reason=reason,
    )


def _without(decision: Decision, edit: Edit) -> Decision:
    """The decision of an item without the edit that is to be made: what was made before."""
    return replace(
        decision,
        adds=tuple(ref for ref in decision.adds if ref not in edit.adds),
        removes=tuple(ref for ref in decision.removes if ref not in edit.removes),
    )


def _settles(item: Read | UnreadItem) -> str:
    """The signature that the item has now: none while an edit of it is outstanding."""
    outstanding = isinstance(item, Read) and item.plan.edit
    return "" if outstanding else item.decision.settles


def _verdict(edit_id: int, done: Settled, seen: Shown) -> EditVerdict:
    """Verified if anything came of it: before and after tell what."""
    if done.complete or done.added or done.removed:
        return EditVerdict(edit_id, "verified", seen)
    return EditVerdict(edit_id, "failed", seen, "It was not sent, or not accepted.")
