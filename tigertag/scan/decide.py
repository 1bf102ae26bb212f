"""The settling part of a chunk: answers → tags → edits, recorded, and written if so asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tigertag import policy
from tigertag.contracts import NotRead, RunContext, VerifyingLater
from tigertag.errors import Unstorable
from tigertag.model import (
    Answer,
    Edit,
    Kind,
    Media,
    Shown,
    Tag,
    TagOwnership,
    TagRef,
    Verdict,
    Word,
)
from tigertag.policy import Plan
from tigertag.scan import reading
from tigertag.scan.context import Context, is_final, while_failed
from tigertag.scan.reading import Readings
from tigertag.scan.verify import GIVEN_UP, Verification
from tigertag.scan.write import (
    PlannedEdit,
    Read,
    UnreadItem,
    WriteStage,
    ownership_of,
    settled_as,
)
from tigertag.store import (
    Db,
    Store,
    answers,
    chunks,
    decisions,
    items,
    ledger,
    problems,
    scans,
    verdicts,
)
from tigertag.store.answers import CurrentAnswers
from tigertag.store.chunks import Chunk
from tigertag.store.decisions import Decision
from tigertag.store.items import ItemRow
from tigertag.store.ledger import EditRow

_BATCH = 100
_MOST_ATTEMPTS = 12
_FAILED = ("failed", "retryable")
_OURS = (TagOwnership.OURS, TagOwnership.KEPT)
_UNSURE = (
    "The last write to this item may have failed, and more than its tags changed since; nothing was"
    " written. Check the item, then scan again."
)
_ELSEWHERE = (
    "The item moved to a section to which TigerTag has not written yet; nothing was written. Scan"
    " that section with apply, then try again."
)
_IF_MOVED = "If it was moved, scan its section, then try again."


@dataclass(frozen=True, slots=True)
class Part:
    """An item of a group: its tags, None where nothing is decided; may there be more to come?"""

    tags: tuple[Tag, ...] | None
    final: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows of a batch of items.

    `unproven`: those that are in another section by now, whose first write is still to be made.
    """

    rows: Mapping[int, ItemRow]
    unproven: Collection[int]
    answers: Mapping[int, CurrentAnswers]
    standings: Mapping[int, Mapping[Word, TagOwnership]]
    unsettled: Mapping[int, Sequence[EditRow]]
    unanswered: Mapping[int, Sequence[tuple[str, str]]]
    source: Mapping[int, Decision]
    undone: Mapping[int, Sequence[EditRow]]
    origins: Mapping[int, Shown]
    parts: Mapping[str, Sequence[Part]]
    verdicts: Mapping[int, Sequence[Verdict]]
    later: Collection[int] = ()


