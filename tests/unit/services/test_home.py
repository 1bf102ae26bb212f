"""Home: what needs the user, how much is tagged, and what is pending."""

from dataclasses import replace

import pytest

from tests.colours import ColourEngine
from tests.world import World
from tigertag.contracts import Failed
from tigertag.core import Core, LibraryEntry
from tigertag.errors import NotFound
from tigertag.services import home
from tigertag.store import engine_state


@pytest.fixture
def pictures(world: World) -> World:
    for name, colour in (("rose.png", "red"), ("ruby.png", "red"), ("sea.png", "blue")):
        world.picture(name, colour)
    return world


def test_what_was_dismissed_is_shown_again_once_it_says_something_else(world: World) -> None:
    def broken(problem: str) -> Core:
        entry = LibraryEntry("attic", "tigertag.folder", None, problem)
        return replace(world.core, libraries=(*world.core.libraries, entry))

    (need,) = home.home(broken("It is not a folder.")).needs
    home.dismiss(broken("It is not a folder."), need.id)
    after = home.home(broken("It is not a folder."))
    assert (after.needs, after.dismissed) == ((), 1)
    (changed,) = home.home(broken("It cannot be read.")).needs
    assert changed.message == "It cannot be read."


def test_what_has_passed_and_comes_again_is_not_dismissed_any_more(world: World) -> None:
    path = world.home / "first-sign-in.txt"
    path.touch()
    (need,) = home.home(world.core).needs
    home.dismiss(world.core, need.id)
    path.unlink()
    assert home.home(world.core).dismissed == 0
    path.touch()
    assert home.home(world.core).needs == (need,)


def test_what_is_not_there_cannot_be_dismissed(world: World) -> None:
    with pytest.raises(NotFound, match="changed or passed"):
        home.dismiss(world.core, "0" * 16)
    with world.store.read() as db:
        assert not engine_state.states_under(db, "", "dismissed/")


def test_dismissed_needs_are_shown_again_on_request(world: World) -> None:
    (world.home / "first-sign-in.txt").touch()
    (need,) = home.home(world.core).needs
    home.dismiss(world.core, need.id)
    home.show_dismissed(world.core)
    assert home.home(world.core).needs == (need,)


def test_a_previews_changes_are_pending_until_it_is_applied(pictures: World) -> None:
    preview = pictures.scan().scan.id
    before = home.home(pictures.core)
    assert (before.pending, before.sections[0].preview, before.coverage.tagged) == (3, preview, 0)
    pictures.apply(preview)
    after = home.home(pictures.core)
    assert (after.pending, after.sections[0].preview) == (0, None)
    assert (after.coverage.tagged, after.coverage.untagged) == (3, 0)


def test_items_that_failed_are_unreadable_and_no_longer_once_they_are_undone(
    pictures: World,
) -> None:
    pictures.engine.fails["blue"] = Failed("", "too blue", retryable=False)
    scan_id = pictures.scan("apply").scan.id
    covered = home.home(pictures.core).coverage
    assert (covered.items, covered.tagged, covered.untagged, covered.unreadable) == (3, 2, 0, 1)
    pictures.undo(scan_id)
    assert home.home(pictures.core).coverage.tagged == 0


def test_preview_all_starts_one_in_each_section_and_says_where_it_did_not(
    pictures: World,
) -> None:
    first = home.preview_all(pictures.core)
    again = home.preview_all(pictures.core)
    assert (len(first.scans), first.refused) == (1, ())
    assert again.scans == ()
    assert again.refused[0].startswith("photos/.: ")


def test_preview_all_asks_nothing_that_costs_money(pictures: World) -> None:
    cloud = ColourEngine("cloud", "cloud-1", local=False, units=1, cost_usd=0.02)
    pictures.engines = [pictures.engine, cloud]
    previewed = home.preview_all(pictures.core)
    assert previewed.scans == ()
    assert "cloud may cost money" in previewed.refused[0]
    assert not home.home(pictures.core).active_scans
