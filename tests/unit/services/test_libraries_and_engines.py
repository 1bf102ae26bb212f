"""Libraries as they were last seen; one that hangs holds up nothing but itself."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from tests.world import World
from tigertag.core import Core
from tigertag.errors import LibraryError, LibraryUnavailable
from tigertag.model import Rule, RuleAction, Section
from tigertag.services import engines, health, libraries, rules


class Hung:
    """A library or an engine that never answers, until it is let go."""

    def __init__(self, id: str, let_go: Event) -> None:
        self.id = id
        self.let_go = let_go

    def open(self) -> None:
        self.let_go.wait(20)

    def sections(self) -> Sequence[Section]:
        return ()


@pytest.fixture
def core(world: World) -> Iterator[Core]:
    """One library that answers, behind three that hang."""
    let_go, core = Event(), world.core
    (photos,) = core.libraries
    hung: list[Any] = [Hung(f"hung{number}", let_go) for number in range(3)]
    entries = tuple(replace(photos, id=one.id, library=one) for one in hung)
    yield replace(core, libraries=(*entries, photos))
    let_go.set()


def test_libraries_that_hang_are_waited_for_once_and_together(core: Core) -> None:
    begun = time.monotonic()
    health.notices(core)
    shown = {one.id: one for one in libraries.listed(core)}
    assert time.monotonic() - begun < 3
    assert [one.section.title for one in shown["photos"].sections] == ["photos"]
    assert all(shown[f"hung{number}"].problem for number in range(3))


def test_a_rule_for_a_section_waits_for_no_library_for_ever(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "_LONG_PATIENCE_S", 0.5)
    begun = time.monotonic()
    rules.add(core, Rule(RuleAction.DENY, "cat", section="photos/photos"))
    assert time.monotonic() - begun < 3


def test_an_engine_that_hangs_is_told_beside_those_that_answer(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_PATIENCE_S", 0.5)
    (well,) = core.engines
    let_go = Event()
    hung: list[Any] = [Hung(f"engine{number}", let_go) for number in range(6)]
    entries = tuple(replace(well, id=one.id, engine=one) for one in hung)
    found = {one.engine: one.ok for one in engines.check(replace(core, engines=(*entries, well)))}
    let_go.set()
    assert found == {one.id: False for one in hung} | {well.id: True}


def test_a_library_with_a_bug_is_shown_with_a_problem(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_library: object) -> Sequence[Section]:
        raise ZeroDivisionError

    monkeypatch.setattr(type(world.library), "sections", bug)
    (shown,) = libraries.listed(world.core)
    assert "bug" in shown.problem


class Advised:
    """A library that gives advice, and fails to show its sections where an error is given."""

    id = "photos"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0

    def open(self) -> None:
        pass

    def sections(self) -> Sequence[Section]:
        if self.error is not None:
            raise self.error
        return (Section("photos", "1", "Photos"),)

    def advice(self) -> Sequence[str]:
        self.asked += 1
        return ["The key lacks tag.asset."]


def _look(core: Core, library: Any) -> libraries.Look:
    (entry,) = core.libraries
    return libraries.look(replace(core, libraries=(replace(entry, library=library),)), "photos")


def test_what_a_library_advises_is_shown_with_its_sections(world: World) -> None:
    (entry,) = world.core.libraries
    library: Any = Advised()
    core = replace(world.core, libraries=(replace(entry, library=library),))
    (shown,) = libraries.listed(core)
    assert (shown.problem, shown.advice) == ("", ("The key lacks tag.asset.",))
    assert len(shown.sections) == 1


def test_a_library_that_refuses_its_sections_may_still_say_why(world: World) -> None:
    seen = _look(world.core, Advised(LibraryError("Refused.")))
    assert (seen.problem, seen.advice) == ("Refused.", ("The key lacks tag.asset.",))


def test_a_library_that_cannot_be_reached_is_not_asked_for_advice(world: World) -> None:
    library = Advised(LibraryUnavailable("Away."))
    assert _look(world.core, library) == libraries.Look(problem="Away.")
    assert library.asked == 0
