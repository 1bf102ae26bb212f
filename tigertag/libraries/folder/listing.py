"""What photos and videos there are: names, sizes and times, read from the folders alone."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tigertag.contracts import LeftOutReason, Notes
from tigertag.errors import LibraryUnavailable, os_reason
from tigertag.libraries.folder.choosing import NOMEDIA, Choice
from tigertag.libraries.folder.keys import key, sidecars, text
from tigertag.media.formats import (
    RAW_EXTENSIONS,
    UNREAD_EXTENSIONS,
    media_of,
)
from tigertag.model import Media

logger = logging.getLogger(__name__)

_WHOLE = "."
_UNREAD = {
    **dict.fromkeys(RAW_EXTENSIONS, LeftOutReason.RAW),
    **dict.fromkeys(UNREAD_EXTENSIONS, LeftOutReason.OTHER_FORMAT),
    ".jxl": LeftOutReason.JPEG_XL,
}


@dataclass(frozen=True, slots=True)
class File:
    """A photo or video that a listing found. `sidecar` is its sidecar's stamp, "" without one."""

    key: str
    name: str
    size_bytes: int
    revision: str
    sidecar: str
    media: Media


def stamp(status: os.stat_result) -> str:
    """Return what changes whenever a sidecar does, also where its size and mtime are kept."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def stamps(own: Iterable[os.stat_result], common: Iterable[os.stat_result]) -> str:
    """Return what changes whenever a photo's sidecars do; "" without any.

    `own`: of those for it alone; `common`: of those for all photos of its name. Of one sidecar of
    its own, the usual case, this is that one's stamp. A disk that does not tell upper from lower
    case shows one file under several names.
    """
    by_file: dict[tuple[int, int], tuple[bool, str]] = {}
    for is_own, found in ((True, own), (False, common)):
        for one in found:
            by_file.setdefault((one.st_dev, one.st_ino), (is_own, stamp(one)))
    marks = [*by_file.values()]
    first = marks.pop(0)[1] if marks and marks[0][0] else ""
    if not marks:
        return first
    rest = hashlib.blake2b(";".join(mark for _own, mark in marks).encode(), digest_size=16)
    return f"{first};{rest.hexdigest()}"


def files(
    root: str, start: str, choice: Choice | None = None, notes: Notes | None = None
) -> Iterator[File]:
    """Yield what is below `start`, relative to `root`, folder by folder, each sorted by name.

    What `choice` leaves out, links to folders, and links out of `root` are passed over, and so are
    folders that cannot be read, with a warning. All of it is noted. Raises `LibraryUnavailable`.
    """
    return _Walk(root, start, choice or Choice(), notes or Notes()).files()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to be read. `mount`: the nearest one above that is a file system of its own."""

    path: str
    device: int | None
    mount: str


