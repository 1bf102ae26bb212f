"""Tags, what stands, and what the library shows → edits.

TigerTag removes only what stands as its own, and never adds what the user took off.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tigertag.model import Edit, Field, Item, Shown, TagOwnership, TagRef, Verdict, Word

_WRITTEN = (TagOwnership.OURS, TagOwnership.KEPT)


@dataclass(frozen=True, slots=True)
class Plan:
    """An edit, and what the reading taught.

    That is words the user took off, words to be forgotten, and words that are gone already and
    that an undo holds off. `returned`: those of its adds that are the owner's, not TigerTag's.
    """

    edit: Edit
    tombstones: frozenset[Word] = field(default_factory=frozenset)
    forgotten: frozenset[Word] = field(default_factory=frozenset)
    held: frozenset[Word] = field(default_factory=frozenset)
    returned: tuple[TagRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an edit: adds that are ours now, removes that are gone, and is it whole?

    `lost`: tags of the owner's that went while it was made.
    """

    added: tuple[TagRef, ...]
    removed: tuple[TagRef, ...]
    complete: bool
    lost: tuple[TagRef, ...] = ()


def plan(
    item: Item,
    wanted: Iterable[TagRef],
    standing: Mapping[Word, TagOwnership],
    shown: Shown,
    *,
    refreshed: bool = False,
    moved: bool = False,
    lifted: frozenset[Word] = frozenset(),
    verdicts: Collection[Verdict] = (),
) -> Plan:
    """Return the least edit that makes the item bear `wanted`.

    `refreshed`: the server has rebuilt the item's metadata since we wrote, so that the loss of all
    our tags is not the user's doing. `moved`: it came to another place and left its tags behind, so
    that no loss is. `lifted`: words that an undo holds off, or keeps, and that the
    user has now asked for again. What stays off stays off in every field. `verdicts`: those in
    force; `wanted` heeds them already. A yes asks again for what is off; a no takes off what was
    kept, and bars its word from every field that has no yes.
    """
    present, there = _once(shown.tags), {ref.word for ref in shown.tags}
    want = {ref.word: ref for ref in wanted}
    taken_off, wiped = _lost(standing, there, refreshed=refreshed, moved=moved)
    asked_again = {name for _field, name in lifted}
    yes = {verdict.ref.word for verdict in verdicts if verdict.yes}
    no = {verdict.ref.word for verdict in verdicts if not verdict.yes}
    held = {
        (field, name)
        for (field, name), state in standing.items()
        if state is TagOwnership.HELD and name not in asked_again
    }
    barred = {name for _field, name in buried(standing) | held | no}
    off_now = {name for _field, name in taken_off}
    removable = {
        word
        for word, state in standing.items()
        if state is TagOwnership.OURS or (state is TagOwnership.KEPT and word in lifted | no)
    }
    adds = tuple(
        ref
        for word, ref in want.items()
        if word not in there and word[1] not in off_now and (word in yes or word[1] not in barred)
    )
    removes = tuple(ref for word, ref in present.items() if word in removable and word not in want)
    return Plan(Edit(item, adds, removes), taken_off, wiped)


def _once(tags: Sequence[TagRef]) -> dict[Word, TagRef]:
    """The tags by word; of a word in two spellings nobody knows which is ours: it is left out."""
    counts = Counter(ref.word for ref in tags)
    return {ref.word: ref for ref in tags if counts[ref.word] == 1}


def at_most(planned: Plan, words: Collection[Word]) -> Plan:
    """The plan, but for edits of other words than these: what a preview did not show."""
    edit = planned.edit
    adds = tuple(ref for ref in edit.adds if ref.word in words)
    removes = tuple(ref for ref in edit.removes if ref.word in words)
    return replace(planned, edit=replace(edit, adds=adds, removes=removes))


def _lost(
    standing: Mapping[Word, TagOwnership],
    present: Collection[Word],
    *,
    refreshed: bool,
    moved: bool,
) -> tuple[frozenset[Word], frozenset[Word]]:
    """Return (taken off by the user, wiped by the server): tags of ours that are not there."""
    ours = {word for word, state in standing.items() if state in _WRITTEN}
    lost = frozenset(ours.difference(present))
    wiped = moved or (refreshed and lost == ours)
    return (frozenset(), lost) if wiped else (lost, frozenset())


def buried(standing: Mapping[Word, TagOwnership]) -> set[Word]:
    """Return the words that the user took off."""
    return {word for word, state in standing.items() if state is TagOwnership.TOMBSTONE}


def plan_undo(
    item: Item,
    done: Iterable[Settled],
    standing: Mapping[Word, TagOwnership],
    shown: Shown,
    *,
    refreshed: bool = False,
    moved: bool = False,
    origin: Shown | None = None,
) -> Plan:
    """Return the inverse of what still stands of edits (`done`, the newest first).

    What the user did since is left alone. `origin`: what was shown when nothing of ours was on the
    item last; the locks of a field come back when it holds no tag that it did not have then.
    """
    present, there = _once(shown.tags), {ref.word for ref in shown.tags}
    taken_off, wiped = _lost(standing, there, refreshed=refreshed, moved=moved)
    barred = buried(standing) | taken_off
    adds: dict[Word, TagRef] = {}
    removes: dict[Word, TagRef] = {}
    held: set[Word] = set()
    returned: dict[Word, TagRef] = {}
    for settled in done:
        held |= {ref.word for ref in settled.added} & wiped
        for ref in settled.added:
            if ref.word in present and standing.get(ref.word) in _WRITTEN:
                removes[ref.word] = present[ref.word]
        for ref in settled.removed:
            if ref.word not in present and ref.word not in barred:
                adds[ref.word] = ref
        returned |= {ref.word: ref for ref in settled.lost if ref.word not in there}
    adds |= returned
    left = (there - removes.keys()) | adds.keys()
    locked = None if origin is None else _locks(shown, origin, adds, removes, left)
    edit = Edit(item, tuple(adds.values()), tuple(removes.values()), locked)
    return Plan(edit, taken_off, wiped - held, frozenset(held), tuple(returned.values()))


def _locks(
    shown: Shown,
    origin: Shown,
    adds: Collection[Word],
    removes: Collection[Word],
    left: Collection[Word],
) -> frozenset[Field] | None:
    """The locks to leave behind: of a field that has nothing of ours any more, those it had.

    None where no field is such a one.
    """
    had = {ref.word for ref in origin.tags}
    ours = {field for field, name in left if (field, name) not in had}
    back = {field for field, _name in removes} - ours
    if not back:
        return None
    kept = (shown.locked | {field for field, _name in adds}) - back
    return frozenset(kept | (origin.locked & back))


def settle(
    adds: Sequence[TagRef], removes: Sequence[TagRef], *, before: Shown, after: Shown
) -> Settled:
    """Tell from two readings what an edit did, whoever crashed in between.

    Planned, absent before, present now: ours.
    """
    had = {ref.word for ref in before.tags}
    has = {ref.word: ref for ref in after.tags}
    added = tuple(has[ref.word] for ref in adds if ref.word not in had and ref.word in has)
    removed = tuple(ref for ref in removes if ref.word not in has)
    complete = all(ref.word in has for ref in adds) and len(removed) == len(removes)
    return Settled(added, removed, complete)