class DecisionStage:
    """Settles the items of one scan. Thread-safe."""

    def __init__(
        self, store: Store, context: Context, readings: Readings, *, lease_s: float
    ) -> None:
        self._store = store
        self._context = context
        self._readings = readings
        self._write_stage = WriteStage(store, context, lease_s=lease_s)

        self.canary = self._write_stage.canary
        self.verification = Verification(store, context, self._write_stage)

    def run(self, chunk: Chunk, run: RunContext) -> bool:
        """Settle what is to be settled; False when `run` was cancelled before the end."""
        with self._store.read() as db:
            todo = decisions.to_settle(db, chunk.id)
        if chunk.attempts > _MOST_ATTEMPTS:
            self._give_up(chunk, todo)
            return True
        todo = self.verification.due(chunk, todo)
        while todo:
            if run.cancelled():
                return False
            size = self._batch_size()
            batch, todo = todo[:size], todo[size:]
            self._settle(chunk, batch, run)
            if todo and size == 1 and self.verification.due_at(chunk) is not None:
                # The section's first write is still open: the others wait for it.
                break
        return not run.cancelled()

    def _batch_size(self) -> int:
        """How many items are settled together: one by one until a first write can be waited for."""
        library, scan = self._context.library, self._context.scan
        if not isinstance(library, VerifyingLater) or scan.write != "apply":
            return _BATCH
        with self._store.read() as db:
            return _BATCH if self.canary.has_passed(db) else 1

    def _give_up(self, chunk: Chunk, todo: Sequence[Decision]) -> None:
        reason = (
            f"TigerTag crashed {chunk.attempts - 1} times while processing this chunk; scan again."
        )
        with self._store.write() as db:
            chunks.check(db, chunk)
            left = decisions.unanswered(db, chunk.scan_id, [each.item_id for each in todo])
            given_up = [
                _failed(each, reason, _settles(each, left.get(each.item_id, ()), failed=True))
                for each in todo
            ]
            decisions.write(db, chunk.scan_id, given_up)
            problems.note(db, self._context.scan, given_up)
            items.mark_current(db, [(each.item_id, each.settles) for each in given_up])

    def _settle(self, chunk: Chunk, todo: Sequence[Decision], run: RunContext) -> None:
        with self._store.read() as db:
            facts = self._facts(db, [decision.item_id for decision in todo])
        listed = [row.item for row in facts.rows.values()]
        shown = self._readings.take(listed)
        if run.cancelled():
            # What could not be read may have been cut short.
            return
        ready = self.verification.ready(chunk, todo, facts.rows, facts.unsettled, shown)
        if facts.unsettled and facts.undone:
            # What was lost over the edits that are undone may only be known since a moment ago.
            facts = replace(facts, undone=self._undone(list(facts.rows)))
        decided = [self._decide(item, facts, shown) for item in ready]
        made = self._recorded(chunk, decided)
        if made:
            for item_id, after_s in self._write_stage.send(chunk, made, run).items():
                self.verification.look_again(chunk, item_id, after_s)

    def _recorded(self, chunk: Chunk, decided: Sequence[Read | UnreadItem]) -> list[PlannedEdit]:
        """Record what was decided; an item of which a value cannot be kept fails alone."""
        try:
            return self._write_stage.record(chunk, decided)
        except Unstorable as exc:
            if len(decided) == 1:
                failed = _failed(decided[0].decision, str(exc))
                bare = replace(failed, tags=(), adds=(), removes=())
                return self._write_stage.record(chunk, [UnreadItem(decided[0].row, bare)])
        return [made for item in decided for made in self._recorded(chunk, [item])]

    def _facts(self, db: Db, item_ids: Sequence[int]) -> Facts:
        context, source = self._context, self._context.scan.source_id or 0
        rows = {row.id: row for row in items.get(db, item_ids)}
        scans = context.scan.kind == "scan"
        undoes = context.scan.kind in ("undo", "redo")
        return Facts(
            rows=rows,
            unproven=self._unproven(db, list(rows.values())),
            answers=self._answers(db, list(rows.values())) if not undoes else {},
            standings=ledger.ownership(db, item_ids),
            unsettled=ledger.unsettled(db, item_ids),
            unanswered=decisions.unanswered(db, context.scan.id, item_ids),
            source=decisions.of_items(db, source, item_ids) if source and not undoes else {},
            undone=ledger.made(db, source, item_ids) if undoes else {},
            origins=ledger.origins(db, item_ids) if undoes else {},
            parts=self._parts(db, list(rows.values())) if scans else {},
            verdicts=verdicts.in_force(db, item_ids) if not undoes else {},
            later=decisions.looked_at_later(db, context.scan.id, item_ids) if scans else (),
        )

    def _undone(self, item_ids: Sequence[int]) -> dict[int, list[EditRow]]:
        with self._store.read() as db:
            return ledger.made(db, self._context.scan.source_id or 0, item_ids)

    def _answers(self, db: Db, rows: Sequence[ItemRow]) -> dict[int, CurrentAnswers]:
        """The answers on each item; what an apply writes to a group stands on what is in it."""
        groups = [row for row in rows if row.item.media is Media.GROUP]
        inside: dict[str, list[int]] = {}
        if groups and self._context.scan.kind == "apply":
            keys = [row.item.key for row in groups]
            inside = items.parts(db, self._context.scan.section_id, keys)
        parts = items.get(db, list({item_id for ids in inside.values() for item_id in ids}))
        every = {row.id: row for row in (*rows, *parts)}
        revisions = {row.id: row.item.revision for row in every.values()}
        samplers = self._context.samplers(list(every.values()))
        given = answers.current(db, revisions, self._context.fingerprints, samplers)
        for group in groups:
            for item_id in inside.get(group.item.key, ()):
                given[group.id].now.extend(given[item_id].now)
        return given

    def _unproven(self, db: Db, rows: Sequence[ItemRow]) -> set[int]:
        own = self._context.section
        places = {row.item.section for row in rows} - {own.id}
        ids = {place: scans.find_section(db, own.library, place) for place in places}
        new = {place for place, id in ids.items() if not scans.canary_passed(db, id)}
        return {row.id for row in rows if row.item.section in new}

    def _parts(self, db: Db, rows: Sequence[ItemRow]) -> dict[str, list[Part]]:
        """What is decided of the items in each of the groups."""
        groups = [row.item.key for row in rows if row.item.media is Media.GROUP]
        if not groups:
            return {}
        inside = items.parts(db, self._context.scan.section_id, groups)
        everything = list({item_id for ids in inside.values() for item_id in ids})
        known = decisions.newest(db, everything)
        standings = ledger.ownership(db, everything)
        return {
            key: [_part(known.get(item_id), standings[item_id]) for item_id in ids]
            for key, ids in inside.items()
        }

    def _decide(
        self, todo: Decision, facts: Facts, shown: Mapping[str, Shown | NotRead]
    ) -> Read | UnreadItem:
        decided = self._read_and_decided(todo, facts, shown)
        decision = decided.decision
        if decision.state != "failed" or decision.settles or todo.item_id in facts.later:
            return decided
        settles = _settles(todo, facts.unanswered.get(todo.item_id, ()), failed=True)
        return replace(decided, decision=replace(decision, settles=settles))

    def _read_and_decided(
        self, todo: Decision, facts: Facts, shown: Mapping[str, Shown | NotRead]
    ) -> Read | UnreadItem:
        row = facts.rows[todo.item_id]
        seen = shown[row.item.key]
        reason = self._why_not(todo, row, seen, facts)
        if reason or isinstance(seen, NotRead):
            return UnreadItem(row, _failed(todo, reason))
        edits = facts.unsettled.get(row.id, ())
        unsettled = self.verification.settled(edits, seen)
        standing = _standing(facts.standings[row.id], unsettled, seen)
        left_alone = self._left_alone(seen, standing)
        if left_alone is not None:
            listed = self._context.scan.kind == "scan"
            settles = todo.settles or (self._context.settles if listed else "")
            alone = replace(todo, state="done", settles=settles, reason=left_alone)
            return Read(row, alone, Plan(Edit(row.item)), seen, unsettled, left_alone=True)
        if any(edit.before.rest != seen.rest for edit in unsettled):
            doubtful = _failed(todo, _UNSURE)
            return Read(row, doubtful, Plan(Edit(row.item)), seen, unsettled, left_alone=True)
        tags, plan = self._plan(row, facts, standing, seen)
        if len(unsettled) < len(edits):
            # What an open edit has changed so far is neither the user's doing nor the server's.
            plan = Plan(plan.edit)
        decided = _decision(todo, tags, plan, facts.unanswered.get(row.id, ()))
        if row.id in facts.later:
            # What is shown of it is the later scan's decision: the next one decides it again.
            decided = replace(decided, settles="")
        if self._context.scan.kind == "apply" and _lacks_places(decided, facts.source[row.id]):
            # They may be named again: the next scan decides.
            decided = replace(decided, settles="")
        if self._context.scan.write == "apply":
            decided = _with_earlier(decided, todo)
        own = [edit for edit in unsettled if edit.scan_id == self._context.scan.id]
        return Read(row, _with_recovered(decided, own, seen), plan, seen, unsettled)

    def _why_not(self, todo: Decision, row: ItemRow, seen: Shown | NotRead, facts: Facts) -> str:
        """Say why nothing can be decided of an item; "": it can be."""
        scan = self._context.scan
        if scan.kind == "apply" and row.item.section != self._context.section.id:
            # Other rules may hold there, and other engines may see it.
            return f"The item moved to another section. {_IF_MOVED}"
        if isinstance(seen, NotRead):
            return seen.reason if scan.kind == "scan" else f"{seen.reason} {_IF_MOVED}"
        if row.id in facts.unproven:
            return _ELSEWHERE
        if self._replaced(todo, row, seen):
            return "The item changed since it was analysed; nothing was written. Scan again."
        unsettled = facts.unsettled.get(row.id, ())
        if scan.write == "apply" and self.verification.has_given_up(unsettled, seen):
            return GIVEN_UP
        return ""

    def _left_alone(self, seen: Shown, standing: Mapping[Word, TagOwnership]) -> str | None:
        if self._context.scan.kind not in ("scan", "apply"):
            return None
        return reading.skip_reason(seen, standing, self._context.skip_tags)

    def _replaced(self, todo: Decision, row: ItemRow, seen: Shown) -> bool:
        """Whether the picture is another one than that for which the tags were decided."""
        if not todo.revision and self._context.scan.kind in ("undo", "redo"):
            return False
        return todo.revision != row.item.revision or seen.revision not in (None, todo.revision)

    def _plan(
        self, row: ItemRow, facts: Facts, standing: Mapping[Word, TagOwnership], seen: Shown
    ) -> tuple[tuple[Tag, ...], Plan]:
        context = self._context
        if context.scan.kind in ("undo", "redo"):
            return (), self._plan_undo(row, facts, standing, seen)
        said = _holding(facts.verdicts[row.id], row, standing)
        lifted: frozenset[Word] = frozenset()
        shown: frozenset[Word] | None = None
        if context.scan.kind == "apply":
            source = facts.source[row.id]
            placed = policy.still_placed(source.tags, self._adding(facts.answers[row.id]))
            allowed = policy.allowed(placed, context.rules, context.thresholds)
            tags = policy.heeding(allowed, said)
            lifted = frozenset(ref.word for ref in (*source.adds, *source.removes))
            shown = lifted if context.of_preview else lifted | {ref.word for ref in _refs(tags)}
        else:
            tags = policy.heeding(self._decided(row, facts, standing, seen), said)
        plan = policy.plan(
            row.item,
            _refs(tags),
            standing,
            seen,
            refreshed=_is_refreshed(row, seen),
            moved=row.is_moved,
            lifted=lifted,
            verdicts=said,
        )
        if not all(part.final for part in facts.parts.get(row.item.key, ())):
            # What is still to be answered may bear out the words that the group has.
            plan = replace(plan, edit=replace(plan.edit, removes=()))
        return tags, plan if shown is None else policy.at_most(plan, shown)

    def _plan_undo(
        self, row: ItemRow, facts: Facts, standing: Mapping[Word, TagOwnership], seen: Shown
    ) -> Plan:
        edits = reversed(facts.undone[row.id])
        return policy.plan_undo(
            row.item,
            [settled_as(edit, edit.after or seen) for edit in edits],
            standing,
            seen,
            refreshed=_is_refreshed(row, seen),
            moved=row.is_moved,
            origin=facts.origins.get(row.id),
        )

    def _decided(
        self, row: ItemRow, facts: Facts, standing: Mapping[Word, TagOwnership], seen: Shown
    ) -> tuple[Tag, ...]:
        """The tags that speak of this picture, and those of another one that are on it by us."""
        if row.item.media is Media.GROUP:
            inside = facts.parts[row.item.key]
            tags = policy.rolled_up([part.tags for part in inside if part.tags is not None])
            return _placed(tags, seen)
        given = facts.answers[row.id]
        decided = _placed(self._of_answers(given.every), seen)
        adding = self._adding(given)
        if adding == given.every:
            return decided
        ours = {ref.word for ref in seen.tags} & {
            word for word, state in standing.items() if state in _OURS
        }
        may_stay = ours | {ref.word for ref in _refs(_placed(self._of_answers(adding), seen))}
        return tuple(tag for tag in decided if tag.ref.word in may_stay)

    def _adding(self, given: CurrentAnswers) -> list[Answer]:
        """The answers that may add tags. Which places are private only a usable engine knows."""
        usable = self._context.engines
        return [
            answer if answer.engine in usable else answer.without(Kind.PLACE)
            for answer in given.now
        ]

    def _of_answers(self, given: Sequence[Answer]) -> tuple[Tag, ...]:
        context = self._context
        return policy.decide(given, context.rules, context.thresholds, context.concepts)


