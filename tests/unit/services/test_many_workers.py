"""Several workers on one scan, on both databases."""

from pathlib import Path
from threading import Thread

from tests.world import World
from tigertag.services import scans


def test_workers_that_share_a_scan_ask_nothing_twice(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    for number in range(60):
        world.picture(f"{number}.png", "red")
    scan_id = world.start("apply")
    runners = [Thread(target=scans.run(world.core, scan_id).run) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    status = scans.status(world.core, scan_id)
    assert (status.scan.state, status.done, len(world.engine.asked)) == ("done", 60, 60)
    assert {name for number in range(60) for name in world.tags(f"{number}.png")} == {"red"}
    world.close()


def test_what_was_applied_can_be_undone_and_redone(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    world.picture("a.png", "red")
    undone = world.undo(world.scan("apply").scan.id)
    assert world.tags("a.png") == set()
    world.undo(undone.scan.id)
    assert world.tags("a.png") == {"red"}
    world.close()
