"""A process that makes small scans for weeks keeps nothing of those that have ended."""

import gc
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import previews, scan_status
from tigertag.store import browse, schema, search

pytestmark = pytest.mark.slow


def test_small_scans_leave_nothing_in_memory_and_no_garbage(world: World) -> None:
    world.picture("a.png", "red")
    for _ in range(10):
        world.scan()
    garbage, kept = zip(*(_grown(world, scans=12) for _ in range(3)), strict=True)
    # Other threads of the test process allocate now and then; a leak shows each time.
    assert min(garbage) < 12 * 1000
    assert min(kept) < 12 * 60


def _grown(world: World, *, scans: int) -> tuple[int, int]:
    """Return how many more blocks of memory there are: with garbage, and without."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(scans):
        world.scan()
    with_garbage = sys.getallocatedblocks()
    gc.collect()
    return with_garbage - before, sys.getallocatedblocks() - before


def rows(world: World) -> dict[str, int]:
    with world.store.read() as db:
        return {
            name: db.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in schema.metadata.tables.items()
        }


def test_a_scan_that_changed_nothing_leaves_its_row_and_an_event(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    world.picture("a.png", "red")
    world.scan("apply")
    before = rows(world)
    world.scan("apply")
    assert rows(world) == before | {
        "scans": before["scans"] + 1,
        "events": before["events"] + 1,
    }
    world.close()


def test_answered_work_of_an_ended_scan_is_gone_and_its_counts_stay(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    world.picture("a.png", "red")
    scan_id = world.scan("apply").scan.id
    assert rows(world)["work"] == 0
    assert scan_status.status(world.core, scan_id).asked == 1
    world.close()


def test_an_answer_that_ended_a_failure_for_good_is_kept_with_it(world: World) -> None:
    world.picture("a.png", "red")
    world.engine.fails["red"] = Failed("", "It is torn.", retryable=False)
    world.scan()
    world.engine.fails.clear()
    world.engine.fingerprint = "colour-2"
    assert world.scan().asked == 1
    with world.store.read() as db:
        (item,) = search.page(db, search.ItemFilter())
        assert browse.refusals(db, item.id, item.item.revision) == {}


def test_a_word_struck_from_a_preview_leaves_the_count_of_what_was_asked(world: World) -> None:
    world.picture("a.png", "red")
    scan_id = world.scan().scan.id
    with world.store.read() as db:
        (item,) = search.page(db, search.ItemFilter())
    previews.block(world.core, scan_id, item.id, "red", where="item")
    status = scan_status.status(world.core, scan_id)
    assert (status.asked, status.adds) == (1, 0)


def test_what_a_scan_could_not_let_go_the_next_one_lets_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    with monkeypatch.context() as killed:
        killed.setattr("tigertag.scan.summary.drop_work", lambda *_: None)
        world.scan("apply")
    assert rows(world)["work"] == 1
    world.scan("apply")
    assert rows(world)["work"] == 0


def test_a_scan_whose_heartbeat_sees_its_end_first_lets_go_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.scan.session._TICK_S", 0.0005)
    world.picture("a.png", "red")
    for _ in range(5):
        world.scan(mode="force")
        assert rows(world)["work"] == 0
