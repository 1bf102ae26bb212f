"""The folders that Immich writes sidecars into: which of them it is known to be able to write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from threading import Lock

from tigertag.libraries.immich.tags import ShownByImmich
from tigertag.model import Item

_OPEN_FOR_S = 600.0
"""A job of Immich's that fails is not repeated: then a first write stays open for good."""


@dataclass(frozen=True, slots=True)
class StorageFolder:
    """A folder of an external library, with all that is in it, or `alone`; "": of all uploads."""

    library_id: str
    path: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """The first write to a storage folder: which tags were put on what, while that is open."""

    item: Item
    tag_ids: frozenset[str]
    begun_at_s: float = field(default_factory=time.monotonic)


class StorageFolders:
    """What the first write to each storage folder has shown. Thread-safe.

    Of an external library, those are the folders right below the one that all of its files which
    were seen so far are in: each may be a file system of its own. It holds for this process: a
    folder may be mounted otherwise tomorrow.
    """

    def __init__(self) -> None:
        self._common: dict[str, PurePosixPath] = {}
        self._writable: frozenset[StorageFolder] = frozenset()
        self._trials: dict[StorageFolder, Trial] = {}
        self._lock = Lock()

    def see(self, assets: Iterable[ShownByImmich]) -> None:
        """Take note of where files are, before `folder` is asked."""
        with self._lock:
            for asset in assets:
                folder = _folder_of(asset)
                common = self._common.get(asset.library_id, folder)
                while not folder.is_relative_to(common):
                    common = common.parent
                self._common[asset.library_id] = common

    def folder(self, asset: ShownByImmich) -> StorageFolder:
        if not asset.library_id:
            return StorageFolder("", "")
        folder = _folder_of(asset)
        common = self._common.get(asset.library_id, folder)
        if folder == common:
            return StorageFolder(asset.library_id, str(folder), alone=True)
        first = folder.relative_to(common).parts[0]
        return StorageFolder(asset.library_id, str(common / first))

    def is_writable(self, asset: ShownByImmich) -> bool:
        folder = _folder_of(asset)
        return any(
            each.library_id == asset.library_id and (not each.library_id or _holds(each, folder))
            for each in self._writable
        )

    def trial(self, folder: StorageFolder) -> Trial | None:
        """Return the first write that is open; None also where it may have been lost."""
        trial = self._trials.get(folder)
        is_lost = trial is not None and time.monotonic() - trial.begun_at_s > _OPEN_FOR_S
        return None if is_lost else trial

    def begin(self, folder: StorageFolder, trial: Trial) -> None:
        self._trials[folder] = trial

    def end(self, folder: StorageFolder, *, is_writable: bool) -> None:
        with self._lock:
            self._trials.pop(folder, None)
            if is_writable:
                self._writable |= {folder}


def _folder_of(asset: ShownByImmich) -> PurePosixPath:
    return (PurePosixPath("/") / asset.path).parent


def _holds(folder: StorageFolder, path: PurePosixPath) -> bool:
    own = PurePosixPath(folder.path)
    return path == own if folder.alone else path.is_relative_to(own)
