"""A service that refuses everything fails nothing; one that refuses a picture fails that one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.scan.test_engines_in_scans import Services, services
from tests.world import World
from tigertag.contracts import AnyEngine

__all__ = ["services"]

pytestmark = pytest.mark.slow

ALWAYS = float("inf")
NAMES = ["calls", "uploads", "people", "vision"]


class Bench:
    """One of the engines in a world, and what its service was asked."""

    def __init__(self, name: str, services: Services, folder: Path) -> None:
        self._name = name
        self._services = services
        engines: dict[str, Callable[[], AnyEngine]] = {
            "calls": services.calls,
            "uploads": services.calls,
            "people": lambda: services.people(folder),
            "vision": services.vision,
        }
        self.engine = engines[name]()

    def refuse(self, times: float) -> None:
        match self._name:
            case "calls":
                self._services.imagga.fail("tags", 400, times=times)
            case "uploads":
                self._services.imagga.fail("uploads", 400, times=times)
            case "people":
                self._services.faces.code = 22
                self._services.faces.fail(400, at="recognize", times=times)
            case _:
                self._services.openai.fail("chat", 400, times=times)

    def mend(self) -> None:
        self._services.imagga.mend()
        self._services.faces.mend()
        self._services.openai.mend()

    @property
    def asked(self) -> int:
        match self._name:
            case "calls" | "uploads":
                return len(self._services.imagga.asked("POST /v2/uploads"))
            case "people":
                return sum("recognize" in one for one in self._services.faces.log)
            case _:
                return self._services.openai.counts["chat"]


@pytest.fixture(params=NAMES)
def bench(
    request: pytest.FixtureRequest, world: World, services: Services, tmp_path: Path
) -> Bench:
    made = Bench(request.param, services, tmp_path)
    world.engines = [made.engine]
    return made


def pictures(world: World, number: int) -> None:
    for one in range(number):
        world.picture(f"{one}.png", "red", side_px=64 + one)


def test_what_was_not_answered_while_a_service_refused_all_is_asked_when_it_is_mended(
    world: World, bench: Bench
) -> None:
    pictures(world, 11)
    bench.refuse(ALWAYS)
    status = world.scan()
    assert (status.failed, len(status.waiting)) == (0, 1)
    assert bench.asked < 20
    bench.mend()
    again = world.scan()
    assert (again.asked, again.failed, again.waiting) == (12, 0, {})


def test_a_service_that_refuses_all_after_it_had_answered_fails_nothing(
    world: World, bench: Bench
) -> None:
    assert world.scan().asked == 1
    pictures(world, 11)
    bench.refuse(ALWAYS)
    assert world.scan().failed == 0
    bench.mend()
    assert world.scan().asked == 11


def test_one_picture_that_is_refused_among_others_fails_once(world: World, bench: Bench) -> None:
    pictures(world, 9)
    bench.refuse(1)
    status = world.scan()
    assert (status.asked, status.failed, status.waiting) == (9, 1, {})
    asked = bench.asked
    assert (world.scan().failed, bench.asked) == (0, asked)


def test_the_only_picture_of_a_section_fails_once(world: World, bench: Bench) -> None:
    bench.refuse(1)
    assert world.scan().failed == 1
    asked = bench.asked
    assert (world.scan().failed, bench.asked) == (0, asked)
