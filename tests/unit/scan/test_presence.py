"""A worker that has not mounted a library's folder gets none of its work."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.cluster import Cluster
from tests.world import World
from tigertag.core import Core
from tigertag.libraries import folder
from tigertag.libraries.folder import library as folder_library
from tigertag.model import Item, Section
from tigertag.scan import context, worker_sessions
from tigertag.scan.cluster_worker import ClusterWorker
from tigertag.scan.presence import absence, absence_here
from tigertag.store import items, scans, schema, workers

PHOTOS = 30


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder as another machine has it."""
    made = tmp_path / "elsewhere"
    made.mkdir()
    return made


def at(world: World, path: Path, core: Core | None = None) -> Core:
    """The core of a machine that has the library's folder there."""
    library = folder.build("photos", folder.Options(path=path), world.host)
    core = core or world.core
    return replace(core, libraries=(replace(core.libraries[0], library=library),))


def reason(world: World, path: Path, *, accept_missing: bool = False) -> str:
    core = at(world, path)
    library = core.library("photos")
    scan_id = world.start()
    with world.store.write() as db:
        scan = replace(scans.get(db, scan_id), accept_missing=accept_missing)
        made = context.make(core, db, scan, library)
        scans.move(db, scan_id, to="cancelled", among=("queued",))
    return absence(world.store, made)


def scanned(world: World, elsewhere: Path) -> None:
    for number in range(PHOTOS):
        world.picture(f"{number % 3}/{number}.png", "red")
    world.scan()
    shutil.copytree(world.photos, elsewhere, dirs_exist_ok=True)


def test_one_that_has_some_of_the_known_files_has_the_folder(world: World, elsewhere: Path) -> None:
    scanned(world, elsewhere)
    shutil.rmtree(elsewhere / "0")
    shutil.rmtree(elsewhere / "1")
    assert reason(world, elsewhere) == ""


def test_an_empty_mount_point_is_seen(world: World, elsewhere: Path) -> None:
    scanned(world, elsewhere)
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    said = reason(world, elsewhere)
    assert "none of 5 known items of section photos, such as 0/0.png, is in" in said
    assert f"{elsewhere} on this machine. Is the folder mounted here?" in said
    assert "--accept-missing" in said


def test_another_disk_in_its_place_is_seen(world: World, elsewhere: Path) -> None:
    scanned(world, elsewhere)
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    (elsewhere / "other.png").touch()
    assert reason(world, elsewhere) != ""


def test_that_everything_has_moved_is_believed_once_it_is_confirmed(
    world: World, elsewhere: Path
) -> None:
    scanned(world, elsewhere)
    for number in range(3):
        (elsewhere / str(number)).rename(elsewhere / f"moved-{number}")
    assert reason(world, elsewhere) != ""
    assert reason(world, elsewhere, accept_missing=True) == ""


def test_an_empty_folder_that_is_not_mounted_is_not_believed_whatever_was_confirmed(
    world: World, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("1.png", "red")
    world.scan()
    assert "is empty on this machine" in reason(world, elsewhere, accept_missing=True)
    monkeypatch.setattr(folder_library, "is_mount", lambda path: path == str(elsewhere))
    assert reason(world, elsewhere, accept_missing=True) == ""


def test_before_the_first_listing_an_empty_folder_is_no_library(
    world: World, elsewhere: Path
) -> None:
    assert "is empty on this machine. Is it mounted here?" in reason(world, elsewhere)
    (elsewhere / "Holidays").mkdir()
    assert reason(world, elsewhere) == ""


def test_the_items_that_are_looked_for_are_spread_over_the_section(world: World) -> None:
    section = Section("photos", ".", "photos")
    listed = [Item("photos", ".", f"{number:03}.png", "1") for number in range(100)]
    with world.store.write() as db:
        section_id = scans.ensure_section(db, section)
        items.note(db, section_id, section, listed, 1)
        chosen = [int(key[:3]) for key in items.some_keys(db, section_id, most=5)]
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 99, 5)
    gaps = [later - earlier for earlier, later in pairwise(chosen)]
    assert min(gaps) > 20


