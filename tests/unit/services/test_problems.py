"""What fails stays a problem until it is solved, the item changes or goes, or it is ignored."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from tests.colours import ColourEngine
from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import EditOutcome, Failed, NotRead
from tigertag.errors import NotFound
from tigertag.model import Edit, Item
from tigertag.services import browsing, libraries, problems, scan_status

pytestmark = pytest.mark.slow

TORN = Failed("", "It is torn.", retryable=False)
BUSY = Failed("", "It was busy.", retryable=True)


def of(world: World, **sought: bool) -> list[tuple[str, str, str, bool]]:
    page = problems.listed(world.core, **sought)  # type: ignore[arg-type]
    return [(one.card.item.key, one.engine, one.reason, one.again) for one in page.items]


@pytest.fixture
def both(world: World) -> World:
    """A red picture, which the engine cannot read, and a green one."""
    world.picture("a.png", "red")
    world.picture("b.png", "green")
    world.engine.fails["red"] = TORN
    return world


def test_what_failed_for_good_is_still_a_problem_after_a_scan_that_asks_nothing(
    both: World,
) -> None:
    assert both.scan().failed == 1
    again = both.scan()
    assert (again.failed, again.problems) == (0, 1)
    assert of(both) == [("a.png", "colour", "It is torn.", False)]
    assert [one.problems for one in libraries.listed(both.core)[0].sections] == [1]


def test_it_is_known_since_it_failed_first(both: World) -> None:
    both.engine.fails["red"] = BUSY
    both.scan()
    (first,) = problems.listed(both.core).items
    both.engine.fails["red"] = replace(BUSY, reason="It is busy again.")
    both.scan()
    (second,) = problems.listed(both.core).items
    assert (second.since, second.reason, second.again) == (first.since, "It is busy again.", True)


def test_it_ends_when_the_engine_answers(both: World) -> None:
    both.engine.fails["red"] = BUSY
    both.scan()
    both.engine.fails.clear()
    assert (both.scan().problems, of(both)) == (0, [])


def test_it_lasts_while_other_engines_answer_and_rules_are_applied_again(both: World) -> None:
    both.scan()
    both.engines.append(ColourEngine("other"))
    both.scan()
    assert both.scan(mode="decide").problems == 1


def test_it_ends_when_the_item_is_gone(both: World) -> None:
    both.scan()
    (both.photos / "a.png").unlink()
    assert both.scan().problems == 0


def test_it_ends_when_the_item_is_replaced_by_a_good_one(both: World) -> None:
    both.scan()
    both.picture("a.png", "blue", side_px=17)
    assert (both.scan().problems, of(both)) == (0, [])


def test_it_is_not_shown_while_its_engine_is_switched_off(both: World) -> None:
    both.scan()
    both.engines = [ColourEngine("other")]
    assert of(both) == []


def test_one_that_is_ignored_is_counted_no_more_until_the_item_changes(both: World) -> None:
    both.scan()
    (one,) = problems.listed(both.core).items
    assert problems.ignore(both.core, one.id).ignored
    assert (of(both), both.scan(mode="force").problems) == ([], 0)
    assert [row[0] for row in of(both, ignored=True)] == ["a.png"]
    both.picture("a.png", "red", side_px=17)
    assert both.scan().problems == 1


def test_one_that_is_ignored_can_be_shown_again(both: World) -> None:
    both.scan()
    (one,) = problems.listed(both.core).items
    problems.ignore(both.core, one.id)
    problems.ignore(both.core, one.id, ignored=False)
    assert len(of(both)) == 1


def test_a_problem_that_is_not_there_cannot_be_ignored(world: World) -> None:
    with pytest.raises(NotFound):
        problems.ignore(world.core, 7)


def test_items_can_be_narrowed_down_to_those_with_problems(both: World) -> None:
    both.scan()
    wanted = problems.unsolved(both.core)
    assert [one.item.key for one in browsing.items(both.core, problems=wanted).items] == ["a.png"]


def test_a_page_of_problems_goes_on_after_its_cursor(world: World) -> None:
    for number in range(5):
        world.picture(f"{number}.png", "red")
    world.engine.fails["red"] = TORN
    world.scan()
    first = problems.listed(world.core, limit=3)
    second = problems.listed(world.core, limit=3, cursor=first.next)
    keys = [one.card.item.key for one in (*first.items, *second.items)]
    assert (len(first.items), sorted(keys), second.next) == (
        3,
        [f"{number}.png" for number in range(5)],
        None,
    )


class Refusing(FakeLibrary):
    """A library that refuses to write to one item, while it does."""

    refuses = True
    reason = "It cannot be written."

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            if self.refuses and edit.item.key == "a":
                yield EditOutcome("a", None, self.reason)
            else:
                yield from super().send([edit])


@pytest.fixture
def refusing(world: World) -> Refusing:
    made = world.library = Refusing()
    made.put("a", "red")
    made.put("b", "green")
    return made


def test_a_write_that_failed_is_a_problem_that_no_preview_solves(
    world: World, refusing: Refusing
) -> None:
    assert world.scan("apply").problems == 1
    assert world.scan().problems == 1
    assert of(world) == [("a", "", "It cannot be written.", True)]
    refusing.refuses = False
    assert (world.scan("apply").problems, refusing.names("a")) == (0, {"red"})


def test_what_a_scan_could_not_do_shows_in_a_status_of_any_of_its_section(
    world: World, refusing: Refusing
) -> None:
    first = world.scan().scan.id
    world.scan("apply")
    assert scan_status.status(world.core, first).problems == 1


def test_what_a_server_says_of_a_write_is_kept_as_far_as_it_can_be(
    world: World, refusing: Refusing
) -> None:
    refusing.reason = "It does not take \ud800\0 now."
    status = world.scan("apply")
    assert (status.scan.state, status.failed, status.adds) == ("done", 1, 1)
    assert "It does not take" in of(world)[0][2]


def test_a_write_that_failed_stays_a_problem_until_one_succeeds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(_library: object, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        return iter([EditOutcome(edit.item.key, None, "cannot be written") for edit in edits])

    def unread(_library: object, items: Sequence[Item]) -> Iterator[NotRead]:
        return iter([NotRead(item.key, "busy") for item in items])

    world.picture("a.png", "red")
    with monkeypatch.context() as patched:
        patched.setattr(type(world.library), "send", refusing)
        world.scan("apply")
    with monkeypatch.context() as patched:
        patched.setattr(type(world.library), "read_tags", unread)
        world.scan()
    world.scan()
    assert len(problems.listed(world.core).items) == 1
    world.scan("apply")
    assert problems.listed(world.core).items == ()
