"""Every migration, up and down, on both databases, with rows in it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tests.unit.store.rows import count, fill
from tigertag.errors import SchemaMismatch
from tigertag.model import Evidence, Kind, Label, Tag
from tigertag.store import Store, migrate, retries
from tigertag.store.packing import pack_labels, pack_tags
from tigertag.store.retries import Retries
from tigertag.store.schema import answers, decisions, metadata

pytestmark = pytest.mark.slow

REVISIONS = [revision for revision, _doc in migrate.history()]


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_step_up_keeps_the_rows(empty_database_url: str, revision: str) -> None:
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), revision)
    with store.write() as db:
        before = fill(db)
    migrate.upgrade(store)
    with store.read() as db:
        after = count(db)
    # The step up is an event itself.
    tables = before.keys() - {"events"}
    assert {table: after[table] for table in tables} == {table: before[table] for table in tables}
    store.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_step_down_and_up_again_works_with_rows(
    empty_database_url: str, revision: str
) -> None:
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), revision)
    with store.write() as db:
        fill(db)
    command.downgrade(migrate.config(store), "-1")
    command.upgrade(migrate.config(store), revision)
    assert migrate.current(store) == revision
    store.close()


def test_what_failed_before_problems_were_kept_is_one_after_the_upgrade(
    empty_database_url: str,
) -> None:
    """The newest word on an item counts, and only of the item as it is."""
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), "0005")
    with store.write() as db:
        fill(db)
        for statement in _HISTORY:
            db.exec_driver_sql(statement)
    migrate.upgrade(store)
    with store.read() as db:
        found = db.exec_driver_sql(
            "SELECT item_id, engine, reason, again FROM problems ORDER BY item_id, engine"
        ).all()
    assert [(*row[:3], bool(row[3])) for row in found] == [
        (1, "", "refused", True),
        (2, "cloud", "busy", True),
        (2, "local", "torn", False),
    ]
    store.close()


def test_what_may_pass_is_tried_again_after_the_upgrade(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), "0005")
    with store.write() as db:
        fill(db)
        for statement in _HISTORY:
            db.exec_driver_sql(statement)
    migrate.upgrade(store)
    with store.read() as db:
        due = retries.due(Retries(datetime.now(UTC), writes=True))
        assert sorted(row.item_id for row in db.execute(due)) == [1, 2]
    store.close()


def _item(id: int, revision: str, gone: str = "false") -> str:
    return (
        "INSERT INTO items (id, section_id, key, revision, media, title, gone)"
        f" VALUES ({id}, 1, 'k{id}', '{revision}', 'photo', 't', {gone})"
    )


def _scan(id: int, write: str) -> str:
    return (
        "INSERT INTO scans (id, section_id, kind, mode, write, state, created_at)"
        f" VALUES ({id}, 1, 'scan', 'changed', '{write}', 'done', '2026-01-0{id % 10} 00:00:00')"
    )


def _decided(scan: int, item: int, state: str, reason: str, revision: str = "r") -> str:
    return (
        "INSERT INTO decisions (scan_id, item_id, chunk_id, state, revision, reason)"
        f" VALUES ({scan}, {item}, 1, '{state}', '{revision}', '{reason}')"
    )


def _asked(scan: int, item: int, engine: str, state: str, reason: str, revision: str = "r") -> str:
    return (
        "INSERT INTO work"
        " (scan_id, chunk_id, item_id, engine, revision, fingerprint, state, reason)"
        f" VALUES ({scan}, 1, {item}, '{engine}', '{revision}', 'f', '{state}', '{reason}')"
    )


_HISTORY = [
    "DELETE FROM edits",
    "DELETE FROM decisions",
    "DELETE FROM work",
    "UPDATE items SET gone = false, revision = 'r' WHERE id = 1",
    *(_scan(id, write) for id, write in ((11, "preview"), (12, "apply"))),
    *(_item(id, "r") for id in (2, 3, 4)),
    _item(5, "r", "true"),
    # A write that was refused; an engine that failed for good, another for now.
    _decided(12, 1, "failed", "refused"),
    _decided(11, 2, "failed", "torn"),
    _asked(11, 2, "local", "failed", "torn"),
    _asked(11, 2, "cloud", "retryable", "busy"),
    # Solved since; of an older picture; of an item that is gone.
    _decided(11, 3, "failed", "torn"),
    _asked(11, 3, "local", "retryable", "torn"),
    _decided(12, 3, "done", ""),
    _asked(12, 3, "local", "done", ""),
    _decided(11, 4, "failed", "torn", "old"),
    _asked(11, 4, "local", "failed", "torn", "old"),
    _decided(11, 5, "failed", "torn"),
]


def test_down_to_base_leaves_nothing_behind(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store)
    migrate.downgrade(store, "base")
    assert set(sa.inspect(store.engine).get_table_names()) <= {"alembic_version"}
    store.close()


def test_the_migrations_make_the_tables_that_the_program_uses(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store)
    with store.read() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
    store.close()


def test_every_constraint_has_a_name() -> None:
    for table in metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name


@pytest.mark.parametrize("revision", [None, "0001", "3f2a9c1d7b44"])
@pytest.mark.parametrize("table", ["user", "items", "scans"])
def test_a_database_of_another_program_is_named_and_left_alone(
    empty_database_url: str, revision: str | None, table: str
) -> None:
    store = Store(empty_database_url)
    with store.write() as db:
        db.execute(sa.text(f'CREATE TABLE "{table}" (id INTEGER)'))
        if revision is not None:
            db.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            db.execute(sa.text(f"INSERT INTO alembic_version VALUES ('{revision}')"))
    with pytest.raises(SchemaMismatch, match="another program"):
        migrate.upgrade(store)
    with store.read() as db:
        assert {*sa.inspect(db).get_table_names()} - {"alembic_version"} == {table}
    store.close()


def test_another_programs_file_is_not_turned_to_wal(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE photo (id INTEGER)")
    before = path.read_bytes()
    with closing(Store(f"sqlite:///{path}")) as store, pytest.raises(SchemaMismatch):
        migrate.upgrade(store)
    assert (path.read_bytes(), [one.name for one in tmp_path.iterdir()]) == (before, [path.name])


def test_a_database_of_a_newer_version_is_left_alone(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store)
    with store.write() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="newer TigerTag"):
        migrate.upgrade(store)
    assert migrate.current(store) == "9999"
    store.close()


def test_an_sqlite_file_is_backed_up_before_a_step_down(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/tigertag.db")
    migrate.upgrade(store)
    with store.write() as db:
        fill(db)
    kept = migrate.downgrade(store, "base")
    assert kept is not None
    with closing(sqlite3.connect(kept)) as copy:
        assert copy.execute("SELECT count(*) FROM items").fetchone() == (1,)
    store.close()


def test_rebuilding_a_table_deletes_none_of_its_childrens_rows(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/tigertag.db")
    migrate.upgrade(store)
    with store.write() as db:
        before = fill(db)
    with store.migration() as db:
        operations = Operations(MigrationContext.configure(db))
        with operations.batch_alter_table("items", recreate="always") as batch:
            batch.alter_column("title", type_=sa.Text())
    with store.read() as db:
        assert count(db) == before
    store.close()


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    stores = [Store(empty_database_url) for _ in range(4)]
    starts = [Thread(target=migrate.upgrade, args=(store,)) for store in stores]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert [migrate.current(store) for store in stores] == [migrate.head()] * 4
    for store in stores:
        store.close()


def test_down_from_waiting_one_scan_of_a_section_goes_on(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), "0008")
    values = "'scan', 'changed', 'preview', 'waiting', CURRENT_TIMESTAMP"
    with store.write() as db:
        fill(db)
        section = db.execute(sa.text("SELECT min(id) FROM sections")).scalar_one()
        db.execute(sa.text("UPDATE scans SET state = 'done'"))
        for number in (901, 902):
            db.execute(
                sa.text(
                    "INSERT INTO scans (id, section_id, kind, mode, write, state, created_at)"
                    f" VALUES ({number}, {section}, {values})"
                )
            )
    command.downgrade(migrate.config(store), "-1")
    with store.read() as db:
        states = db.execute(sa.text("SELECT state FROM scans WHERE id > 900 ORDER BY id")).scalars()
        assert list(states) == ["cancelled", "running"]
    store.close()


def test_a_step_down_leaves_no_label_that_the_program_before_cannot_read(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    command.upgrade(migrate.config(store), "0012")
    cat, noted = Label("cat", 0.5), Label("tv", 0.9, kind=Kind.TEXT, note="Sign")
    vienna = Label("Vienna", 1.0, kind=Kind.PLACE, note="GPS 48, 16")
    tags = [
        Tag(label.name, 1.0, kind=label.kind, because=(Evidence("m", "m", label),))
        for label in (vienna, noted)
    ]
    with store.write() as db:
        fill(db)
        db.execute(answers.update().values(labels=pack_labels([vienna])))
        db.execute(decisions.update().values(tags=pack_tags(tags)))
        row = dict(db.execute(sa.select(answers)).mappings().one())
        db.execute(
            answers.insert(), row | {"id": 2, "round": 2, "labels": pack_labels([cat, noted])}
        )
    command.downgrade(migrate.config(store), "0011")
    with store.read() as db:
        labels = db.execute(sa.select(answers.c.labels)).scalars().all()
        assert labels == ['[["cat",0.5,null],["tv",0.9,null,"text",null,null]]']
        assert db.execute(sa.select(decisions.c.tags)).scalar_one() == (
            '[["tv",1.0,null,"text","tag",[["m","m",["tv",0.9,null,"text",null,null]]]]]'
        )
        assert db.execute(sa.text("SELECT settled FROM items")).scalar_one() == ""
    store.close()
