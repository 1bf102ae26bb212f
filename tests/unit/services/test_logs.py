"""The last lines of the log, and those that came since."""

from pathlib import Path

import pytest

from tests.world import World
from tigertag.services import logs


@pytest.fixture
def file(world: World) -> Path:
    path = logs.path(world.core, "work")
    path.parent.mkdir()
    return path


def test_nothing_logged_is_no_lines(world: World) -> None:
    assert logs.tail(world.core, "web").lines == ()
    assert logs.since(world.core, "web", 500).lines == ()


def test_the_last_lines_come_oldest_first(world: World, file: Path) -> None:
    file.write_text("".join(f"{number}\n" for number in range(1000)))
    assert logs.tail(world.core, "work", 3).lines == ("997", "998", "999")


def test_lines_of_the_file_before_fill_up_one_that_was_just_begun(world: World, file: Path) -> None:
    file.with_name("work.log.1").write_text("a\nb\n")
    file.write_text("c\n")
    assert logs.tail(world.core, "work", 2).lines == ("b", "c")


def test_what_follows_begins_where_the_last_lines_ended(world: World, file: Path) -> None:
    file.write_text("a\nb\n")
    first = logs.tail(world.core, "work", 1)
    with file.open("a") as stream:
        stream.write("c\nhalf of")
    second = logs.since(world.core, "work", first.offset)
    with file.open("a") as stream:
        stream.write(" d\n")
    third = logs.since(world.core, "work", second.offset)
    assert (first.lines, second.lines, third.lines) == (("b",), ("c",), ("half of d",))
    assert logs.since(world.core, "work", third.offset).lines == ()


def test_a_file_that_was_begun_anew_is_followed_from_its_start(world: World, file: Path) -> None:
    file.write_text("one long line\n")
    offset = logs.tail(world.core, "work").offset
    file.write_text("new\n")
    assert logs.since(world.core, "work", offset).lines == ("new",)


def test_a_large_file_is_read_from_its_end_alone(world: World, file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(20_000_000_000)
        stream.seek(0, 2)
        stream.write(b"\nlast\n")
    assert logs.tail(world.core, "work", 1).lines == ("last",)
    assert logs.since(world.core, "work", 7).lines[-1] == "last"


def test_a_separator_from_outside_ends_no_line(world: World, file: Path) -> None:
    file.write_text("a\x85b\u2028c\n", encoding="utf-8")
    assert len(logs.tail(world.core, "work").lines) == 1
