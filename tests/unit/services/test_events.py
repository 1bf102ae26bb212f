"""The event log as the interfaces read it."""

import pytest

from tests.world import World
from tigertag.errors import RequestError
from tigertag.services import events, libraries
from tigertag.services.accounts import Accounts


def test_it_is_filtered_by_level_and_source(world: World) -> None:
    for level, source in (("info", "scan"), ("warning", "scan"), ("error", "engine")):
        events.record(world.core, level, source, f"{level} {source}")
    worse = events.listed(world.core, level="warning").items
    of_scans = events.listed(world.core, source="scan").items
    assert [row.message for row in worse] == ["error engine", "warning scan"]
    assert [row.message for row in of_scans] == ["warning scan", "info scan"]


def test_it_is_read_in_parts(world: World) -> None:
    for number in range(5):
        events.record(world.core, "info", "system", str(number))
    first = events.listed(world.core, limit=3)
    rest = events.listed(world.core, limit=3, cursor=first.next)
    assert [row.message for row in (*first.items, *rest.items)] == ["4", "3", "2", "1", "0"]
    assert rest.next is None


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"source": "weather"}])
def test_an_unknown_level_or_source_is_refused(world: World, wrong: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        events.listed(world.core, level=wrong.get("level", ""), source=wrong.get("source", ""))


def test_sign_ins_are_recorded_without_what_was_typed(world: World) -> None:
    accounts = Accounts(world.core, password="correct horse")
    assert not accounts.check_password("a guess", "192.0.2.7")
    assert accounts.check_password("correct horse", "192.0.2.7")
    accounts.begin("192.0.2.7")
    assert not accounts.use_link("made up", "192.0.2.7")
    messages = [row.message for row in events.recent(world.core, source="sign-in")]
    assert messages == [
        "A sign-in from 192.0.2.7 failed: used or outdated link.",
        "Signed in from 192.0.2.7.",
        "A sign-in from 192.0.2.7 failed: wrong password.",
    ]


def test_links_that_are_guessed_do_not_fill_the_log(world: World) -> None:
    accounts = Accounts(world.core, password="correct horse")
    for number in range(20):
        accounts.use_link(f"guess {number}", "192.0.2.7")
    assert len(events.recent(world.core, source="sign-in")) == 5


def test_a_library_that_cannot_be_reached_is_recorded(world: World) -> None:
    elsewhere = world.home / "elsewhere"
    world.photos.rename(elsewhere)
    libraries.listed(world.core)
    elsewhere.rename(world.photos)
    libraries.listed(world.core)
    levels = [row.level for row in events.recent(world.core, source="library")]
    assert levels == ["info", "error"]
