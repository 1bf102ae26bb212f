"""Faces are enrolled beside: one enrolment an engine at a time, and what came of it is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.compreface import drawn
from tests.face_engine import LEFT_OUT, FaceEngine
from tests.unit.engines.compreface import setup
from tests.world import World
from tigertag.errors import AuthFailed, NotFound, PluginError
from tigertag.services.enrolment import Enrolment, Enrolments


@pytest.fixture
def engine(world: World) -> FaceEngine:
    made = FaceEngine(rest=True)
    world.engines = [world.engine, made]
    return made


@pytest.fixture
def enrolments(world: World, engine: FaceEngine) -> Enrolments:
    return Enrolments(world.core)


def test_an_engine_that_knows_no_faces_is_not_begun(enrolments: Enrolments) -> None:
    with pytest.raises(NotFound, match="colour does not recognise faces"):
        enrolments.start("colour")
    with pytest.raises(NotFound, match="did you mean 'who'"):
        enrolments.of("woh")


def test_an_engine_that_cannot_be_used_says_why(world: World, engine: FaceEngine) -> None:
    entries = [replace(one, engine=None, problem="no key") for one in world.core.engines]
    broken = Enrolments(replace(world.core, engines=tuple(entries)))
    with pytest.raises(PluginError, match="no key"):
        broken.start("who")


@pytest.mark.parametrize(
    ("refuses", "line"),
    [
        (AuthFailed("Its key was refused."), "Its key was refused."),
        (ValueError("?"), "see the log"),
    ],
)
def test_what_went_wrong_is_kept_in_one_line(
    enrolments: Enrolments, engine: FaceEngine, refuses: Exception, line: str
) -> None:
    engine.refuses = refuses
    engine.go.set()
    enrolments.start("who")
    enrolments.wait()
    found = enrolments.of("who")
    assert (found.state, line in found.error) == ("failed", True)


def test_one_that_is_under_way_is_not_begun_again(
    enrolments: Enrolments, engine: FaceEngine
) -> None:
    assert enrolments.of("who") == Enrolment("who")
    assert enrolments.start("who").state == "running"
    assert enrolments.start("WHO").state == "running"
    engine.go.set()
    enrolments.wait()
    assert (engine.begun, engine.opened) == (1, 1)


def test_what_it_did_is_kept(enrolments: Enrolments, engine: FaceEngine) -> None:
    engine.go.set()
    enrolments.start("who")
    enrolments.wait()
    assert enrolments.of("who") == Enrolment("who", "done", 3, 1, (LEFT_OUT,))


def test_another_process_tells_of_it_and_begins_no_second(
    world: World, enrolments: Enrolments, engine: FaceEngine
) -> None:
    enrolments.start("who")
    other = Enrolments(world.core)
    assert (other.of("who").state, other.start("who").state) == ("running", "running")
    engine.go.set()
    enrolments.wait()
    assert (engine.begun, other.of("who").state) == (1, "done")


def test_one_whose_process_died_has_failed(world: World, enrolments: Enrolments) -> None:
    enrolments._save(Enrolment("who", "running"))
    assert enrolments.of("who").state == "failed"


def test_compreface_is_brought_up_to_date(world: World, tmp_path: Path) -> None:
    with setup.home(tmp_path) as home:
        home.write({"Ada": {"ada.png": drawn("ada", kind="PNG"), "sky.png": drawn(kind="PNG")}})
        world.engines = [home.engine()]
        enrolments = Enrolments(world.core)
        enrolments.start("faces")
        enrolments.wait()
        found = enrolments.of("faces")
        assert (found.state, found.added, found.error) == ("done", 1, "")
        assert "sky.png is left out" in found.problems[0]
        assert home.server.pictures_of("Ada") == 1
