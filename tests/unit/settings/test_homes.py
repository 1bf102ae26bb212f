"""Which home is used, and which may have been meant."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tigertag.errors import SettingsError
from tigertag.settings import homes, load


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is far from any other home; the checkout is beside it."""
    monkeypatch.setattr(homes, "_CHECKOUT", tmp_path / "checkout")
    folder = tmp_path / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def kept(home: Path) -> Path:
    home.mkdir(parents=True)
    (home / "tigertag.db").write_bytes(b"")
    return home


def test_another_working_directory_has_a_new_home_and_it_is_said(apart: Path) -> None:
    loaded = load({})
    assert homes.is_new(loaded)
    assert f"{apart / 'data'}, which is new" in homes.note(loaded)


def test_a_home_with_a_database_is_named_and_not_new(apart: Path) -> None:
    home = kept(apart / "data")
    loaded = load({})
    assert not homes.is_new(loaded)
    assert homes.note(loaded) == f"TIGERTAG_HOME is {home}."


def test_with_a_database_elsewhere_an_empty_home_is_new_and_a_used_one_is_not(apart: Path) -> None:
    loaded = load({"DB_URL": "postgresql://box/tigertag"})
    assert homes.is_new(loaded)
    (apart / "data").mkdir()
    (apart / "data" / "features").mkdir()
    assert not homes.is_new(loaded)


@pytest.mark.parametrize("name", ["checkout/data", "a/b/c/data", "a/b/c/d/data", "set/data"])
def test_another_home_that_may_have_been_meant_is_named(apart: Path, name: str) -> None:
    other = kept(apart.parents[3] / name)
    loaded = load({"TIGERTAG_HOME": str(apart.parents[3] / "set" / "new")})
    assert homes.other(loaded) == other
    assert f"TIGERTAG_HOME={other}" in homes.note(loaded)


def test_the_home_itself_by_another_name_is_no_other(apart: Path) -> None:
    kept(apart / "data")
    (apart / "link").symlink_to(apart / "data")
    assert homes.other(load({"TIGERTAG_HOME": str(apart / "link")})) is None


def refusing(code: int) -> Any:
    def temporary_file(dir: Path) -> None:
        raise OSError(code, os.strerror(code), str(dir / "tmp1234"))

    return temporary_file


def test_a_home_that_cannot_be_written_names_user_owner_and_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "TemporaryFile", refusing(errno.EACCES))
    tmp_path.chmod(0o755)
    own = tmp_path.stat()
    with pytest.raises(SettingsError) as caught:
        homes.check(tmp_path)
    assert str(caught.value) == (
        f"TIGERTAG_HOME: {tmp_path} cannot be written (Permission denied: TigerTag runs as uid"
        f" {os.geteuid()}, gid {os.getegid()}, the folder {tmp_path} belongs to uid {own.st_uid},"
        f" gid {own.st_gid}, mode drwxr-xr-x). Nothing was changed; run `chown -R"
        f" {os.geteuid()}:{os.getegid()} {tmp_path}`, or start TigerTag as its owner (in a"
        " container: PUID and PGID)."
    )


def test_a_home_on_a_read_only_mount_is_not_a_matter_of_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "TemporaryFile", refusing(errno.EROFS))
    with pytest.raises(SettingsError, match="mount it writable") as caught:
        homes.check(tmp_path)
    assert "chown" not in str(caught.value)


def test_a_full_disk_is_not_called_a_home_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "TemporaryFile", refusing(errno.ENOSPC))
    homes.check(tmp_path)


@pytest.mark.parametrize("name", ["tigertag.db", "tigertag.db-wal", "work.lock"])
def test_a_file_that_another_user_has_left_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).touch()
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != name)
    with pytest.raises(SettingsError, match=rf"/{name} cannot be written .*the file .*chown -R"):
        homes.check(tmp_path)


def test_a_home_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tigertag.db").touch()
    homes.check(tmp_path)
    homes.check(tmp_path / "not yet there")
    assert [path.name for path in tmp_path.iterdir()] == ["tigertag.db"]
