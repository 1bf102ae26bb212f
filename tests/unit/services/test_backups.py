"""Backups are made by themselves at night, or on request; failures are events, and lose nothing."""

import errno
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from tests.world import World
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, StoreFull, StoreUnavailable
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.services import backups, events
from tigertag.store import engine_state


@pytest.fixture
def core(world: World) -> Core:
    """A core whose nightly backup was due a minute ago, for the first time since yesterday."""
    due = datetime.now(UTC) - timedelta(minutes=1)
    made = replace(world.core, backup_at=time(due.hour, due.minute))
    with made.store.write() as db:
        yesterday = (due - timedelta(days=1)).isoformat()
        engine_state.put_state(db, "", "backup-since", yesterday)
    return made


def kinds(core: Core) -> list[str]:
    return [view.kind for view in backups.listed(core).backups]


def fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)


def test_a_night_has_one_backup(core: Core) -> None:
    backups.run_due(core)
    backups.run_due(core)
    assert kinds(core) == ["nightly"]
    (event,) = events.recent(core, source="backup")
    assert (event.level, event.message.startswith("Backup tigertag-")) == ("info", True)


def test_a_new_database_waits_for_its_first_night(core: Core) -> None:
    with core.store.write() as db:
        engine_state.drop_state(db, "", "backup-since")
    backups.run_due(core)
    backups.run_due(core)
    assert kinds(core) == []


def test_none_is_made_at_night_where_it_is_switched_off(core: Core) -> None:
    off = replace(core, backup_at=None)
    backups.run_due(off)
    assert kinds(off) == []
    assert backups.listed(off).next_at is None


def test_one_that_fails_is_an_event_and_waits_an_hour(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail(patch)
        with pytest.raises(StoreFull):
            backups.run_due(core)
    backups.run_due(core)
    assert kinds(core) == []
    assert "is full" in backups.listed(core).problem
    assert [event.level for event in events.recent(core, source="backup")] == ["error"]


def test_the_next_good_one_clears_the_problem(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fail(patch)
        with pytest.raises(StoreFull):
            backups.make(core)
    backups.make(core)
    assert backups.listed(core).problem == ""


def test_one_that_is_asked_for_is_made_by_the_service(core: Core) -> None:
    off = replace(core, backup_at=None)
    assert backups.create(off).is_running
    backups.run_due(off)
    backups.run_due(off)
    assert kinds(off) == ["manual"]
    assert not backups.listed(off).is_running


def test_two_are_not_made_at_once(core: Core) -> None:
    with StoredPluginState(core.store, "").alone("backup", lease_s=30):
        backups.run_due(core)
        with pytest.raises(Conflict):
            backups.make(core)
    assert kinds(core) == []


def test_what_a_killed_backup_left_is_deleted(core: Core) -> None:
    core.backups.mkdir()
    left = core.backups / ".tigertag-20260101T000000Z-nightly.zip.part"
    left.write_bytes(b"half")
    backups.make(core)
    assert not left.exists()


def test_a_folder_that_cannot_be_tidied_is_a_problem_that_is_shown(core: Core) -> None:
    (core.backups / ".tigertag-20260101T000000Z-nightly.zip.part").mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        backups.make(core)
    assert "cannot be used" in backups.listed(core).problem


def test_old_nightly_ones_are_deleted_and_others_kept(core: Core) -> None:
    core.backups.mkdir()
    for day in range(1, 29):
        (core.backups / f"tigertag-202601{day:02}T023000Z-nightly.zip").touch()
    (core.backups / "tigertag-20250101T000000Z-manual.zip").touch()
    (core.backups / "mine.zip").touch()
    backups.run_due(core)
    # Of the seven days, the oldest but one ends a week; one more week is kept by its Sunday.
    assert kinds(core).count("nightly") == 7 + 1
    assert kinds(core).count("manual") == 1
    assert (core.backups / "mine.zip").exists()


def test_a_damaged_one_is_listed_with_what_is_wrong(core: Core) -> None:
    view = backups.make(core)
    path = core.backups / view.name
    path.write_bytes(path.read_bytes()[:-100])
    (listed,) = backups.listed(core).backups
    assert "cut off" in listed.problem
    assert backups.verify(core, view.name).problem


@pytest.mark.parametrize("name", ["../tigertag.db", "tigertag-1.zip", "", "a/b"])
def test_only_backups_are_handed_out(core: Core, name: str) -> None:
    with pytest.raises(NotFound):
        backups.path_of(core, name)


def test_only_files_of_the_home_that_it_may_hold_are_in_it(core: Core, tmp_path: Path) -> None:
    (core.home / "faces.yaml").write_text("faces: []")
    (core.home / "session.key").write_text("secret")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-rules.yaml"
    elsewhere.write_text("rules: []")
    assert [*backups.files(replace(core, rules_file=elsewhere))] == ["faces.yaml"]