def _holding(
    given: Sequence[Verdict], row: ItemRow, standing: Mapping[Word, TagOwnership]
) -> list[Verdict]:
    """The verdicts that hold; a yes to another picture keeps a tag of ours, and adds none."""
    ours = {word for word, state in standing.items() if state in _OURS}
    return [
        verdict
        for verdict in given
        if not verdict.yes or verdict.revision == row.item.revision or verdict.ref.word in ours
    ]


def _is_refreshed(row: ItemRow, seen: Shown) -> bool:
    """Whether the server has rebuilt the item's metadata since it was read last."""
    return bool(row.refreshed and seen.refreshed) and row.refreshed != seen.refreshed


def _placed(tags: Iterable[Tag], seen: Shown) -> tuple[Tag, ...]:
    return tuple(replace(tag, field=seen.field_of(tag.kind)) for tag in tags)


def _part(decided: Decision | None, standing: Mapping[Word, TagOwnership]) -> Part:
    """What an item says of its group: nothing where it was left alone, or nobody has answered."""
    if decided is None or decided.state == "failed":
        return Part(None, final=False)
    if decided.reason:
        return Part(None)
    off = {
        word
        for (_field, word), state in standing.items()
        if state in (TagOwnership.TOMBSTONE, TagOwnership.HELD)
    }
    tags = tuple(tag for tag in decided.tags if tag.ref.word[1] not in off)
    return Part(tags, final=is_final(decided.settles))


