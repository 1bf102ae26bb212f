"""What photos and videos there are: names, sizes and times, read from the folders alone."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tigertag.contracts import LeftOutReason, Notes
from tigertag.errors import LibraryUnavailable, Unreadable, os_reason
from tigertag.libraries.folder.exclusion import NOMEDIA, Exclusion
from tigertag.media.files import RAW_EXTENSIONS, UNREAD_EXTENSIONS, media_of
from tigertag.model import Item

logger = logging.getLogger(__name__)

WHOLE = "."
"""The section that is the whole folder."""
SIDECAR_ENDINGS = (".xmp", ".XMP", ".Xmp")
"""How a sidecar's name ends; where there are several, the first is the one that is written."""
_NOT_UTF8 = "./"
_UNREAD = {
    **dict.fromkeys(RAW_EXTENSIONS, LeftOutReason.RAW),
    **dict.fromkeys(UNREAD_EXTENSIONS, LeftOutReason.OTHER_FORMAT),
    ".jxl": LeftOutReason.JPEG_XL,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One way through the folders of a section of a library."""

    library: str
    root: str
    section: str
    exclusion: Exclusion
    notes: Notes

    def items(self) -> Iterator[Item]:
        """Yield what is below the section's folder, folder by folder, each sorted by name.

        What is excluded, links to folders, and links out of the library are passed over, and so are
        folders that cannot be read, with a warning. All of it is noted. Raises
        `LibraryUnavailable`.
        """
        mount = WHOLE if is_mount(self.root) else ""
        folders = [_Folder(self.section, _device(self.root, self.section), mount)]
        while folders:
            folder = folders.pop()
            subfolders: list[_Folder] = []
            for item in self._items_in(folder, subfolders):
                if folder.mount:
                    self.notes.mounts.add(folder.mount)
                yield item
            folders.extend(reversed(subfolders))

    def _items_in(self, folder: "_Folder", subfolders: "list[_Folder]") -> Iterator[Item]:
        entries = self._entries(folder.path)
        is_section = folder.path == self.section
        if not is_section and NOMEDIA in entries and self.exclusion.heeds_nomedia(folder.path):
            self._leave_out(LeftOutReason.NOMEDIA, folder.path)
            return
        prefix = "" if folder.path == WHOLE else folder.path + "/"
        for name in sorted(entries):
            entry, path = entries[name], prefix + name
            if not entry.is_dir(follow_symlinks=False):
                item = self._item(path, entry, entries)
                if item is not None:
                    yield item
            elif self.exclusion.excludes_folder(path, entries.__contains__):
                self._leave_out(LeftOutReason.EXCLUDED_FOLDER, path)
            else:
                subfolders.append(_subfolder(folder, path, entry))

    def _entries(self, path: str) -> dict[str, os.DirEntry[str]]:
        folder = os.path.normpath(os.path.join(self.root, path))
        try:
            with os.scandir(folder) as entries:
                return {entry.name: entry for entry in entries}
        except OSError as exc:
            is_section = path == self.section
            if is_section or not os.access(self.root, os.R_OK | os.X_OK):
                lost = folder if is_section else self.root
                raise LibraryUnavailable(
                    f"The folder {as_text(lost)} cannot be read: {os_reason(exc, lost)}."
                ) from exc
            if not isinstance(exc, FileNotFoundError):
                reason = os_reason(exc, folder)
                logger.warning("folder %s skipped: %s", as_text(path), reason)
                self.notes.unread.append(key_of(path) + "/")
                self._leave_out(LeftOutReason.UNREADABLE_FOLDER, f"{path} ({reason})")
            return {}

    def _item(
        self, path: str, entry: os.DirEntry[str], entries: Mapping[str, os.DirEntry[str]]
    ) -> Item | None:
        media = media_of(entry.name)
        if media is None:
            self._note_unlisted(path, entry)
            return None
        if self.exclusion.excludes_file(path):
            self._leave_out(LeftOutReason.EXCLUDED_FILE, path)
            return None
        try:
            if entry.is_symlink() and not (entry.is_file() and is_inside(self.root, entry.path)):
                self._leave_out(LeftOutReason.LINK, path)
                return None
            if not entry.is_file():
                return None
            status = entry.stat()
            stamp = _sidecar_stamp(entry.name, entries)
        except FileNotFoundError:
            # It went away since its folder was read: the next scan will see what there is.
            return None
        except OSError as exc:
            reason = os_reason(exc, entry.path)
            self.notes.unread.append(key_of(path))
            self._leave_out(LeftOutReason.UNREADABLE_FILE, f"{path} ({reason})")
            return None
        if status.st_size < self.exclusion.min_bytes:
            self._leave_out(LeftOutReason.TOO_SMALL, path)
            return None
        key, revision, title = key_of(path), revision_of(status), as_text(entry.name)
        return Item(self.library, self.section, key, revision, media, title, status.st_size, stamp)

    def _note_unlisted(self, path: str, entry: os.DirEntry[str]) -> None:
        """Note a picture of a format that TigerTag does not read, or a link to a folder."""
        reason = _UNREAD.get(os.path.splitext(entry.name)[1].lower())
        if entry.is_symlink():
            reason = LeftOutReason.LINK if entry.is_dir() else None
        if reason is not None and not self.exclusion.excludes_file(path):
            self._leave_out(reason, path)

    def _leave_out(self, reason: LeftOutReason, path: str) -> None:
        self.notes.leave_out(reason, as_text(path))


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to be read. `mount`: the nearest one above that is a file system of its own."""

    path: str
    device: int | None
    mount: str


def _subfolder(folder: _Folder, path: str, entry: os.DirEntry[str]) -> _Folder:
    try:
        device = entry.stat(follow_symlinks=False).st_dev
    except OSError:
        return _Folder(path, folder.device, folder.mount)
    is_mounted = folder.device not in (None, device)
    return _Folder(path, device, path if is_mounted else folder.mount)


def _device(root: str, folder: str) -> int | None:
    try:
        return os.stat(os.path.join(root, folder)).st_dev
    except OSError:
        return None


def is_mount(folder: str) -> bool:
    """Whether a folder is there and lies on another file system than the folder above."""
    try:
        return os.stat(folder).st_dev != os.stat(os.path.dirname(folder)).st_dev
    except OSError:
        return False


def is_inside(root: str, path: str) -> bool:
    """Whether a path, all links followed, is below `root`, which holds no link itself."""
    return os.path.commonpath((root, os.path.realpath(path))) == root


def key_of(path: str) -> str:
    r"""Return the key of a path relative to the root, as `os` gives it: any text a database takes.

    It is the path itself. One that is not valid UTF-8 is written with backslashes and headed by
    `./`, which no other key is: two paths never share a key.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return _NOT_UTF8 + as_text(path.replace("\\", r"\\"))
    return path


def path_of(key: str) -> str:
    """Return the path, relative to the root, of an item's key. Raises `Unreadable`."""
    if key.startswith(_NOT_UTF8):
        raise Unreadable("Its file name is not valid UTF-8; rename it.")
    if not key or key.startswith("/") or "\0" in key or ".." in key.split("/"):
        raise Unreadable("Its key does not name a file in this folder.")
    return key


def as_text(name: str) -> str:
    """Return a file's name as text that can be shown and stored."""
    return name.encode(errors="backslashreplace").decode()


def revision_of(status: os.stat_result) -> str:
    """Return what changes when a file's content does, as far as its folder shows."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def sidecar_names(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the sidecars of a photo may be called: of `photo.jpg` alone, and of `photo.*`.

    Immich takes `photo.jpg.xmp` before `photo.xmp`, which is what Lightroom and, if it is set so,
    digiKam write.
    """
    stem = os.path.splitext(name)[0]
    own, shared = ([base + end for end in SIDECAR_ENDINGS] for base in (name, stem))
    return tuple(own), tuple(shared)


def stamp_of(status: os.stat_result) -> str:
    """Return what changes whenever a sidecar does, also where its size and mtime are kept."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def stamp_of_all(own: Iterable[os.stat_result], shared: Iterable[os.stat_result]) -> str:
    """Return what changes whenever a photo's sidecars do; "" without any.

    `own`: of those for it alone; `shared`: of those for all photos of its name. Of one sidecar of
    its own, the usual case, this is that one's stamp. A disk that ignores case shows one
    file under several names.
    """
    own_stamps = {(status.st_dev, status.st_ino): stamp_of(status) for status in own}
    all_stamps = dict(own_stamps)
    for status in shared:
        all_stamps.setdefault((status.st_dev, status.st_ino), stamp_of(status))
    stamps = [*all_stamps.values()]
    first = stamps.pop(0) if own_stamps else ""
    if not stamps:
        return first
    return f"{first};{hashlib.blake2b(';'.join(stamps).encode(), digest_size=16).hexdigest()}"


def _sidecar_stamp(name: str, entries: Mapping[str, os.DirEntry[str]]) -> str:
    own, shared = sidecar_names(name)
    if entries.keys().isdisjoint(own + shared):
        return ""
    return stamp_of_all(
        *(
            [entries[each].stat(follow_symlinks=False) for each in names if each in entries]
            for names in (own, shared)
        )
    )
