"""After a restore TigerTag knows what it wrote and what users removed, and asks nothing again."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import pytest
from alembic import command
from sqlalchemy import inspect, select, text

from tests.unit.store.rows import count, fill
from tests.world import World
from tigertag.errors import (
    BackupError,
    Conflict,
    SchemaMismatch,
    StoreUnavailable,
    TigerTagError,
)
from tigertag.model import Rule, RuleAction
from tigertag.scan.worker import home_lock
from tigertag.services import backups, restoring, rules, scan_status
from tigertag.store import Store, migrate, schema
from tigertag.store import scans as scans_store
from tigertag.store.transfer import archive, restore
from tigertag.store.transfer.manifest import LEFT_OUT

REVISIONS = [revision for revision, _doc in migrate.history()]


@pytest.fixture
def any_world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A world on each kind of database."""
    made = World(tmp_path, database_url)
    yield made
    made.close()


def backup(world: World) -> Path:
    return world.core.backups / backups.make(world.core).name


def wipe(world: World) -> None:
    path = world.store.sqlite_path
    if path is not None:
        world.store.close()
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return
    with world.store.migration() as db:
        restore.drop_all(db)
    world.store.close()


def test_nothing_is_asked_again_removed_tags_stay_off_and_undo_works(any_world: World) -> None:
    world = any_world
    world.picture("a.png", "red")
    world.picture("b.png", "green")
    first = world.scan("apply")
    before = {name: world.tags(name) for name in ("a.png", "b.png")}
    removed = sorted(before["a.png"])[0]
    world.set_tags("a.png", remove=[removed])
    world.scan("apply")
    path, calls = backup(world), len(world.engine.asked)
    wipe(world)
    restoring.restore(world.core, path)
    world.scan("apply")
    assert len(world.engine.asked) == calls
    assert removed not in world.tags("a.png")
    world.undo(first.scan.id)
    assert world.tags("a.png") | world.tags("b.png") == set()


@pytest.mark.slow
@pytest.mark.parametrize("to_server", [True, False], ids=["to PostgreSQL", "to SQLite"])
def test_a_backup_of_one_database_is_restored_onto_the_other(
    tmp_path: Path, postgres_url: str, to_server: bool
) -> None:
    urls = [f"sqlite:///{tmp_path}/tigertag.db", postgres_url][:: 1 if to_server else -1]
    world = World(tmp_path, urls[0])
    world.picture("a.png", "red")
    world.scan("apply")
    path, calls = backup(world), len(world.engine.asked)
    world.close()
    world.store = Store(urls[1])
    restoring.restore(world.core, path)
    world.picture("b.png", "green")
    world.scan("apply")
    assert len(world.engine.asked) == calls + 1
    assert world.tags("b.png")
    world.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "revision"),
    # SQLite checks less, and what its migrations do with rows test_migrate.py says.
    [("postgres", each) for each in REVISIONS] + [("sqlite", each) for each in REVISIONS[::9]],
)
def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, revision: str
) -> None:
    database_url = f"sqlite:///{tmp_path}/tigertag.db"
    if kind == "postgres":
        database_url = request.getfixturevalue("postgres_url")
    with closing(Store(f"sqlite:///{tmp_path}/old.db")) as old:
        command.upgrade(migrate.config(old), revision)
        with old.write() as db:
            before = fill(db)
        archive.write(old, tmp_path / "old.zip", {})
    world = World(tmp_path, database_url)
    restoring.restore(world.core, tmp_path / "old.zip")
    with world.store.read() as db:
        after = count(db)
    assert migrate.current(world.store) == migrate.head()
    # That it was restored is an event.
    kept = before.keys() - {*LEFT_OUT, "kept", "events"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    world.close()


def test_what_it_replaces_is_kept(any_world: World) -> None:
    world = any_world
    path = backup(world)
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    done = restoring.restore(world.core, path)
    assert rules.listed(world.core) == []
    (old,) = done.replaced
    if world.store.sqlite_path is None:
        assert archive.verify(old).tables["rules"].rows == 1
    else:
        with closing(sqlite3.connect(old)) as db:
            assert db.execute("SELECT word FROM rules").fetchall() == [("cat",)]


def test_tables_of_others_beside_ours_stay(any_world: World) -> None:
    world = any_world
    with world.store.write() as db:
        db.execute(
            text("CREATE TABLE of_an_extension (id INTEGER PRIMARY KEY, place BLOB)")
            if world.store.sqlite_path
            else text("CREATE TABLE of_an_extension (id INTEGER PRIMARY KEY, place jsonb)")
        )
    restoring.restore(world.core, backup(world))
    with world.store.read() as db:
        there = inspect(db).has_table("of_an_extension")
    # The old SQLite file is kept as it was.
    assert there == (world.store.sqlite_path is None)


def test_passwords_of_this_home_stay(any_world: World) -> None:
    world = any_world
    path = backup(world)
    with world.store.write() as db:
        db.execute(
            schema.credentials.insert().values(
                kind="password", hash="x", changed_at=datetime.now(UTC)
            )
        )
    restoring.restore(world.core, path)
    with world.store.read() as db:
        assert db.scalar(select(schema.credentials.c.hash)) == "x"


def test_what_was_spent_since_the_backup_is_still_spent(any_world: World) -> None:
    world, budgets = any_world, schema.budgets
    with world.store.write() as db:
        db.execute(budgets.insert().values(engine="cloud", month="2026-01", units=5, cost_usd=1.0))
    path = backup(world)
    with world.store.write() as db:
        db.execute(budgets.update().values(units=9, cost_usd=2.0))
        db.execute(budgets.insert().values(engine="cloud", month="2026-02", units=1, cost_usd=0.5))
    restoring.restore(world.core, path)
    with world.store.read() as db:
        spent = db.execute(select(budgets.c.units, budgets.c.cost_usd).order_by(budgets.c.month))
        assert spent.all() == [(9, 2.0), (1, 0.5)]


def test_a_scan_that_was_running_is_paused_and_its_leases_are_free(any_world: World) -> None:
    world = any_world
    world.picture("a.png", "red")
    scan_id = world.start()
    with world.store.write() as db:
        scans_store.move(db, scan_id, to="running", among=("queued",))
        db.execute(schema.chunks.update().values(state="leased", owner="dead", lease_until=9e9))
    restoring.restore(world.core, backup(world))
    assert scan_status.status(world.core, scan_id).scan.state == "paused"
    assert world.run(scan_id).scan.state == "done"


def test_new_rows_are_numbered_after_the_restored_ones(any_world: World) -> None:
    world = any_world
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    restoring.restore(world.core, backup(world))
    rules.add(world.core, Rule(RuleAction.DENY, "dog"))
    assert len(rules.listed(world.core)) == 2


def test_files_of_the_home_come_back_and_changed_ones_are_kept(world: World) -> None:
    (world.home / "rules.yaml").write_text("one")
    model = world.home / "models/genres/films"
    model.mkdir(parents=True)
    (model / "model.json").write_text("{}")
    path = backup(world)
    (world.home / "rules.yaml").write_text("two")
    (model / "model.json").unlink()
    done = restoring.restore(world.core, path)
    assert (world.home / "rules.yaml").read_text() == "one"
    assert (model / "model.json").read_text() == "{}"
    assert (done.replaced[-1] / "rules.yaml").read_text() == "two"


def test_a_disk_that_fills_while_files_are_kept_leaves_them_as_they_were(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.home / "rules.yaml").write_text("one")
    path = backup(world)
    (world.home / "rules.yaml").write_text("the user's own")

    def cut_off(_own: Path, kept: Path) -> None:
        kept.write_text("the")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", cut_off)
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        restoring.restore(world.core, path)
    assert (world.home / "rules.yaml").read_text() == "the user's own"


def test_files_are_put_back_from_backups_on_another_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.home / "rules.yaml").write_text("one")
    path = backup(world)
    (world.home / "rules.yaml").write_text("two")

    def refuse(source: Path, target: Path) -> None:
        if Path(source).parent == Path(target).parent:
            raise Conflict("another process")
        if world.core.backups in Path(source).parents:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    rename = os.rename
    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(Conflict):
        restoring.restore(world.core, path)
    assert (world.home / "rules.yaml").read_text() == "two"


