"""A process that makes small scans for weeks keeps nothing of those that have ended."""

import gc

import pytest

from tests.world import World

pytestmark = pytest.mark.slow


def test_small_scans_leave_nothing_in_memory(world: World) -> None:
    world.picture("a.png", "red")
    for _ in range(10):
        world.scan()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(20):
        world.scan()
    gc.collect()
    assert len(gc.get_objects()) - before < 20 * 20