def _refs(tags: Iterable[Tag]) -> list[TagRef]:
    return [tag.ref for tag in tags]


def _lacks_places(decided: Decision, source: Decision) -> bool:
    """Whether a place that a preview has shown is not written."""
    return any(tag.kind is Kind.PLACE and tag not in decided.tags for tag in source.tags)


def _standing(
    known: Mapping[Word, TagOwnership], unsettled: Iterable[EditRow], seen: Shown
) -> dict[Word, TagOwnership]:
    """How tags stand, the edits included that a crash left open."""
    standing: dict[Word, TagOwnership | None] = dict(known)
    for edit in unsettled:
        changes = ownership_of(edit, settled_as(edit, seen))
        standing |= {ref.word: state for ref, state in changes.items()}
    return {word: state for word, state in standing.items() if state is not None}


def _with_earlier(decision: Decision, todo: Decision) -> Decision:
    """Count to a decision what this scan did to the item before an engine answered late."""
    adds = tuple(ref for ref in todo.adds if ref not in decision.removes)
    removes = tuple(ref for ref in todo.removes if ref not in decision.adds)
    return replace(
        decision,
        adds=adds + tuple(ref for ref in decision.adds if ref not in todo.removes),
        removes=removes + tuple(ref for ref in decision.removes if ref not in todo.adds),
    )