def test_a_running_service_is_left_alone(world: World) -> None:
    path = backup(world)
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    with home_lock(world.home), pytest.raises(Conflict, match="Stop it"):
        restoring.restore(world.core, path)
    assert len(rules.listed(world.core)) == 1


def test_a_database_that_another_process_uses_is_left_alone(any_world: World) -> None:
    world = any_world
    path = backup(world)
    (world.home / "rules.yaml").write_text("kept")
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    with closing(Store(world.store.url.render_as_string(hide_password=False))) as other:
        with other.read() as db:
            count(db)
        with pytest.raises(Conflict, match=r"Stop TigerTag"):
            restoring.restore(world.core, path)
    assert len(rules.listed(world.core)) == 1
    assert (world.home / "rules.yaml").read_text() == "kept"


def test_a_connection_that_is_about_to_end_is_waited_for(postgres_url: str) -> None:
    with closing(Store(postgres_url)) as store, closing(Store(postgres_url)) as other:
        with other.read():
            pass
        ending = Timer(0.5, other.close)
        ending.start()
        restore._require_alone(store)
        ending.join()


def test_a_damaged_backup_changes_nothing(any_world: World) -> None:
    world = any_world
    path = backup(world)
    path.write_bytes(path.read_bytes()[:-200])
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    with pytest.raises(BackupError):
        restoring.restore(world.core, path)
    assert len(rules.listed(world.core)) == 1


def test_rows_that_contradict_each_other_change_nothing(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = any_world
    world.picture("a.png", "red")
    world.scan("apply")
    path = backup(world)
    read = archive.Archive.lines

    def without_items(opened: archive.Archive, table: str) -> Iterator[bytes]:
        return iter(()) if table == "items" else read(opened, table)

    monkeypatch.setattr(archive.Archive, "lines", without_items)
    with pytest.raises(TigerTagError):
        restoring.restore(world.core, path)
    with world.store.read() as db:
        assert count(db)["items"] == 1


def test_a_damaged_database_file_is_replaced_and_kept(world: World) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    path = backup(world)
    world.store.close()
    file = world.store.sqlite_path
    assert file is not None
    file.write_bytes(b"not a database" * 1000)
    done = restoring.restore(world.core, path)
    assert done.replaced[0].read_bytes().startswith(b"not a database")
    with world.store.read() as db:
        assert count(db)["items"] == 1


def test_a_database_of_another_program_is_left_alone(world: World) -> None:
    path = backup(world)
    wipe(world)
    file = world.store.sqlite_path
    assert file is not None
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE photo (id INTEGER)")
    with pytest.raises(SchemaMismatch, match="another program"):
        restoring.restore(world.core, path)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM photo").fetchone() == (0,)