@pytest.fixture
def cluster(world: World, redis_url: str) -> Iterator[Cluster]:
    made = Cluster(world, redis_url)
    yield made
    made.close()


def test_of_two_workers_the_one_without_the_mount_gets_no_work(
    cluster: Cluster, world: World, elsewhere: Path
) -> None:
    cluster.photos(40)
    has = cluster.worker("has")
    lacks = cluster.worker("lacks", core=at(world, elsewhere, cluster.core("lacks")))
    scan_id = world.start()
    cluster.dispatcher.look()
    cluster.dispatcher.look()
    lacks.look()
    (message,) = cluster.messages(scan_id)
    lacks.work_on(*message)
    lacks.beat()
    with world.store.read() as db:
        (refusal,) = next(row.refusals for row in workers.every(db) if row.name == "lacks")
    assert refusal.unavailable
    assert "Is it mounted here?" in refusal.reason
    assert cluster.run(scan_id, has) == "done"
    assert len(world.engine.asked) == 40


def known(cluster: Cluster, worker: ClusterWorker) -> int:
    """Scan photos, and start a scan that asks about all of them again."""
    cluster.photos(6)
    assert cluster.run(cluster.world.start(), worker) == "done"
    return cluster.world.start(mode="force")


def unmounted(world: World) -> None:
    world.photos.rename(world.home / "mounted")
    world.photos.mkdir()


def mounted(world: World) -> None:
    world.photos.rmdir()
    (world.home / "mounted").rename(world.photos)


def next_sent(cluster: Cluster, scan_id: int, worker: ClusterWorker) -> list[tuple[int, int]]:
    messages: list[tuple[int, int]] = []
    while not messages:
        cluster.dispatcher.look()
        worker.look()
        messages = cluster.messages(scan_id)
    return messages


def is_refused_and_given_back(cluster: Cluster, worker: ClusterWorker, chunk_id: int) -> bool:
    worker.beat()
    with cluster.world.store.read() as db:
        (row,) = workers.every(db)
        state = db.scalar(select(schema.chunks.c.state).where(schema.chunks.c.id == chunk_id))
    return [refusal.unavailable for refusal in row.refusals] == [True] and state == "queued"


def test_a_mount_that_goes_away_before_items_are_looked_at_leaves_them_to_others(
    cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_sessions, "_REFUSED_S", 0.0)
    worker = cluster.worker("one")
    scan_id = known(cluster, worker)
    for message in next_sent(cluster, scan_id, worker):
        worker.work_on(*message)
    ((_scan, chunk_id),) = next_sent(cluster, scan_id, worker)
    unmounted(world)
    worker.work_on(scan_id, chunk_id)
    assert is_refused_and_given_back(cluster, worker, chunk_id)
    mounted(world)
    assert cluster.run(scan_id, worker) == "done"
    assert len(world.engine.asked) == 12


def test_a_mount_that_goes_away_before_the_listing_fails_no_scan(
    cluster: Cluster, world: World
) -> None:
    worker = cluster.worker("one")
    scan_id = known(cluster, worker)
    ((_scan, chunk_id),) = next_sent(cluster, scan_id, worker)
    unmounted(world)
    worker.work_on(scan_id, chunk_id)
    assert is_refused_and_given_back(cluster, worker, chunk_id)
    assert world.state(scan_id) == "running"


def test_of_several_workers_one_on_the_wrong_disk_does_not_list_whatever_was_confirmed(
    cluster: Cluster, world: World, elsewhere: Path
) -> None:
    has = cluster.worker("has")
    known(cluster, has)
    (elsewhere / "other.png").touch()
    wrong = at(world, elsewhere, cluster.core("wrong"))
    with world.store.write() as db:
        scan = replace(scans.every_active(db)[0], accept_missing=True)
        made = context.make(wrong, db, scan, wrong.library("photos"))
    assert "is not believed of one worker among several" in absence_here(wrong, made)
    has.leave()
    assert absence_here(wrong, made) == ""
