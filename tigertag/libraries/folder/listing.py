"""What photos and videos there are: names, sizes and times, read from the folders alone."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tigertag.errors import LibraryUnavailable
from tigertag.libraries.folder.keys import key, sidecars, text
from tigertag.media.formats import EXTENSIONS, VIDEO_EXTENSIONS
from tigertag.model import Media

logger = logging.getLogger(__name__)

_PASSED_OVER = (".", "@eaDir")
"""Hidden files, and the folders in which a Synology NAS keeps previews of its own."""


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


def files(root: str, start: str, *, min_bytes: int = 0) -> Iterator[File]:
    """Yield what is below `start`, relative to `root`, folder by folder, each sorted by name.

    Hidden files and folders, links to folders, and links out of `root` are passed over, and so are
    folders that cannot be read, with a warning. Raises `LibraryUnavailable`.
    """
    folders = [start]
    while folders:
        where = folders.pop()
        entries = _entries(root, where, must=where == start)
        prefix = "" if where == "." else where + "/"
        below = []
        for name in sorted(entries):
            entry = entries[name]
            if entry.is_dir(follow_symlinks=False):
                below.append(prefix + name)
            elif media_of(name) is not None:
                file = _file(root, prefix, entry, entries)
                if file is not None and file.size_bytes >= min_bytes:
                    yield file
        folders.extend(reversed(below))


def _entries(root: str, where: str, *, must: bool) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, where)) as found:
            return {entry.name: entry for entry in found if not entry.name.startswith(_PASSED_OVER)}
    except OSError as exc:
        if must or not os.access(root, os.R_OK | os.X_OK):
            shown = text(os.path.normpath(os.path.join(root, where if must else ".")))
            raise LibraryUnavailable(f"The folder {shown} cannot be read: {exc.strerror}.") from exc
        if not isinstance(exc, FileNotFoundError):
            logger.warning("folder %s passed over: %s", text(where), exc.strerror)
        return {}


def media_of(name: str) -> Media | None:
    """Tell by its name what a file is; None: neither a photo nor a video."""
    extension = os.path.splitext(name)[1].lower()
    if extension in VIDEO_EXTENSIONS:
        return Media.VIDEO
    return Media.PHOTO if extension in EXTENSIONS else None


def _file(
    root: str, prefix: str, entry: os.DirEntry[str], entries: dict[str, os.DirEntry[str]]
) -> File | None:
    media = media_of(entry.name) or Media.PHOTO
    try:
        if not (entry.is_file() and (not entry.is_symlink() or inside(root, entry.path))):
            return None
        status = entry.stat()
        mark = _mark(entry.name, entries)
    except OSError:
        # It went away since its folder was read: the next scan will see what there is.
        return None
    revision = revision_of(status)
    return File(key(prefix + entry.name), text(entry.name), status.st_size, revision, mark, media)


def _mark(name: str, entries: dict[str, os.DirEntry[str]]) -> str:
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
