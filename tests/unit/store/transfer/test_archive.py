"""An archive is whole, or it is refused; what is secret is not in it."""

import errno
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest

from tests.unit.store.rows import fill
from tests.world import World
from tigertag.errors import BackupError, SchemaMismatch, StoreFull
from tigertag.store import engine_state, schema
from tigertag.store.transfer import archive, manifest, rows
from tigertag.store.transfer.restore import check_revision

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def path(world: World, tmp_path: Path) -> Path:
    """An archive of a row in each table, and of a file."""
    with world.store.write() as db:
        fill(db)
    (tmp_path / "rules.yaml").write_text("rules: []")
    made = tmp_path / "backups/tigertag.zip"
    archive.write(world.store, made, {"rules.yaml": tmp_path / "rules.yaml"})
    return made


def _rewrite(path: Path, change: Change) -> None:
    with ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)


def _change_manifest(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    def apply(members: dict[str, bytes]) -> None:
        made = json.loads(members["manifest.json"])
        change(made)
        members["manifest.json"] = json.dumps(made).encode()

    _rewrite(path, apply)


def test_it_holds_every_table_but_secrets_and_what_is_of_the_moment(path: Path) -> None:
    tables = archive.verify(path).tables
    assert schema.metadata.tables.keys() - tables.keys() <= manifest.LEFT_OUT
    assert {*tables} & manifest.LEFT_OUT == set()


def test_no_column_that_looks_secret_is_in_it() -> None:
    """`token` of chunks and batches is a number or a mark that no service takes for a key."""
    secret = re.compile(r"hash|token|secret|password|url|credential")
    columns = {
        f"{table.name}.{column.name}"
        for table in schema.metadata.sorted_tables
        if table.name not in manifest.LEFT_OUT
        for column in table.columns
        if secret.search(column.name)
    }
    assert columns == {"chunks.token", "batches.token"}


def test_leases_are_left_out(world: World, tmp_path: Path) -> None:
    with world.store.write() as db:
        engine_state.database_id(db)
        engine_state.lease(db, "faces", "enrol", owner="me", lease_s=60)
        engine_state.put_state(db, "faces", "known", "Ann")
    archive.write(world.store, tmp_path / "b.zip", {})
    with archive.opened(tmp_path / "b.zip") as opened:
        names = [json.loads(line)[1] for line in opened.lines("kept")]
    assert sorted(names) == ["database", "known"]


@pytest.mark.parametrize("packed", [ZIP_LZMA, ZIP_BZIP2])
def test_damage_is_named_however_members_are_packed(path: Path, packed: int) -> None:
    with ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with ZipFile(path, "w", packed) as new:
        for name, data in members.items():
            new.writestr(name, data)
    whole = path.read_bytes()
    at = whole.index(b"tables/items.jsonl") + 40
    path.write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    with pytest.raises(BackupError, match="damaged"):
        archive.verify(path)


def test_a_member_that_lies_before_the_files_beginning_is_damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    # The directory's place, in the archive's last record: all members seem to lie elsewhere.
    at = data.rindex(b"PK\x05\x06") + 16
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 2**31).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"):
        archive.read_manifest(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95, 0.999])
def test_an_archive_that_was_cut_off_is_refused(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BackupError, match="cut off"):
        archive.verify(path)


def test_a_changed_row_is_found(path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["tables/rules.jsonl"] = members["tables/rules.jsonl"].replace(b"deny", b"okay")

    _rewrite(path, change)
    with pytest.raises(BackupError, match="damaged"):
        archive.verify(path)


def test_a_flipped_bit_is_found(path: Path) -> None:
    with ZipFile(path) as zipped:
        member = max(zipped.infolist(), key=lambda entry: entry.compress_size)
    data = bytearray(path.read_bytes())
    # A ZIP's member begins with a header of 30 bytes, its name, and here 20 bytes for large files.
    data[member.header_offset + 50 + len(member.filename) + member.compress_size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupError):
        archive.verify(path)


@pytest.mark.parametrize(
    "name",
    [
        *("../rules.yaml", "/etc/rules.yaml", "a/../../b.yaml", "models/genres/../../b.yaml"),
        *("tigertag.db", "session.key", "models/genres/x/../../../y", "c:\\rules.yaml", ".x.yaml"),
    ],
)
def test_a_path_that_leads_out_of_what_backups_hold_is_refused(path: Path, name: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        made = json.loads(members["manifest.json"])
        made["files"] = {name: made["files"]["rules.yaml"]}
        members["manifest.json"] = json.dumps(made).encode()
        members[f"files/{name}"] = members.pop("files/rules.yaml")

    _rewrite(path, change)
    with pytest.raises(BackupError, match="which no backup has"):
        archive.verify(path)


def test_a_member_that_the_manifest_does_not_list_is_refused(path: Path) -> None:
    _rewrite(path, lambda members: members.update({"files/more.yaml": b"x"}))
    with pytest.raises(BackupError, match="does not hold what its manifest lists"):
        archive.verify(path)


def test_a_member_that_unpacks_to_more_than_stated_is_not_read_on(path: Path) -> None:
    _rewrite(path, lambda members: members.update({"files/rules.yaml": b"0" * 50_000_000}))
    with archive.opened(path) as opened, pytest.raises(BackupError, match="damaged"):
        opened.extract("rules.yaml", path.with_name("out"))
    assert path.with_name("out").stat().st_size <= len("rules: []") + 1


def test_huge_rows_are_not_gathered_in_memory() -> None:
    huge = bytes(1 << 23)
    assert [len(batch) for batch in rows.batches([huge] * 6)] == [2, 2, 2]


def test_a_manifest_of_another_format_is_named(path: Path) -> None:
    _change_manifest(path, lambda made: made.update(format=2))
    with pytest.raises(BackupError, match="Update TigerTag"):
        archive.verify(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"{}"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(BackupError):
        archive.verify(tmp_path / "x.zip")


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="newer TigerTag"):
        check_revision("9999")


def test_a_disk_that_fills_leaves_the_old_backups_and_nothing_else(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreFull, match="earlier ones are kept"):
        archive.write(world.store, path.with_name("second.zip"), {})
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    archive.verify(path)


def test_rows_that_are_written_meanwhile_are_not_in_it(world: World, tmp_path: Path) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    read = rows.pages

    def writing(db: Any, table: Any) -> Any:
        with world.store.write() as other:
            other.execute(schema.events.insert().values(_EVENT))
            other.execute(schema.rules.insert().values(_RULE | {"word": table.name}))
        return read(db, table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "pages", writing)
        made = archive.write(world.store, tmp_path / "b.zip", {})
    # The first table is read after the first of these rows; then the state stays as it was.
    assert made.tables["rules"].rows <= 1


_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_EVENT = {"at": _NOW, "level": "info", "source": "system", "message": "x"}
_RULE = {"action": "deny", "created_at": _NOW}
