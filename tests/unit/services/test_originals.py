"""Tags of the original TigerTag count as ours where they still stand."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.world import World
from tigertag.errors import BackupError, RequestError, SchemaMismatch
from tigertag.libraries.folder.library import FolderLibrary
from tigertag.libraries.mediaserver.options import file_identity
from tigertag.model import Item, Section
from tigertag.services import originals
from tigertag.store import Store, migrate
from tigertag.store.transfer import original

# As its migrations make them.
TABLES = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
INSERT INTO alembic_version VALUES ('daa645fb1635');
CREATE TABLE resource (
    id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, location VARCHAR NOT NULL,
    hashval VARCHAR NOT NULL, last_indexed DATETIME NOT NULL, description VARCHAR);
CREATE TABLE tag (
    id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, engine VARCHAR(100) NOT NULL,
    description VARCHAR);
CREATE TABLE resource_tag (
    resource_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, confidence INTEGER NOT NULL);
"""


def make(path: Path, tagged: dict[str, list[str]]) -> Path:
    """A database of the original: these files, by their place, have these tags."""
    names = sorted({name for tags in tagged.values() for name in tags})
    with closing(sqlite3.connect(path)) as db:
        db.executescript(TABLES)
        for number, name in enumerate(names, 1):
            db.execute("INSERT INTO tag VALUES (?, ?, 'imagga', NULL)", (number, name))
        for number, (location, tags) in enumerate(tagged.items(), 1):
            row = (number, Path(location).name, location)
            db.execute("INSERT INTO resource VALUES (?, ?, ?, 'h', '2021-10-24', NULL)", row)
            for name in tags:
                pair = (number, names.index(name) + 1)
                db.execute("INSERT INTO resource_tag VALUES (?, ?, 80)", pair)
        db.commit()
    return path


def test_tags_that_still_stand_can_be_undone_and_others_are_left_alone(world: World) -> None:
    world.picture("2021/a.png", "red")
    world.set_tags("2021/a.png", add=["tti_cat", "holiday"])
    path = make(world.home / "old.db", {"/media/photos/2021/a.png": ["tti_cat", "tti_dog"]})
    done = originals.take_over(world.core, path, "photos", None)
    assert (done.items, done.tags, done.gone) == (1, 1, 1)
    assert world.tags("2021/a.png") == {"tti_cat", "holiday"}
    assert done.scan_id is not None
    world.undo(done.scan_id)
    assert world.tags("2021/a.png") == {"holiday"}


def test_the_next_scan_keeps_them_up_to_date(world: World) -> None:
    world.picture("a.png", "red")
    world.set_tags("a.png", add=["tti_cat", "holiday"])
    path = make(world.home / "old.db", {"/media/a.png": ["tti_cat"]})
    originals.take_over(world.core, path, "photos", None)
    world.scan("apply")
    assert world.tags("a.png") == {"red", "holiday"}


def test_a_scan_of_what_is_new_still_looks_at_all_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.picture("a.png", "red")
    world.set_tags("a.png", add=["tti_cat"])
    path = make(world.home / "old.db", {"/media/photos/a.png": ["tti_cat"]})
    originals.take_over(world.core, path, "photos", None)
    looked: list[datetime | None] = []
    listed = FolderLibrary.items

    def items(self: FolderLibrary, section: Section, since: datetime | None = None) -> Any:
        looked.append(since)
        return listed(self, section, since)

    monkeypatch.setattr(FolderLibrary, "items", items)
    world.scan("apply", mode="new")
    assert looked == [None]


def test_a_second_time_nothing_is_left_to_take_over(world: World) -> None:
    world.picture("a.png", "red")
    world.set_tags("a.png", add=["tti_cat"])
    path = make(world.home / "old.db", {"/media/a.png": ["tti_cat"]})
    originals.take_over(world.core, path, "photos", None)
    assert originals.take_over(world.core, path, "photos", None).tags == 0


def test_two_files_that_could_be_meant_are_none(world: World) -> None:
    world.picture("a.png", "red")
    world.set_tags("a.png", add=["tti_cat"])
    path = make(world.home / "old.db", {"/one/a.png": ["tti_cat"], "/two/a.png": ["tti_cat"]})
    assert originals.take_over(world.core, path, "photos", None).scan_id is None


def test_a_servers_item_is_found_by_its_files_place_and_size() -> None:
    item = Item("plex", "1", "417", "r", title="A", size_bytes=7, file=file_identity("/m/A.jpg", 7))
    other = Item(
        "plex", "1", "418", "r", title="A", size_bytes=8, file=file_identity("/n/A.jpg", 8)
    )
    files = {"a": [original.OriginalFile("/m/A.jpg", ("tti_cat",))]}
    assert [found for found, _file in originals._matched(iter([item, other]), files)] == [item]


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_file_that_is_no_such_database_is_named(world: World, content: bytes) -> None:
    path = world.home / "old.db"
    path.write_bytes(content)
    with pytest.raises(BackupError, match="no database of the original TigerTag"):
        originals.take_over(world.core, path, "photos", None)


def test_an_empty_one_is_named(world: World) -> None:
    with pytest.raises(RequestError, match="no tag of any file"):
        originals.take_over(world.core, make(world.home / "old.db", {}), "photos", None)


def test_one_in_db_url_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = make(tmp_path / "old.db", {"/media/a.png": ["tti_cat"]})
    before = path.read_bytes()
    with (
        closing(Store(f"sqlite:///{path}")) as store,
        pytest.raises(SchemaMismatch, match=r"of the original TigerTag.*import-original"),
    ):
        migrate.upgrade(store)
    assert path.read_bytes() == before
