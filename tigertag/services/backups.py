"""Backups: one each night, more on request; listed, verified and restored."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from tigertag.core import Core
from tigertag.errors import (
    BackupError,
    Conflict,
    NotFound,
    StoreError,
    StoreUnavailable,
    TigerTagError,
    os_reason,
)
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.services import events, nights
from tigertag.store import engine_state
from tigertag.store.transfer import archive, manifest
from tigertag.store.transfer.manifest import Manifest
from tigertag.text import megabytes, one_line

BackupKind = Literal["nightly", "manual", "replaced"]

_NAME = re.compile(r"tigertag-(\d{8}T\d{6}Z)-(nightly|manual|replaced)\.zip")
_STAMP = "%Y%m%dT%H%M%SZ"
_LEASE, _LEASE_S = "backup", 30.0
_AGAIN_AFTER = timedelta(hours=1)
_YAML = ("rules.yaml", "rules.yml", "faces.yaml", "faces.yml")
_WANTED, _PROBLEM = f"{engine_state.BACKUP}wanted", f"{engine_state.BACKUP}problem"
_SINCE, _RETRY = f"{engine_state.BACKUP}since", f"{engine_state.BACKUP}retry"


@dataclass(frozen=True, slots=True)
class BackupView:
    """A backup. `problem`: why it cannot be restored; then the facts after `size_bytes` are empty.

    `kind`: `replaced` holds what a restore has replaced.
    """

    name: str
    made_at: datetime
    kind: BackupKind
    size_bytes: int
    version: str = ""
    revision: str = ""
    items: int = 0
    rows: int = 0
    files: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BackupsView:
    """All backups, the newest first.

    `is_running`: one is being made, or will be within seconds. `next_at`: when the nightly one is
    due. `problem`: why the last one could not be made.
    """

    backups: tuple[BackupView, ...]
    folder: Path
    is_running: bool
    next_at: datetime | None
    problem: str


def listed(core: Core) -> BackupsView:
    """Return all backups, and how it stands with the next. Raises `StoreError`."""
    with core.store.read() as db:
        state = engine_state.states_under(db, "", engine_state.BACKUP)
        is_running = _WANTED in state or engine_state.is_leased(db, "", _LEASE)
    at, now = core.backup_at, datetime.now(UTC)
    next_at = None if at is None else nights.following(now, at, core.timezone)
    problem = state.get(_PROBLEM, "")
    return BackupsView(in_folder(core.backups), core.backups, is_running, next_at, problem)


def in_folder(folder: Path) -> tuple[BackupView, ...]:
    """Return the backups of a folder, the newest first."""
    return tuple(look(path) for path in _paths(folder))


def _paths(folder: Path) -> list[Path]:
    try:
        names = sorted((path.name for path in folder.iterdir()), reverse=True)
    except OSError:
        return []
    return [folder / name for name in names if _NAME.fullmatch(name)]


def look(path: Path, *, reread: bool = False) -> BackupView:
    """Return what there is of a backup; `reread`: all of it is read and compared."""
    kind = _kind(path)
    try:
        status = path.stat()
        made_at = datetime.fromtimestamp(status.st_mtime, UTC)
        if _NAME.fullmatch(path.name):
            made_at = _made_at(path.name)
        made = archive.verify(path) if reread else archive.read_manifest(path)
    except FileNotFoundError as exc:
        raise NotFound(f"There is no backup {path.name!r}.") from exc
    except (BackupError, StoreError) as exc:
        return BackupView(path.name, made_at, kind, status.st_size, problem=one_line(str(exc)))
    return _view(path.name, made_at, kind, status.st_size, made)


def _view(
    name: str, made_at: datetime, kind: BackupKind, size_bytes: int, made: Manifest
) -> BackupView:
    rows = {table: part.rows for table, part in made.tables.items()}
    return BackupView(
        name,
        made_at,
        kind,
        size_bytes,
        made.version,
        made.revision,
        rows.get("items", 0),
        sum(rows.values()),
        len(made.files),
    )


def path_of(core: Core, name: str) -> Path:
    """Return a backup's file. Raises `NotFound`."""
    path = core.backups / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound(f"There is no backup {name!r}.")
    return path


def verify(core: Core, name: str) -> BackupView:
    """Read all of a backup; its `problem` says what is wrong with it. Raises `NotFound`."""
    return look(path_of(core, name), reread=True)


def create(core: Core) -> BackupsView:
    """Let the service make a backup; it begins within seconds, and `listed` shows it."""
    with core.store.write() as db:
        engine_state.put_state(db, "", _WANTED, "manual")
    return listed(core)


def make(core: Core, kind: BackupKind = "manual") -> BackupView:
    """Make a backup now. Raises `Conflict` while another is being made, `StoreError`."""
    with _alone(core) as is_alone:
        if not is_alone:
            raise Conflict("Another backup is being made; wait for it.")
        return _make(core, kind)


