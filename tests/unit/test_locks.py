"""Locks, and file systems that have none."""

from contextlib import closing
from errno import EIO, ENOLCK, EOPNOTSUPP
from pathlib import Path

import pytest

from tests.world import World
from tigertag import locks
from tigertag.errors import StoreUnavailable
from tigertag.scan import worker as workshop
from tigertag.services.accounts import Accounts
from tigertag.store import Store, migrate


def without_locks(monkeypatch: pytest.MonkeyPatch, errno: int) -> None:
    def refuse(_file: object, _how: int) -> None:
        raise OSError(errno, "no locks")

    monkeypatch.setattr("tigertag.locks.flock", refuse)


def test_a_lock_is_one_holders(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("w") as first, path.open("w") as second:
        assert (locks.try_to_lock(first), locks.try_to_lock(second)) == ("held", "taken")


@pytest.mark.parametrize("errno", [ENOLCK, EOPNOTSUPP])
def test_where_there_are_no_locks_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errno: int
) -> None:
    without_locks(monkeypatch, errno)
    with workshop.home_lock(tmp_path) as free:
        assert free


def test_another_fault_of_the_disk_comes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch, EIO)
    with (tmp_path / "x").open("w") as file, pytest.raises(OSError, match="no locks"):
        locks.wait_for(file)


def test_sqlite_is_refused_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch, ENOLCK)
    with (
        closing(Store(f"sqlite:///{tmp_path}/tigertag.db")) as store,
        pytest.raises(StoreUnavailable, match="no locks"),
    ):
        migrate.upgrade(store)


def test_the_key_of_sessions_is_one_for_all_processes_without_locks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch, ENOLCK)
    first, exists = Accounts(world.core), Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name != "session.key" and exists(path))
    keys = {Accounts(world.core).secret(), first.secret()}
    assert len(keys) == 1
