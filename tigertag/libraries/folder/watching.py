"""New files, as the file system tells of them; where it does not, `FolderWatch.problem` says so."""

import errno
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tigertag.errors import LibraryError, os_reason
from tigertag.libraries.folder.listing import as_text
from tigertag.model import Section

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.api import BaseObserver

_MOUNTS = Path("/proc/self/mountinfo")
_MOST_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
_DESCRIPTORS = Path("/proc/self/fdinfo")
# inotify tells of what this machine does alone; other machines write to these, too.
_SHARED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gpfs"}
    | {"9p", "virtiofs", "vboxsf", "prl_fs", "fakeowner", "davfs", "fuse"}
)
_LIMITS = (errno.ENOSPC, errno.EMFILE)
_INSTEAD = "New photos are found by scans alone: use a schedule."


class FolderWatch:
    """Calls `changed` when a file that may be listed was written or moved into a section.

    `folders`: where each section is. `is_listed`: whether a section lists a file, by its path below
    the root. Raises nothing; what cannot be watched is `problem`.
    """

    def __init__(
        self,
        root: str,
        folders: Mapping[Section, str],
        is_listed: Callable[[Section, str], bool],
        changed: Callable[[Section], None],
    ) -> None:
        self._root = root
        self._folders = folders
        self._is_listed = is_listed
        self._changed = changed
        self._observer: BaseObserver | None = None
        self._identity = _identity(root)
        self._problem = ""
        try:
            self._problem = _shared_mount(root) or self._start()
        except OSError as exc:
            self._problem = _refusal(root, exc)

    @property
    def problem(self) -> str:
        if not self._problem and _identity(self._root) != self._identity:
            shown = as_text(self._root)
            self._problem = f"The folder {shown} was removed, replaced or unmounted. {_INSTEAD}"
        return self._problem

    def close(self) -> None:
        if self._observer is not None:
            # One that did not start has no thread to join.
            with suppress(RuntimeError):
                self._observer.stop()
                self._observer.join()
            self._observer = None

    def _start(self) -> str:
        """Watch all folders; return which are not watched."""
        from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent
        from watchdog.observers import Observer

        # A folder that appears within one that has just appeared is added twice, without harm.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        before = _watches()
        self._observer = Observer()
        for section, folder in self._folders.items():
            # Reading a photo, as each scan does, must not be an event.
            kinds: list[type[FileSystemEvent]] = [FileCreatedEvent, FileClosedEvent, FileMovedEvent]
            handler = cast("FileSystemEventHandler", _Handler(partial(self._notice, section)))
            self._observer.schedule(handler, folder, recursive=True, event_filter=kinds)
        self._observer.start()
        return self._unwatched(before)

    def _unwatched(self, before: int | None) -> str:
        """The observer passes over folders that it cannot watch, so they are counted."""
        after, most = _watches(), _most_watches()
        if before is None or after is None:
            return ""
        folders = sum(1 for folder in self._folders.values() for _folder in os.walk(folder))
        if after - before >= folders:
            return ""
        return (
            f"{after - before} of {folders} folders are watched; the system allows {most} (raise"
            " fs.inotify.max_user_watches), and some may not be readable. What is new in the others"
            " is found by scans alone."
        )

    def _notice(self, section: Section, path: str) -> None:
        if self._is_listed(section, os.path.relpath(path, self._root)):
            self._changed(section)


class NoWatch:
    """The watch of a folder that cannot be watched."""

    def __init__(self, reason: LibraryError) -> None:
        self.problem = f"{reason} {_INSTEAD}"

    def close(self) -> None: ...


class _Handler:
    """What watchdog's observer calls; it asks for `dispatch` alone."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice

    def dispatch(self, event: "FileSystemEvent") -> None:
        if not event.is_directory:
            self._notice(os.fsdecode(event.dest_path or event.src_path))


def _identity(root: str) -> tuple[int, int] | None:
    try:
        status = os.stat(root)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _refusal(root: str, exc: OSError) -> str:
    if exc.errno in _LIMITS:
        return (
            f"The folder {as_text(root)} cannot be watched: {exc.strerror}. Raise"
            f" fs.inotify.max_user_watches or max_user_instances of this system. {_INSTEAD}"
        )
    return f"The folder {as_text(root)} cannot be watched: {os_reason(exc, root)}. {_INSTEAD}"


def _shared_mount(root: str) -> str:
    """Say which file system in or around a folder does not tell of all changes; "": none."""
    around = ("/", "")
    for place, kind in _mounts():
        if _is_below(place, root) and _is_shared(kind):
            around = (place, kind)
            break
        if _is_below(root, place) and len(place) >= len(around[0]):
            around = (place, kind)
    place, kind = around
    if not _is_shared(kind):
        return ""
    return (
        f"{as_text(place)} is a file system ({kind}) that does not tell of changes made elsewhere."
        f" {_INSTEAD}"
    )


def _is_shared(kind: str) -> bool:
    # fuseblk is a disk of this machine, such as one of NTFS.
    return kind in _SHARED or kind.startswith("fuse.")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _mounts() -> Iterator[tuple[str, str]]:
    """Yield where file systems are mounted, and their types; nothing where that is not known."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        before, _dash, after = line.partition(" - ")
        place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), before.split()[4])
        yield place, after.split()[0]


def _watches() -> int | None:
    """Count the inotify watches of this process; None where that is not known."""
    try:
        return sum(_watches_of(path) for path in _DESCRIPTORS.iterdir())
    except OSError:
        return None


def _watches_of(descriptor: Path) -> int:
    try:
        return descriptor.read_text(encoding="ascii").count("inotify wd:")
    except OSError:
        return 0


def _most_watches() -> str:
    try:
        return _MOST_WATCHES.read_text(encoding="ascii").strip()
    except OSError:
        return "no more"
