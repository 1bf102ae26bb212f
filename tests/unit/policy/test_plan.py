"""Tags, what stands, and what is shown → edits."""

from hypothesis import given
from hypothesis import strategies as st

from tigertag.model import Edit, Field, Item, Shown, TagOwnership, TagRef
from tigertag.policy import Plan, Settled, plan, plan_undo, settle

ITEM = Item("photos", ".", "a.jpg", "1")
WORDS = ("cat", "dog", "cup", "sea")
Word = tuple[Field, str]


def ref(name: str) -> TagRef:
    return TagRef(Field.TAG, name)


def refs(*names: str) -> list[TagRef]:
    return [ref(name) for name in names]


def shown(*names: str) -> Shown:
    return Shown("a.jpg", tuple(refs(*names)))


def stands(**words: TagOwnership) -> dict[Word, TagOwnership]:
    return {ref(word).word: state for word, state in words.items()}


def names(some: tuple[TagRef, ...]) -> list[str]:
    return [one.name for one in some]


def test_it_never_adds_what_the_user_took_off() -> None:
    planned = plan(ITEM, refs("cat"), stands(cat=TagOwnership.OURS), shown())
    assert not planned.edit
    assert planned.tombstones == {ref("cat").word}


def test_a_tombstone_bars_its_word_also_when_it_is_asked_for_again() -> None:
    buried = stands(cat=TagOwnership.TOMBSTONE)
    assert not plan(ITEM, refs("Cat"), buried, shown(), lifted=frozenset(buried)).edit


def test_it_leaves_the_users_own_tags_alone() -> None:
    assert not plan(ITEM, refs("cat"), {}, shown("Cat", "holiday")).edit


def test_it_removes_its_own_tag_by_the_spelling_that_the_server_shows() -> None:
    planned = plan(ITEM, [], stands(cat=TagOwnership.OURS), shown("Cat"))
    assert names(planned.edit.removes) == ["Cat"]


def test_one_word_from_two_tags_is_added_once() -> None:
    assert names(plan(ITEM, refs("rose", "Rose"), {}, shown()).edit.adds) == ["Rose"]


def test_what_a_server_wiped_in_refreshing_is_put_back() -> None:
    planned = plan(ITEM, refs("cat"), stands(cat=TagOwnership.OURS), shown("own"), refreshed=True)
    assert names(planned.edit.adds) == ["cat"]
    assert not planned.tombstones


def test_a_single_tag_lost_in_a_refresh_is_the_users_doing() -> None:
    ours = stands(cat=TagOwnership.OURS, sea=TagOwnership.OURS)
    planned = plan(ITEM, refs("cat", "sea"), ours, shown("sea"), refreshed=True)
    assert planned.tombstones == {ref("cat").word}


def test_what_an_undo_holds_off_stays_off_until_it_is_applied_again() -> None:
    held = stands(cat=TagOwnership.HELD)
    assert not plan(ITEM, refs("cat"), held, shown()).edit
    assert plan(ITEM, refs("cat"), held, shown(), lifted=frozenset(held)).edit


def test_what_an_undo_put_back_is_not_removed_again() -> None:
    assert not plan(ITEM, [], stands(cat=TagOwnership.KEPT), shown("cat")).edit


def test_an_undo_leaves_what_the_user_did_since() -> None:
    done = Settled(tuple(refs("cat", "dog")), (), complete=True)
    standing = stands(cat=TagOwnership.OURS, dog=TagOwnership.OURS)
    planned = plan_undo(ITEM, [done], standing, shown("Cat", "own"))
    assert names(planned.edit.removes) == ["Cat"]


def test_an_undo_puts_back_what_was_removed() -> None:
    done = Settled((), tuple(refs("sea")), complete=True)
    assert names(plan_undo(ITEM, [done], {}, shown()).edit.adds) == ["sea"]


def test_an_undo_brings_no_tombstone_back() -> None:
    done = Settled((), tuple(refs("sea")), complete=True)
    assert not plan_undo(ITEM, [done], stands(sea=TagOwnership.TOMBSTONE), shown()).edit


