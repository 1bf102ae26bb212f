"""Verdicts of the user in scans."""

from tests.world import World
from tigertag.model import Field, Rule, RuleAction, TagRef
from tigertag.store import schema, verdicts
from tigertag.store.verdicts import NewVerdict


def say(world: World, name: str, word: str, *, yes: bool) -> None:
    with world.store.write() as db:
        put(world, db, name, word, yes=yes)


def put(world: World, db, name: str, word: str, *, yes: bool) -> None:  # type: ignore[no-untyped-def]
    verdicts.put(db, [NewVerdict(item_id(db, name), TagRef(Field.TAG, word), yes)])


def item_id(db, name: str) -> int:  # type: ignore[no-untyped-def]
    items = schema.items
    return int(db.scalar(items.select().where(items.c.key == name).with_only_columns(items.c.id)))


def test_a_no_takes_the_tag_off_and_asks_no_engine(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    (word,) = world.tags("a.png")
    asked = len(world.engine.asked)
    say(world, "a.png", word, yes=False)
    world.scan("apply")
    assert world.tags("a.png") == set()
    assert len(world.engine.asked) == asked


def test_a_yes_beats_a_deny_rule_and_is_explained(world: World) -> None:
    world.picture("a.png", "red")
    world.rules = (Rule(RuleAction.DENY, "holiday"),)
    world.scan("apply")
    say(world, "a.png", "holiday", yes=True)
    world.scan("apply")
    assert "holiday" in world.tags("a.png")


def test_a_tag_that_is_taken_off_after_a_yes_stays_off(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    say(world, "a.png", "holiday", yes=True)
    world.scan("apply")
    world.set_tags("a.png", remove=["holiday"])
    for _ in range(2):
        world.scan("apply", mode="decide")
    assert "holiday" not in world.tags("a.png")


def test_a_yes_asks_again_for_what_the_user_had_taken_off(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    (word,) = world.tags("a.png")
    world.set_tags("a.png", remove=[word])
    world.scan("apply", mode="decide")
    say(world, "a.png", word, yes=True)
    world.scan("apply")
    assert world.tags("a.png") == {word}


def test_what_an_undo_takes_off_stays_off_despite_an_earlier_yes(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    say(world, "a.png", "holiday", yes=True)
    written = world.scan("apply")
    world.undo(written.scan.id)
    world.scan("apply", mode="decide")
    assert "holiday" not in world.tags("a.png")


def test_a_no_after_a_preview_is_not_written_by_its_apply(world: World) -> None:
    world.picture("a.png", "red")
    previewed = world.scan()
    (word,) = {ref.name for ref in _adds(world, previewed.scan.id)}
    say(world, "a.png", word, yes=False)
    world.apply(previewed.scan.id)
    assert world.tags("a.png") == set()


def _adds(world: World, scan_id: int) -> list[TagRef]:
    from tigertag.store import decisions

    with world.store.read() as db:
        return [ref for _id, one in decisions.of_scan(db, scan_id) for ref in one.adds]


def test_a_verdict_moves_with_its_item(world: World) -> None:
    path = world.picture("a.png", "red")
    world.scan()
    say(world, "a.png", "holiday", yes=True)
    path.rename(path.with_name("b.png"))
    world.scan("apply")
    assert "holiday" in world.tags("b.png")


def test_a_yes_to_another_picture_adds_nothing(world: World) -> None:
    world.picture("a.png", "red")
    world.scan()
    say(world, "a.png", "holiday", yes=True)
    world.picture("a.png", "blue", side_px=20)
    world.scan("apply")
    assert "holiday" not in world.tags("a.png")


def test_a_verdict_that_is_withdrawn_is_as_if_never_given(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    (word,) = world.tags("a.png")
    say(world, "a.png", word, yes=False)
    world.scan("apply")
    with world.store.write() as db:
        assert verdicts.withdraw(db, item_id(db, "a.png"), [TagRef(Field.TAG, word)]) == 1
    world.scan("apply")
    assert world.tags("a.png") == {word}


def test_verdicts_are_counted_by_word_and_engine(world: World) -> None:
    world.picture("a.png", "red")
    world.picture("b.png", "red")
    world.scan()
    with world.store.write() as db:
        for name, yes in (("a.png", True), ("b.png", False)):
            ref = TagRef(Field.TAG, "Red")
            new = NewVerdict(item_id(db, name), ref, yes, "review", "colours", 0.8, "f")
            verdicts.put(db, [new])
        (one,) = verdicts.counts(db)
    assert (one.word, one.engine, one.yes, one.no) == ("red", "colours", 1, 1)
