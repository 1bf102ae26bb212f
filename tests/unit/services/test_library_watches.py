"""Watched libraries: changes become one scan, and what is not watched is said."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.world import World
from tigertag.core import Core
from tigertag.libraries import folder
from tigertag.services import events, health, library_watches, scan_requests
from tigertag.services.library_watches import LibraryWatches
from tigertag.services.scan_requests import Wanted


@pytest.fixture
def watches() -> Iterator[LibraryWatches]:
    made = LibraryWatches(again_s=0.0)
    yield made
    made.close()


def _watched(world: World, write: str) -> Core:
    options = folder.Options(path=world.photos, watch=write)  # type: ignore[arg-type]
    world.library = folder.build("photos", options, world.host)
    return replace(world.core, hook_quiet_s=0.3)


def _until(happened: Callable[[], object], watches: LibraryWatches, core: Core) -> None:
    until = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < until
        watches.look(core)
        time.sleep(0.02)


def test_a_folder_that_is_not_to_be_watched_is_not(world: World, watches: LibraryWatches) -> None:
    watches.look(world.core)
    assert library_watches.problems(world.core) == {}


def test_new_photos_are_tagged_by_one_scan_and_that_starts_no_other(
    world: World, watches: LibraryWatches
) -> None:
    core = _watched(world, "apply")
    world.scan("apply")
    waiting = partial(scan_requests.waiting, core)
    watches.look(core)
    for number in range(20):
        world.picture(f"rose {number}.png", "red")
    _until(waiting, watches, core)
    (row,) = waiting()
    assert row.wanted == Wanted("photos", ".", "new", "apply")

    def is_started() -> bool:
        scan_requests.start_due(core)
        return not waiting()

    _until(is_started, watches, core)
    status = world.run(2)
    assert (status.scan.state, status.scan.reason) == ("done", "changes in folder photos")
    assert world.tags("rose 19.png") == {"red"}
    time.sleep(0.5)
    watches.look(core)
    assert waiting() == []


def test_a_folder_that_goes_away_and_comes_back_is_said_and_watched_again(
    world: World, watches: LibraryWatches
) -> None:
    core = _watched(world, "preview")
    away = world.photos.with_name("away")
    problems = partial(library_watches.problems, core)
    assert "not begun" in problems()["photos"]
    watches.look(core)
    assert problems() == {"photos": ""}
    os.rename(world.photos, away)
    _until(lambda: problems()["photos"], watches, core)
    assert [notice.level for notice in health.notices(core) if "photos" in notice.source]
    os.rename(away, world.photos)
    _until(lambda: not problems()["photos"], watches, core)
    again, lost = events.recent(core, source="library")[:1] + events.recent(core)[-1:]
    assert (again.level, lost.level) == ("info", "warning")
    world.picture("rose.png", "red")
    _until(partial(scan_requests.waiting, core), watches, core)