def test_an_undo_brings_nothing_back_that_the_user_took_off_meanwhile() -> None:
    done = Settled((), tuple(refs("sea")), complete=True)
    planned = plan_undo(ITEM, [done], stands(sea=TagOwnership.OURS), shown())
    assert not planned.edit
    assert planned.tombstones == {ref("sea").word}


def test_an_undo_gives_back_the_locks_that_were_there() -> None:
    done = Settled(tuple(refs("cat")), (), complete=True)
    planned = plan_undo(ITEM, [done], stands(cat=TagOwnership.OURS), shown("cat"), origin=shown())
    assert planned.edit.locked == frozenset()


def test_absent_before_and_present_now_is_ours_whatever_crashed() -> None:
    done = settle(refs("cat", "own"), [], before=shown("own"), after=shown("Cat", "own"))
    assert names(done.added) == ["Cat"]


def test_an_edit_that_was_not_taken_is_not_complete() -> None:
    done = settle(refs("cat"), refs("dog"), before=shown("dog"), after=shown("dog"))
    assert done == Settled((), (), complete=False)


TAGS = st.frozensets(st.sampled_from(WORDS))
STANDINGS = st.dictionaries(
    st.sampled_from([ref(word).word for word in WORDS]), st.sampled_from(TagOwnership)
)


def after(planned: Plan, before: Shown) -> Shown:
    gone = {one.word for one in planned.edit.removes}
    left = tuple(one for one in before.tags if one.word not in gone)
    return Shown(before.key, left + planned.edit.adds)


def ownership_after(planned: Plan, standing: dict[Word, TagOwnership]) -> dict[Word, TagOwnership]:
    now = dict(standing)
    now |= dict.fromkeys(planned.tombstones, TagOwnership.TOMBSTONE)
    for word in [*planned.forgotten, *(one.word for one in planned.edit.removes)]:
        now.pop(word, None)
    return now | {one.word: TagOwnership.OURS for one in planned.edit.adds}


@given(TAGS, STANDINGS, TAGS, st.booleans())
def test_it_never_removes_what_is_not_ours(
    wanted: frozenset[str], standing: dict[Word, TagOwnership], there: frozenset[str], wiped: bool
) -> None:
    planned = plan(ITEM, refs(*wanted), standing, shown(*there), refreshed=wiped)
    assert all(standing[one.word] is TagOwnership.OURS for one in planned.edit.removes)


@given(TAGS, STANDINGS, TAGS, st.booleans())
def test_it_never_brings_a_tombstone_back(
    wanted: frozenset[str], standing: dict[Word, TagOwnership], there: frozenset[str], wiped: bool
) -> None:
    planned = plan(ITEM, refs(*wanted), standing, shown(*there), refreshed=wiped)
    buried = {word for word, state in standing.items() if state is TagOwnership.TOMBSTONE}
    assert not buried & {one.word for one in planned.edit.adds}
    assert not planned.tombstones & {one.word for one in planned.edit.adds}


@given(TAGS, STANDINGS, TAGS)
def test_applying_twice_equals_applying_once(
    wanted: frozenset[str], standing: dict[Word, TagOwnership], there: frozenset[str]
) -> None:
    once = plan(ITEM, refs(*wanted), standing, shown(*there))
    shown_then, stands_then = after(once, shown(*there)), ownership_after(once, standing)
    twice = plan(ITEM, refs(*wanted), stands_then, shown_then)
    assert twice == Plan(Edit(ITEM))


@given(TAGS, TAGS)
def test_an_undo_gives_back_exactly_what_was_there(
    wanted: frozenset[str], there: frozenset[str]
) -> None:
    done = plan(ITEM, refs(*wanted), {}, shown(*there))
    then = after(done, shown(*there))
    settled = settle(done.edit.adds, done.edit.removes, before=shown(*there), after=then)
    undone = plan_undo(ITEM, [settled], ownership_after(done, {}), then)
    assert {one.word for one in after(undone, then).tags} == {ref(one).word for one in there}
