"""An engine that is down or set up wrongly keeps back nothing of what the others say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread

import pytest

from tests.colours import ColourEngine
from tests.face_engine import FaceEngine
from tests.world import World
from tigertag.contracts import Enrolled, Outcome, RunContext
from tigertag.errors import AuthFailed, Conflict, NotFound, Unavailable
from tigertag.model import Sample
from tigertag.services import scan_status, scans

pytestmark = pytest.mark.slow


@dataclass
class Hanging(ColourEngine):
    """Answers nothing until it is let go, and is down then."""

    def __post_init__(self) -> None:
        self.local = False
        self.let_go = Event()
        self.at_it = 0

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        self.at_it += 1
        self.let_go.wait(20)
        raise Unavailable("It hangs.")
        yield


def until(what: object, within_s: float = 10.0) -> bool:
    pause = Event()
    for _ in range(int(within_s / 0.05)):
        if what():  # type: ignore[operator]
            return True
        pause.wait(0.05)
    return False


@pytest.mark.parametrize("in_order", ["hanging first", "hanging last"])
def test_all_is_decided_while_one_engine_hangs(world: World, in_order: str) -> None:
    hanging = Hanging("hanging")
    world.engines.append(hanging)
    world.terms["hanging"] = {"order": 1 if in_order == "hanging first" else 200}
    for number in range(80):
        world.picture(f"{number}.png", "red")
    scan_id = world.start()
    worker = Thread(target=lambda: world.run(scan_id))
    worker.start()
    try:
        assert until(lambda: scan_status.status(world.core, scan_id).adds == 80)
        assert hanging.at_it == 1
    finally:
        hanging.let_go.set()
        worker.join()
    assert scan_status.status(world.core, scan_id).scan.state == "waiting"


def test_a_scan_is_finished_without_an_engine_that_is_down(world: World) -> None:
    down = ColourEngine("down", local=False, raises={"red": Unavailable("down")})
    world.engines.append(down)
    for number in range(40):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    assert world.run(scan_id).scan.state == "waiting"
    scans.finish_without(world.core, scan_id, "down")
    status = world.run(scan_id)
    assert (status.scan.state, status.adds, status.failed) == ("done", 40, 0)
    down.raises = {}
    world.forget_circuits()
    assert world.scan("apply").asked == 40


def test_only_what_waits_is_finished_without_an_engine(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.scan().scan.id
    with pytest.raises(Conflict):
        scans.finish_without(world.core, scan_id, "colour")
    with pytest.raises(NotFound):
        scans.finish_without(world.core, scan_id, "color")


def test_all_is_decided_while_an_engine_that_had_answered_before_is_opened(world: World) -> None:
    faces = FaceEngine("faces")
    world.engines.append(faces)
    world.terms["faces"] = {"order": 1}
    world.picture("a.png", "red")
    world.scan("apply")
    faces.rest = True
    for number in range(80):
        world.picture(f"{number}.png", "red")
    scan_id = world.start()
    worker = Thread(target=lambda: world.run(scan_id))
    worker.start()
    try:
        assert until(lambda: scan_status.status(world.core, scan_id).adds == 80, within_s=5)
    finally:
        faces.go.set()
        worker.join()
    assert scan_status.status(world.core, scan_id).scan.state == "done"


class Missing(FaceEngine):
    """Has no file that says whose faces to know."""

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        raise AuthFailed("There is no faces.yaml.")


def test_faces_that_are_not_set_up_keep_no_engine_from_being_asked(world: World) -> None:
    faces, second = Missing("faces"), ColourEngine("second", confidence=0.9)
    world.engine.confidence = 0.1
    world.engines += [faces, second]
    world.terms |= {"faces": {"order": 1}, "second": {"order": 200, "only_uncertain": True}}
    world.picture("a.png", "red")
    world.scan()
    assert second.asked == ["red"]


def test_an_item_that_was_decided_before_an_engine_was_spared_is_settled(world: World) -> None:
    second = ColourEngine("second", local=False)
    world.engines.append(second)
    world.terms["second"] = {"order": 200, "only_uncertain": True}
    world.picture("a.png", "red")
    world.scan("apply")
    assert (second.asked, world.scan("apply").scan.unchanged) == ([], 1)
