"""A process that makes small scans for weeks keeps nothing of those that have ended."""

import gc

import pytest

from sqlalchemy import func, select

from tests.world import World
from tigertag.services import scans
from tigertag.store import schema

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


def test_small_scans_leave_no_garbage_behind(world: World) -> None:
    world.picture("a.png", "red")
    for _ in range(10):
        world.scan()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(40):
        world.scan()
    assert len(gc.get_objects()) - before < 40 * 100


def rows(world: World) -> dict[str, int]:
    with world.store.read() as db:
        return {
            name: db.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in schema.metadata.tables.items()
        }


def test_a_scan_that_changed_nothing_leaves_one_row(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    before = rows(world)
    world.scan("apply")
    assert rows(world) == before | {"scans": before["scans"] + 1}


def test_answered_work_of_an_ended_scan_is_gone_and_its_counts_stay(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.scan("apply").scan.id
    assert rows(world)["work"] == 0
    assert scans.status(world.core, scan_id).asked == 1