def _with_recovered(decision: Decision, edits: Iterable[EditRow], seen: Shown) -> Decision:
    """Count to a decision what this scan had done before it was cut off."""
    for edit in edits:
        done = settled_as(edit, seen)
        decision = replace(
            decision, adds=done.added + decision.adds, removes=done.removed + decision.removes
        )
    return decision


def _failed(todo: Decision, reason: str, settles: str = "") -> Decision:
    return replace(todo, state="failed", settles=settles, reason=reason)


def _settles(todo: Decision, unanswered: Sequence[tuple[str, str]], *, failed: bool = False) -> str:
    """The mark of an item: that of a settled one, of one to be retried, or "" where more waits."""
    if any(state not in _FAILED for state, _reason in unanswered):
        return ""
    retried = failed or any(state == "retryable" for state, _reason in unanswered)
    return while_failed(todo.settles) if retried else todo.settles


def _decision(
    todo: Decision, tags: tuple[Tag, ...], plan: Plan, unanswered: Sequence[tuple[str, str]]
) -> Decision:
    """A decision, which is not the last word while an engine may still answer."""
    failed = [reason for state, reason in unanswered if state in _FAILED]
    return replace(
        todo,
        state="failed" if failed else "done",
        settles=_settles(todo, unanswered),
        tags=tags,
        adds=plan.edit.adds,
        removes=plan.edit.removes,
        reason=failed[0] if failed else "",
    )
