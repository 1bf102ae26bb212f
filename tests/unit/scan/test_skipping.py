"""Items that have a tag of SKIP_TAGS are found page by page, and never asked about."""

from collections.abc import Iterator, Sequence

import pytest

from tests.fake_library import FakeLibrary
from tests.world import World
from tigertag.contracts import NotRead
from tigertag.model import Item, Shown

pytestmark = pytest.mark.slow


class _Counting(FakeLibrary):
    """Remembers how many items were read at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        self.read.append(len(items))
        yield from super().read_tags(items)


@pytest.fixture
def shelf(world: World) -> _Counting:
    made = _Counting()
    for number in range(200):
        made.put(f"{number:03}", "red")
        made.tag(f"{number:03}", "ai-generated")
    world.library, world.skip_tags = made, ("ai-generated",)
    return made


def test_a_library_that_is_skipped_is_read_in_large_pages(world: World, shelf: _Counting) -> None:
    status = world.scan("apply")
    assert (status.left_alone, status.failed, world.engine.asked) == (200, 0, [])
    assert len(shelf.read) <= 4


def test_what_was_skipped_is_unchanged_afterwards(world: World, shelf: _Counting) -> None:
    world.scan("apply")
    assert world.scan("apply").scan.unchanged == 200


def test_a_tag_that_came_after_the_listing_is_seen_before_the_engine_is_asked(
    world: World, shelf: _Counting
) -> None:
    shelf.put("new", "blue")
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    shelf.tag("new", "ai-generated")
    status = world.run(scan_id)
    assert (status.left_alone, world.engine.asked) == (201, [])


def test_an_item_that_lost_its_tag_after_the_listing_is_asked_about_by_the_next_scan(
    world: World, shelf: _Counting
) -> None:
    scan_id = world.start("apply")
    world.run_listing(scan_id)
    shelf.tags["000"] = []
    world.run(scan_id)
    world.scan("apply")
    assert world.engine.asked == ["red"]
