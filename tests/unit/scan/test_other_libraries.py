"""Scans of a library with groups, fields, tags that say no, and items that are new."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.colours import ColourEngine
from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.model import Field, Label, Rule, RuleAction, TagRef
from tigertag.services import rules
from tigertag.store import decisions

pytestmark = pytest.mark.slow


@pytest.fixture
def shelf(world: World) -> FakeLibrary:
    made = FakeLibrary()
    world.library = made
    return made


def test_an_item_that_bears_a_skip_tag_is_not_asked_about(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("ai-generated",)
    shelf.put("a", "red")
    shelf.put("b", "blue")
    shelf.tag("a", "AI-Generated")
    status = world.scan("apply")
    assert (world.engine.asked, status.left_alone, status.done) == (["blue"], 1, 2)
    assert shelf.names("a") == {"AI-Generated"}


def test_what_is_left_alone_says_why(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("ai-generated",)
    shelf.put("a", "red")
    shelf.tag("a", "ai-generated")
    scan_id = world.scan().scan.id
    with world.store.read() as db:
        ((_id, decision),) = decisions.of_scan(db, scan_id)
    assert "has the tag ai-generated of SKIP_TAGS" in decision.reason


def test_tags_of_ours_stay_on_an_item_that_is_left_alone(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("ai-generated",)
    shelf.put("a", "red")
    world.scan("apply")
    shelf.tag("a", "ai-generated")
    rules.add(world.core, Rule(RuleAction.DENY, "red"))
    world.scan("apply")
    assert shelf.names("a") == {"red", "ai-generated"}


def test_it_is_asked_about_when_the_skip_tag_is_gone(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("ai-generated",)
    shelf.put("a", "red")
    shelf.tag("a", "ai-generated")
    world.scan("apply")
    assert world.scan("apply").scan.unchanged == 1
    shelf.untag("a")
    world.scan("apply")
    assert shelf.names("a") == {"red"}


def test_a_tag_that_tigertag_wrote_is_no_skip_tag(world: World, shelf: FakeLibrary) -> None:
    world.skip_tags = ("red",)
    shelf.put("a", "red")
    world.scan("apply")
    world.scan("apply", mode="force")
    assert (world.engine.asked, shelf.names("a")) == (["red", "red"], {"red"})


def test_no_paid_engine_is_asked_about_an_item_that_cannot_be_read(
    world: World, shelf: FakeLibrary
) -> None:
    world.skip_tags = ("ai-generated",)
    dear = ColourEngine("dear", local=False, units=1)
    world.engines = [dear]
    shelf.put("a", "red")
    scan_id = world.start()
    world.run_listing(scan_id)
    del shelf.held["a"]
    assert (world.run(scan_id).failed, dear.asked) == (1, [])


def test_tags_go_where_the_item_takes_them(world: World, shelf: FakeLibrary) -> None:
    shelf.put("a", "red")
    shelf.takes["a"] = Field.LABEL
    world.scan("apply")
    assert shelf.tags["a"] == [TagRef(Field.LABEL, "red")]


def test_another_field_moves_our_tags_there_and_leaves_the_users(
    world: World, shelf: FakeLibrary
) -> None:
    shelf.put("a", "red")
    shelf.tag("a", "mine")
    world.scan("apply")
    shelf.field = Field.GENRE
    world.scan("apply")
    assert shelf.tags["a"] == [TagRef(Field.TAG, "mine"), TagRef(Field.GENRE, "red")]
    assert world.engine.asked == ["red"]


def test_a_scan_of_what_is_new_lists_no_more_than_that(world: World, shelf: FakeLibrary) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    shelf.put("old", "red")
    shelf.added["old"] = long_ago
    world.scan("apply")
    shelf.listed.clear()
    shelf.put("new", "blue")
    status = world.scan("apply", mode="new")
    assert (shelf.listed, status.done, shelf.names("new")) == (["new"], 1, {"blue"})


def test_what_a_scan_of_the_new_does_not_show_is_not_gone(world: World, shelf: FakeLibrary) -> None:
    shelf.put("old", "red")
    shelf.added["old"] = datetime.now(UTC) - timedelta(days=400)
    world.scan("apply")
    world.scan("apply", mode="new")
    assert world.scan("apply").scan.unchanged == 1


def test_a_first_scan_of_what_is_new_lists_everything(world: World, shelf: FakeLibrary) -> None:
    shelf.put("old", "red")
    shelf.added["old"] = datetime.now(UTC) - timedelta(days=400)
    assert world.scan("apply", mode="new").done == 1


def season(shelf: FakeLibrary, *colours: str) -> None:
    shelf.group("season", "show")
    shelf.group("show")
    for number, colour in enumerate(colours):
        shelf.put(f"e{number}", colour, "season", "show")


def test_a_word_on_half_of_the_episodes_goes_up(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red", "red", "blue", "green")
    world.scan("apply")
    assert (shelf.names("season"), shelf.names("show")) == ({"red"}, {"red"})


def test_no_engine_is_asked_about_a_group(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red")
    world.scan("apply")
    assert world.engine.asked == ["red"]


def test_an_unchanged_group_is_not_read_again(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red", "red")
    world.scan("apply")
    shelf.reads = 0
    assert (world.scan("apply").scan.unchanged, shelf.reads) == (4, 0)


def test_a_new_episode_lets_its_groups_be_decided_anew(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red")
    world.scan("apply")
    for number in (1, 2):
        shelf.put(f"e{number}", "blue", "season", "show")
    world.scan("apply")
    assert (shelf.names("season"), shelf.names("show")) == ({"blue"}, {"blue"})


def test_a_group_waits_for_what_is_in_it(world: World, shelf: FakeLibrary) -> None:
    season(shelf, *["red"] * 40)
    world.scan("apply")
    assert shelf.names("season") == {"red"}


def test_tags_that_went_up_are_undone_with_the_rest(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red")
    scan_id = world.scan("apply").scan.id
    world.undo(scan_id)
    assert not any(shelf.names(key) for key in shelf.held)


def test_a_preview_of_groups_is_applied_as_it_was_shown(world: World, shelf: FakeLibrary) -> None:
    season(shelf, "red")
    world.apply(world.scan().scan.id)
    assert shelf.names("show") == {"red"}


@pytest.fixture
def show(world: World, shelf: FakeLibrary) -> FakeLibrary:
    """A show whose tags were written, and of which the user took one off since."""
    world.engine.extra = (Label("snow", 0.9),)
    shelf.group("7", file="plex://show/1", title="Show")
    shelf.put("a", "red", "7")
    world.scan("apply")
    shelf.tags["7"] = [tag for tag in shelf.tags["7"] if tag.name != "snow"]
    shelf._touch("7")
    assert shelf.names("7") == {"red"}
    return shelf


def new_key(shelf: FakeLibrary, *, file: str) -> None:
    """Let the server forget the show and take it up anew, as after a new scan of its folder."""
    shelf.take("7", "a")
    shelf.group("9", file=file, title="Show")
    shelf.put("b", "red", "9")


def test_what_the_user_took_off_a_show_stays_off_under_its_new_key(
    world: World, show: FakeLibrary
) -> None:
    world.scan("apply")
    new_key(show, file="plex://show/1")
    world.scan("apply")
    assert show.names("9") == {"red"}


@pytest.mark.parametrize("file", ["plex://show/2", ""])
def test_a_show_of_the_same_title_is_another_one(
    world: World, show: FakeLibrary, file: str
) -> None:
    world.scan("apply")
    new_key(show, file=file)
    world.scan("apply")
    assert show.names("9") == {"red", "snow"}


def test_a_show_that_is_there_twice_is_no_move(world: World, show: FakeLibrary) -> None:
    world.scan("apply")
    show.group("9", file="plex://show/1", title="Show")
    show.put("b", "red", "9")
    world.scan("apply")
    assert (show.names("7"), show.names("9")) == ({"red"}, {"red", "snow"})