class _Walk:
    """One way through the folders below `start`."""

    def __init__(self, root: str, start: str, choice: Choice, notes: Notes) -> None:
        self._root = root
        self._start = start
        self._choice = choice
        self._notes = notes

    def files(self) -> Iterator[File]:
        mount = _WHOLE if is_mount(self._root) else ""
        folders = [_Folder(self._start, _device(self._root, self._start), mount)]
        while folders:
            folder = folders.pop()
            below: list[_Folder] = []
            for file in self._files(folder, below):
                if folder.mount:
                    self._notes.mounts.add(folder.mount)
                yield file
            folders.extend(reversed(below))

    def _files(self, folder: _Folder, below: list[_Folder]) -> Iterator[File]:
        where = folder.path
        entries = self._entries(where)
        if where != self._start and NOMEDIA in entries and self._choice.heeds_nomedia(where):
            self._leave_out(LeftOutReason.NOMEDIA, where)
            return
        prefix = "" if where == _WHOLE else where + "/"
        for name in sorted(entries):
            entry = entries[name]
            if entry.is_dir(follow_symlinks=False):
                if self._choice.excludes_folder(prefix + name, entries):
                    self._leave_out(LeftOutReason.EXCLUDED_FOLDER, prefix + name)
                else:
                    below.append(_inner(folder, prefix + name, entry))
            else:
                file = self._file(prefix + name, entry, entries)
                if file is not None:
                    yield file

    def _entries(self, where: str) -> dict[str, os.DirEntry[str]]:
        path = os.path.normpath(os.path.join(self._root, where))
        try:
            with os.scandir(path) as found:
                return {entry.name: entry for entry in found}
        except OSError as exc:
            must = where == self._start
            if must or not os.access(self._root, os.R_OK | os.X_OK):
                shown = path if must else self._root
                raise LibraryUnavailable(
                    f"The folder {text(shown)} cannot be read: {os_reason(exc, shown)}."
                ) from exc
            if not isinstance(exc, FileNotFoundError):
                reason = os_reason(exc, path)
                logger.warning("folder %s passed over: %s", text(where), reason)
                self._notes.unread.append(key(where) + "/")
                self._leave_out(LeftOutReason.UNREADABLE_FOLDER, f"{where} ({reason})")
            return {}

    def _file(
        self, path: str, entry: os.DirEntry[str], entries: Mapping[str, os.DirEntry[str]]
    ) -> File | None:
        media = media_of(entry.name)
        if media is None:
            self._other(path, entry)
            return None
        if self._choice.excludes_file(path):
            self._leave_out(LeftOutReason.EXCLUDED_FILE, path)
            return None
        try:
            if entry.is_symlink() and not (entry.is_file() and inside(self._root, entry.path)):
                self._leave_out(LeftOutReason.LINK, path)
                return None
            if not entry.is_file():
                return None
            status = entry.stat()
            mark = _mark(entry.name, entries)
        except FileNotFoundError:
            # It went away since its folder was read: the next scan will see what there is.
            return None
        except OSError as exc:
            self._notes.unread.append(key(path))
            self._leave_out(LeftOutReason.UNREADABLE_FILE, f"{path} ({os_reason(exc, entry.path)})")
            return None
        if status.st_size < self._choice.min_bytes:
            self._leave_out(LeftOutReason.TOO_SMALL, path)
            return None
        revision = revision_of(status)
        return File(key(path), text(entry.name), status.st_size, revision, mark, media)

    def _other(self, path: str, entry: os.DirEntry[str]) -> None:
        """Note what is neither a photo nor a video that TigerTag reads, if it is one at all."""
        reason = _UNREAD.get(os.path.splitext(entry.name)[1].lower())
        if entry.is_symlink():
            reason = LeftOutReason.LINK if entry.is_dir() else None
        if reason is not None and not self._choice.excludes_file(path):
            self._leave_out(reason, path)

    def _leave_out(self, reason: LeftOutReason, path: str) -> None:
        self._notes.leave_out(reason, text(path))


def _inner(folder: _Folder, path: str, entry: os.DirEntry[str]) -> _Folder:
    try:
        device = entry.stat(follow_symlinks=False).st_dev
    except OSError:
        return _Folder(path, folder.device, folder.mount)
    apart = folder.device not in (None, device)
    return _Folder(path, device, path if apart else folder.mount)


def _device(root: str, folder: str) -> int | None:
    try:
        return os.stat(os.path.join(root, folder)).st_dev
    except OSError:
        return None


def is_mount(folder: str) -> bool:
    """Whether a folder is there and lies on another file system than the one that it is in."""
    try:
        return os.stat(folder).st_dev != os.stat(os.path.dirname(folder)).st_dev
    except OSError:
        return False


def _mark(name: str, entries: Mapping[str, os.DirEntry[str]]) -> str:
    own, common = sidecars(name)
    if entries.keys().isdisjoint(own + common):
        return ""
    found = (
        [entries[each].stat(follow_symlinks=False) for each in names if each in entries]
        for names in (own, common)
    )
    return stamps(*found)


def revision_of(status: os.stat_result) -> str:
    """Return what changes when a file's content does, as far as its folder tells."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def inside(root: str, path: str) -> bool:
    """Tell whether a path, all links followed, is below `root`, which holds no link itself."""
    return os.path.commonpath((root, os.path.realpath(path))) == root
