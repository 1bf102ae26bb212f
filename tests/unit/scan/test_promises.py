"""What a library must never suffer: proofs that a reviewer once brought."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import EditOutcome, Failed
from tigertag.errors import LibraryError
from tigertag.model import Edit, Field, Label, Rule, RuleAction, TagRef
from tigertag.scan.decide import DecisionStage
from tigertag.services import rules, scans
from tigertag.store import ledger, schema
from tigertag.store import scans as scan_rows

pytestmark = pytest.mark.slow

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def shelf(world: World) -> FakeLibrary:
    made = FakeLibrary()
    world.library = made
    return made


def season(shelf: FakeLibrary, *colours: str) -> None:
    shelf.group("season", "show")
    shelf.group("show")
    for number, colour in enumerate(colours):
        shelf.put(f"e{number}", colour, "season", "show")


def canary_passed(world: World) -> bool:
    with world.store.read() as db:
        return scan_rows.canary_passed(db, scan_rows.find_section(db, "photos", "1"))


class Deaf(FakeLibrary):
    """Takes no edit, and says nothing of it."""

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            yield EditOutcome(edit.item.key, self._shown(edit.item.key))


class Replacing(FakeLibrary):
    """Sets the tags that it is given, and drops all others."""

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            self.tags[edit.item.key] = list(edit.adds)
            yield EditOutcome(edit.item.key, self._shown(edit.item.key))


def test_another_server_under_the_same_name_is_not_touched(
    world: World, shelf: FakeLibrary
) -> None:
    shelf.identity = "old server"
    shelf.put("a", "red")
    world.scan("apply")
    shelf.identity = "new server"
    shelf.put("a", "blue")
    shelf.tags["a"] = [TagRef(Field.TAG, "Red")]
    with pytest.raises(LibraryError, match="another server now"):
        world.scan("apply")
    assert shelf.names("a") == {"Red"}


def test_an_undo_on_another_server_is_refused(world: World, shelf: FakeLibrary) -> None:
    shelf.identity = "old server"
    shelf.put("a", "red")
    scan_id = world.scan("apply").scan.id
    shelf.identity = "new server"
    with pytest.raises(LibraryError, match="another server now"):
        world.undo(scan_id)
    assert shelf.names("a") == {"red"}


def test_the_first_write_is_no_proof_when_it_was_not_taken(world: World) -> None:
    shelf = world.library = Deaf()
    shelf.put("a", "red")
    assert world.scan("apply").failed == 1
    assert not canary_passed(world)


def test_the_first_write_shows_that_a_users_tags_are_lost(world: World) -> None:
    shelf = world.library = Replacing()
    for key in ("a", "b"):
        shelf.put(key, "red")
        shelf.tag(key, "mine")
    with pytest.raises(LibraryError, match="changed more than its tags"):
        world.scan("apply")
    assert sorted(shelf.names("a") | shelf.names("b")) == ["mine", "red"]
    assert sum(shelf.names(key) == {"mine"} for key in "ab") == 1


def test_a_users_tag_that_is_lost_later_fails_that_item(world: World) -> None:
    shelf = world.library = FakeLibrary()
    shelf.put("a", "red")
    world.scan("apply")
    replacing = world.library = Replacing()
    replacing.put("b", "red")
    replacing.tag("b", "mine")
    status = world.scan("apply")
    assert "not written by TigerTag disappeared" in status.failures[0][1]


def test_what_was_cut_off_and_changed_since_is_told(world: World, shelf: FakeLibrary) -> None:
    shelf.put("a", "red")
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    with world.store.write() as db:
        edit = Edit(shelf.held["a"], (TagRef(Field.TAG, "red"),))
        before = replace(shelf._shown("a"), rest="as it was")
        ledger.plan(db, scan_id, [(1, edit, before)])
    assert "The last write to this item may have failed" in world.run(scan_id).failures[0][1]


@pytest.mark.parametrize("read_first", [True, False])
def test_what_the_user_took_off_stays_off_in_every_field(
    world: World, shelf: FakeLibrary, read_first: bool
) -> None:
    shelf.put("a", "red")
    shelf.field = Field.LABEL
    world.scan("apply")
    shelf.untag("a")
    if read_first:
        world.scan("apply")
    shelf.field = Field.GENRE
    world.scan("apply")
    assert shelf.names("a") == set()


def test_what_was_undone_stays_off_in_every_field(world: World, shelf: FakeLibrary) -> None:
    shelf.put("a", "red")
    shelf.field = Field.LABEL
    world.undo(world.scan("apply").scan.id)
    shelf.field = Field.GENRE
    world.scan("apply")
    assert shelf.names("a") == set()


def test_a_word_in_two_spellings_is_left_to_the_user(world: World, shelf: FakeLibrary) -> None:
    world.engine.extra = (Label("straße", 0.9),)
    shelf.put("a", "red")
    world.scan("apply")
    shelf.tag("a", "Strasse")
    rules.add(world.core, Rule(RuleAction.DENY, "straße"))
    world.scan("apply")
    assert "Strasse" in shelf.names("a")


def test_applying_honours_a_skip_tag_that_was_put_on_since(
    world: World, shelf: FakeLibrary
) -> None:
    world.skip_tags = ("ai-generated",)
    shelf.put("a", "red")
    scan_id = world.scan().scan.id
    shelf.tag("a", "ai-generated")
    world.apply(scan_id)
    assert shelf.names("a") == {"ai-generated"}


def test_what_is_left_alone_keeps_its_place_among_the_tags(
    world: World, shelf: FakeLibrary
) -> None:
    shelf.put("a", "red")
    world.scan("apply")
    world.skip_tags = ("mine",)
    shelf.tag("a", "mine")
    world.scan("apply")
    with world.store.read() as db:
        assert len(db.execute(schema.tags.select()).all()) == 1


def test_unanswered_episodes_take_no_word_off_their_season(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red")
    world.scan("apply")
    for number in (1, 2):
        shelf.put(f"e{number}", "blue", "season", "show")
    world.engine.fails["blue"] = Failed("", "busy", retryable=True)
    world.scan("apply")
    assert (shelf.names("season"), shelf.names("show")) == ({"red"}, {"red"})


def test_episodes_that_are_left_alone_take_no_word_off_their_season(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red", "red", "red")
    world.scan("apply")
    world.skip_tags = ("mine",)
    for number in (0, 1):
        shelf.tag(f"e{number}", "mine")
    world.scan("apply")
    assert shelf.names("season") == {"red"}


def test_words_that_users_took_off_their_episodes_do_not_go_up(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red", "red")
    world.scan("apply")
    for key in ("e0", "e1"):
        shelf.untag(key)
    world.scan("apply")
    assert shelf.names("season") == set()


def test_a_removed_episode_lets_its_groups_be_decided_anew(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red", "blue", "blue")
    world.scan("apply")
    del shelf.held["e1"], shelf.held["e2"]
    world.scan("apply")
    assert shelf.names("season") == {"red"}


def test_groups_are_decided_after_a_scan_that_was_cancelled(
    world: World, shelf: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    season(shelf, "red")
    world.scan("apply")
    for number in (1, 2):
        shelf.put(f"e{number}", "blue", "season", "show")
    scan_id = world.start("apply")
    settle = DecisionStage.run

    def cancelling(self: DecisionStage, chunk: object, run: object) -> bool:
        if chunk.kind == "groups":  # type: ignore[attr-defined]
            scans.cancel(world.core, scan_id)
            return False
        return settle(self, chunk, run)  # type: ignore[arg-type]

    monkeypatch.setattr(DecisionStage, "run", cancelling)
    world.run(scan_id)
    monkeypatch.undo()
    world.scan("apply")
    assert (shelf.names("e1"), shelf.names("season")) == ({"blue"}, {"blue"})


def test_a_word_that_was_denied_since_does_not_go_up_by_a_preview(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red")
    scan_id = world.scan().scan.id
    rules.add(world.core, Rule(RuleAction.DENY, "red", engine="colour"))
    world.apply(scan_id)
    assert (shelf.names("e0"), shelf.names("season")) == (set(), set())


def test_a_scan_of_what_is_new_does_what_a_preview_left(world: World, shelf: FakeLibrary) -> None:
    shelf.put("a", "red")
    shelf.added["a"] = LONG_AGO
    world.scan()
    world.scan("apply", mode="new")
    assert shelf.names("a") == {"red"}


def test_a_scan_of_what_is_new_does_what_an_outage_left(world: World, shelf: FakeLibrary) -> None:
    shelf.put("a", "red")
    shelf.added["a"] = LONG_AGO
    world.engine.fails["red"] = Failed("", "busy", retryable=True)
    world.scan("apply")
    world.engine.fails.clear()
    world.scan("apply", mode="new")
    assert shelf.names("a") == {"red"}


def test_a_scan_of_what_is_new_leaves_groups_to_one_that_sees_them_whole(
    world: World, shelf: FakeLibrary
) -> None:
    season(shelf, "red")
    world.scan("apply", mode="new")
    assert (shelf.names("e0"), shelf.names("season")) == ({"red"}, set())
    world.scan("apply")
    assert shelf.names("season") == {"red"}