@contextmanager
def _alone(core: Core) -> Iterator[bool]:
    with StoredPluginState(core.store, "").alone(_LEASE, lease_s=_LEASE_S) as is_alone:
        yield is_alone


def _make(core: Core, kind: BackupKind) -> BackupView:
    """Make a backup, and take down how that went, for the event log and for `listed`."""
    try:
        _tidy(core.backups)
        path = _new_path(core.backups, kind)
        made = archive.write(core.store, path, files(core))
    except OSError as exc:
        problem = f"{core.backups} cannot be used ({os_reason(exc)}); earlier backups are kept."
        _note(core, problem)
        raise StoreUnavailable(f"No backup was made: {problem}") from exc
    except TigerTagError as exc:
        _note(core, one_line(str(exc)))
        raise
    view = _view(path.name, datetime.now(UTC), kind, path.stat().st_size, made)
    _note(core, "", f"Backup {path.name}: {view.items} items, {megabytes(view.size_bytes)}.")
    return view


def _new_path(folder: Path, kind: BackupKind) -> Path:
    while True:
        path = folder / f"tigertag-{datetime.now(UTC).strftime(_STAMP)}-{kind}.zip"
        if not path.exists():
            return path
        time.sleep(0.2)


def _tidy(folder: Path) -> None:
    """Delete what a killed backup has left; whoever holds the lease is the only one at work."""
    for path in folder.glob(f".tigertag-*{archive.PART}"):
        path.unlink(missing_ok=True)


def _note(core: Core, problem: str, message: str = "") -> None:
    with core.store.write() as db:
        engine_state.put_state(db, "", _PROBLEM, problem)
    if problem:
        events.record(core, "error", "backup", f"No backup was made: {problem}")
    else:
        events.record(core, "info", "backup", message)


def files(core: Core) -> Mapping[str, Path]:
    """Return the home's files that backups hold: rules, faces.yaml, genre models."""
    home = core.home.absolute()
    named = [home / name for name in _YAML]
    if core.rules_file is not None:
        named.append(core.rules_file.absolute())
    models = core.host.models.absolute() / "genres"
    paths = [*named, *(path for path in models.glob("*/*") if "." not in path.parent.name)]
    inside = (path for path in paths if path.is_file() and path.is_relative_to(home))
    relative = {path.relative_to(home).as_posix(): path for path in inside}
    return {name: path for name, path in relative.items() if manifest.may_hold(name)}


def run_due(core: Core) -> None:
    """Make the backup that is wanted, or due this night; the task of the service."""
    state = _state(core)
    if _WANTED not in state and not _is_due(core, state):
        return
    with _alone(core) as is_alone:
        if not is_alone:
            return
        state = _state(core)
        if _WANTED in state:
            _forget(core, _WANTED)
            _make(core, "manual")
        elif _is_due(core, state):
            _make_nightly(core)


def _make_nightly(core: Core) -> None:
    begun = datetime.now(UTC)
    _put(core, _RETRY, begun + _AGAIN_AFTER)
    _make(core, "nightly")
    _put(core, _SINCE, begun)
    prune(core)


def _state(core: Core) -> dict[str, str]:
    with core.store.read() as db:
        return engine_state.states_under(db, "", engine_state.BACKUP)


def _put(core: Core, name: str, at: datetime) -> None:
    with core.store.write() as db:
        engine_state.put_state(db, "", name, at.isoformat())


def _forget(core: Core, name: str) -> None:
    with core.store.write() as db:
        engine_state.drop_state(db, "", name)


def _is_due(core: Core, state: Mapping[str, str]) -> bool:
    """Whether a night's time has come since the last backup; one that failed waits an hour.

    The first backup of a new database is made in its first night, not when it is started.
    """
    if core.backup_at is None:
        return False
    now = datetime.now(UTC)
    if _SINCE not in state:
        _put(core, _SINCE, now)
        return False
    retry = state.get(_RETRY)
    if retry is not None and datetime.fromisoformat(retry) > now:
        return False
    last = nights.last(now, core.backup_at, core.timezone)
    return datetime.fromisoformat(state[_SINCE]) < last


def prune(core: Core) -> None:
    """Delete nightly backups but those of the newest days and weeks."""
    nightly = {
        path: _made_at(path.name) for path in _paths(core.backups) if _kind(path) == "nightly"
    }
    for path in nights.surplus(nightly, core.timezone):
        try:
            path.unlink()
        except OSError as exc:
            message = f"The old backup {path.name} cannot be deleted: {os_reason(exc)}."
            events.record(core, "warning", "backup", message)


def _kind(path: Path) -> BackupKind:
    matched = _NAME.fullmatch(path.name)
    return cast(BackupKind, matched[2]) if matched else "manual"


def _made_at(name: str) -> datetime:
    return datetime.strptime(name.split("-")[1], _STAMP).replace(tzinfo=UTC)
