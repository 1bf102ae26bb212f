"""`tigertag backup` and `tigertag db copy|import-original`."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def name(run: Run) -> str:
    """A backup of a scan that has tagged a photo."""
    assert run("scan", "photos", "--apply").exit_code == 0
    created = run("backup", "create")
    assert created.exit_code == 0, created.output
    return Path(created.output.partition(": ")[0]).name


def test_a_backup_is_listed_verified_and_restored_onto_an_empty_home(
    run: Run, name: str, tmp_path: Path
) -> None:
    (listed,) = run("backup", "list", "--json").output.splitlines()
    assert json.loads(listed)["name"] == name
    assert name in run("backup", "list").output
    assert run("backup", "verify").exit_code == 0
    file = (tmp_path / "home/backups" / name).rename(tmp_path / "mine.zip")
    (tmp_path / "home").rename(tmp_path / "lost")
    restored = run("backup", "restore", str(file), "--yes")
    assert restored.exit_code == 0, restored.output
    assert "1 item, 1 unchanged" in run("scan", "photos", "--apply").output


def test_a_restore_asks_first(run: Run, name: str) -> None:
    asked = run("backup", "restore", name, input="n\n")
    assert (asked.exit_code, "Aborted" in asked.output) == (1, True)


def test_a_damaged_backup_is_named_and_restores_nothing(
    run: Run, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "home/backups" / name
    path.write_bytes(path.read_bytes()[:-40])
    for command in (("verify",), ("restore", name, "--yes")):
        result = run("backup", *command)
        assert (result.exit_code, "cut off" in result.output) == (1, True)
    assert "cut off" in run("backup", "list").output


def test_a_backup_that_is_not_there_is_named(run: Run) -> None:
    result = run("backup", "verify", "tigertag-1.zip")
    assert (result.exit_code, "There is no backup" in result.output) == (1, True)


def test_a_database_is_copied(
    run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    copied = run("db", "copy", url)
    assert copied.exit_code == 0, copied.output
    monkeypatch.setenv("DB_URL", url)
    assert "1 unchanged" in run("scan", "photos", "--apply").output


def test_an_address_that_is_no_databases_is_refused(run: Run) -> None:
    result = run("db", "copy", "mysql://user:secret@host/x")
    assert (result.exit_code, "secret" in result.output) == (1, False)


def test_a_file_that_is_no_original_is_refused(run: Run, photos: Path) -> None:
    result = run("db", "import-original", str(photos / "a.png"), "--library", "photos")
    assert (result.exit_code, "no database of the original" in result.output) == (1, True)
