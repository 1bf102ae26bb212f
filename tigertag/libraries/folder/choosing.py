"""Which folders and files are left out: trash, snapshots, previews, and what the user says."""

import os
from collections.abc import Container, Iterable

from tigertag.libraries.folder.ignoring import Ignore
from tigertag.libraries.folder.keys import path as path_of

NOMEDIA = ".nomedia"
"""A folder with such a file is left out, as Android's gallery does."""

DEFAULTS = (
    # Hidden files and folders: .Trash-1000, .Trashes, .snapshots, .zfs, .@__thumb, .thumbnails,
    # .Recycle.Bin, .dtrash, .stversions, .Spotlight-V100, AppleDouble's ._photo.jpg …
    ".*",
    # Trash, snapshots and previews of Synology, QNAP, Asustor, TerraMaster, NetApp and Samba.
    *("@eaDir/", "@tmp/", "@sharebin/", "#recycle/", "#snapshot/", "@Recycle/", "@recycle/"),
    *("@Recently-Snapshot/", "@snapshots/", "~snapshot/", "@GMT-*/", "Recycle Bin/"),
    # Of Windows, macOS and Linux.
    *("$RECYCLE.BIN/", "$Recycle.Bin/", "RECYCLER/", "RECYCLED/", "System Volume Information/"),
    *("Network Trash Folder/", "Temporary Items/", "__MACOSX/", "Backups.backupdb/"),
    *("*.sparsebundle/", "lost+found/"),
    # Libraries, catalogues and previews of Photos, iPhoto, Aperture, Lightroom, Capture One, iMovie
    # and Final Cut: they keep their files themselves.
    *("*.photoslibrary/", "*.photolibrary/", "*.migratedphotolibrary/", "*.aplibrary/"),
    *("*.migratedaplibrary/", "*.apvault/", "**/iPhoto Library/Thumbnails/"),
    *("**/iPhoto Library/Data/", "**/iPhoto Library/Data.noindex/"),
    *("**/iPhoto Library/Previews/", "**/iPhoto Library/Faces/", "*.lrdata/", "*.lrcat-data/"),
    *("*.lrlibrary/", "*.cocatalog/", "**/CaptureOne/Cache/", "*.imovielibrary/", "*.fcpbundle/"),
    # Of Nextcloud and ownCloud, Jellyfin and Plex.
    *("files_trashbin/", "files_versions/", "appdata_*/", "*.trickplay/", "Plex Versions/"),
)
"""What is left out unless a pattern of the user's takes it in again (`!.*`)."""

_IMMICHS_OWN = ("thumbs", "encoded-video", "profile")
_IMMICHS = ("thumbs", "encoded-video")
_IMMICHS_PHOTOS = ("upload", "library")


class Choice:
    """What of a folder is listed. Paths are relative to the library's folder."""

    def __init__(self, exclude: Iterable[str] = (), min_bytes: int = 0) -> None:
        self._ignore = Ignore((*DEFAULTS, *exclude))
        self.min_bytes = min_bytes

    def excludes_file(self, path: str) -> bool:
        return bool(self._ignore.verdict(path, is_folder=False))

    def excludes_folder(self, path: str, beside: Container[str]) -> bool:
        """Whether a folder is left out, by its path and what else is in the folder it is in."""
        verdict = self._ignore.verdict(path, is_folder=True)
        return _is_immichs_own(path, beside) if verdict is None else verdict

    def heeds_nomedia(self, path: str) -> bool:
        """Whether a .nomedia file in a folder holds, since no pattern takes the folder in."""
        return self._ignore.verdict(path, is_folder=True) is None

    def left_out(self, root: str, start: str, key: str, size_bytes: int | None) -> bool:
        """Whether a file that was listed is left out, by where it was."""
        if size_bytes is not None and size_bytes < self.min_bytes:
            return True
        path = path_of(key)
        below = path if start == "." else path.removeprefix(start + "/")
        above = path[: len(path) - len(below)]
        names = below.split("/")
        folders = [above + "/".join(names[:depth]) for depth in range(1, len(names))]
        return any(self._left_out(root, one) for one in folders) or self.excludes_file(path)

    def _left_out(self, root: str, folder: str) -> bool:
        beside = _Beside(os.path.dirname(os.path.join(root, folder)))
        if self.excludes_folder(folder, beside):
            return True
        return self.heeds_nomedia(folder) and NOMEDIA in _Beside(os.path.join(root, folder))


def _is_immichs_own(path: str, beside: Container[str]) -> bool:
    """Whether a folder is one of those that Immich makes beside the photos that it was given."""
    if os.path.basename(path) not in _IMMICHS_OWN:
        return False
    return all(one in beside for one in _IMMICHS) and any(one in beside for one in _IMMICHS_PHOTOS)


class _Beside:
    """The names in a folder, looked up one by one."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(os.path.join(self._folder, str(name)))
