"""Scans worked on beside a service's requests."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.world import World
from tigertag.scan.worker import ScanWorker
from tigertag.services import scan_status, scans

pytestmark = pytest.mark.slow


def wait_for(reached: Callable[[], bool], *, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def shops(world: World) -> Iterator[tuple[ScanWorker, ScanWorker]]:
    """Two processes' workshops over one home."""
    both = ScanWorker(world.core), ScanWorker(world.core)
    yield both
    for shop in both:
        shop.stop()


def is_done(world: World, scan_id: int) -> Callable[[], bool]:
    return lambda: scan_status.status(world.core, scan_id).scan.state == "done"


def test_a_scan_is_worked_on_by_itself(world: World, shops: tuple[ScanWorker, ScanWorker]) -> None:
    world.picture("a.png", "red")
    shops[0].start()
    scan_id = world.start()
    shops[0].wake()
    wait_for(is_done(world, scan_id))


def test_two_processes_ask_once_for_each_picture(
    world: World, shops: tuple[ScanWorker, ScanWorker]
) -> None:
    for number in range(40):
        world.picture(f"{number}.png", "red")
    scan_id = world.start()
    for shop in shops:
        shop.start()
    wait_for(is_done(world, scan_id))
    assert scan_status.status(world.core, scan_id).asked == 40
    assert len(world.engine.asked) == 40


def test_another_process_takes_over_when_the_first_ends(
    world: World, shops: tuple[ScanWorker, ScanWorker]
) -> None:
    world.picture("a.png", "red")
    first, second = shops
    first.start()
    second.start()
    wait_for(is_done(world, world.start()))
    first.stop()
    wait_for(is_done(world, world.start()))


def test_a_paused_scan_is_left_alone_until_it_is_resumed(
    world: World, shops: tuple[ScanWorker, ScanWorker]
) -> None:
    world.picture("a.png", "red")
    scan_id = world.start()
    scans.pause(world.core, scan_id)
    shops[0].start()
    time.sleep(0.3)
    assert scan_status.status(world.core, scan_id).scan.state == "paused"
    scans.resume(world.core, scan_id)
    shops[0].wake()
    wait_for(is_done(world, scan_id))


def test_a_scan_that_fails_does_not_stop_the_next_one(
    world: World, shops: tuple[ScanWorker, ScanWorker]
) -> None:
    world.picture("a.png", "red")
    failing = world.start()
    away = world.photos.rename(world.photos.with_name("away"))
    shops[0].start()
    wait_for(lambda: scan_status.status(world.core, failing).scan.state == "failed")
    assert scan_status.status(world.core, failing).scan.error
    away.rename(world.photos)
    scan_id = world.start()
    shops[0].wake()
    wait_for(is_done(world, scan_id))


def test_a_scan_of_a_library_that_it_does_not_know_is_left_to_others(
    world: World, shops: tuple[ScanWorker, ScanWorker]
) -> None:
    world.picture("a.png", "red")
    scan_id = world.start()
    stranger = ScanWorker(replace(world.core, libraries=()))
    stranger.start()
    time.sleep(0.3)
    stranger.stop()
    assert scan_status.status(world.core, scan_id).scan.state == "queued"
