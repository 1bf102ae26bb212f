"""Restoring a backup, with nothing else at work; all of it, or nothing."""

import filecmp
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tigertag.core import Core
from tigertag.errors import Conflict, StoreUnavailable, os_reason
from tigertag.scan import spool
from tigertag.scan.worker import home_lock
from tigertag.services import backups, events
from tigertag.services.backups import BackupView
from tigertag.store import migrate
from tigertag.store.transfer import archive
from tigertag.store.transfer.archive import Archive
from tigertag.store.transfer.restore import check_revision
from tigertag.store.transfer.restore import restore as restore_rows

_DRAFT = ".restoring"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `replaced`: where what was there before is kept."""

    backup: BackupView
    replaced: tuple[Path, ...]


def restore(core: Core, path: Path) -> Restored:
    """Restore a backup onto this home and its database, whatever is there.

    What it replaces is kept. Raises `BackupError`, `SchemaMismatch`: the archive cannot be used;
    `Conflict`: TigerTag is at work; `StoreError`. Then nothing is changed.
    """
    with _stopped(core), archive.opened(path) as opened:
        check_revision(opened.manifest.revision)
        opened.check()
        migrate.refuse_others(core.store)
        replaced = _replaced_database(core)
        files = _Files(core, opened)
        with files.staged():
            old = restore_rows(
                core.store, opened, home=spool.home_id(core), then=files.put_in_place
            )
        view = backups.look(path)
        events.record(core, "info", "backup", f"Backup {path.name} was restored.")
    kept = (old, replaced, files.replaced)
    return Restored(view, tuple(each for each in kept if each is not None))


@contextmanager
def _stopped(core: Core) -> Iterator[None]:
    with home_lock(core.home) as is_free:
        if not is_free:
            raise Conflict(
                f"TigerTag is running with {core.home}; nothing was changed. Stop it, then restore."
            )
        yield


def _replaced_database(core: Core) -> Path | None:
    """Back up what a PostgreSQL database holds; an SQLite file is kept as it is."""
    if core.store.sqlite_path is not None or migrate.current(core.store) is None:
        return None
    return core.backups / backups.make(core, "replaced").name


class _Files:
    """The archive's files: laid beside the home's, then put in their places together.

    `replaced`: the folder where the home's own are kept; None where none was replaced.
    """

    def __init__(self, core: Core, opened: Archive) -> None:
        self._home = core.home.absolute()
        self._archive = opened
        self._draft = self._home / _DRAFT
        self._kept = core.backups / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        self._placed: list[str] = []
        self.replaced: Path | None = None

    @contextmanager
    def staged(self) -> Iterator[None]:
        try:
            shutil.rmtree(self._draft, ignore_errors=True)
            for name in self._archive.manifest.files:
                target = self._draft / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._archive.extract(name, target)
            yield
        except OSError as exc:
            self._put_back()
            raise StoreUnavailable(
                f"The backup's files cannot be written ({os_reason(exc)}); nothing was changed."
            ) from exc
        except BaseException:
            self._put_back()
            raise
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)

    def put_in_place(self) -> None:
        for name in self._changed():
            own, kept = self._home / name, self._kept / name
            if own.exists():
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copy2(own, kept)
                self.replaced = self._kept
            own.parent.mkdir(parents=True, exist_ok=True)
            # Not before: until here the home's own is in its place, and its copy may be cut off.
            self._placed.append(name)
            os.replace(self._draft / name, own)

    def _changed(self) -> Sequence[str]:
        return [
            name
            for name in self._archive.manifest.files
            if not _same(self._home / name, self._draft / name)
        ]

    def _put_back(self) -> None:
        lost = False
        for name in self._placed:
            own, kept = self._home / name, self._kept / name
            try:
                if kept.exists():
                    # Moved: the folder of backups may be on another disk.
                    shutil.move(kept, own)
                else:
                    own.unlink(missing_ok=True)
            except OSError:
                lost = True
        if not lost:
            shutil.rmtree(self._kept, ignore_errors=True)


def _same(own: Path, other: Path) -> bool:
    return own.is_file() and filecmp.cmp(own, other, shallow=False)
