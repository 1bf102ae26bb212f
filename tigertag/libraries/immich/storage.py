"""The folders that Immich writes sidecars into: which of them it is known to be able to write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from threading import Lock

from tigertag.libraries.immich.tagging import Step
from tigertag.libraries.immich.tags import ShownByImmich

_OPEN_FOR_S = 24 * 3600.0
"""A job of Immich's that fails is not repeated: then a first write stays open for good."""
_LONGEST_GAP_S = 600.0


@dataclass(frozen=True, slots=True)
class StorageFolder:
    """A folder of an external library, with all that is in it, or `alone`; "": of all uploads."""

    library_id: str
    path: str
    alone: bool = False


@dataclass(slots=True, eq=False)
class Trial:
    """The first write to a storage folder, while it is open.

    `tag_ids`: what was to be put on, of which `step` is what was sent last. `look_at_s`: when it is
    looked at next; never while who makes it waits for it.
    """

    folder: StorageFolder
    step: Step
    tag_ids: frozenset[str]
    begun_at_s: float = field(default_factory=time.monotonic)
    look_at_s: float = float("inf")

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self.begun_at_s > _OPEN_FOR_S

    def gap_s(self, shortest_s: float) -> float:
        """How long to wait before it is looked at again: the longer, the older it is."""
        age_s = time.monotonic() - self.begun_at_s
        return min(max(age_s / 2, shortest_s), _LONGEST_GAP_S)


class StorageFolders:
    """What the first write to each storage folder has shown. Thread-safe.

    Of an external library, those are the folders right below the one that all of its files which
    were seen so far are in: each may be a file system of its own. It holds for this process: a
    folder may be mounted otherwise tomorrow.
    """

    def __init__(self, shortest_gap_s: float = 1.5) -> None:
        self._shortest_gap_s = shortest_gap_s
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

    def begin(self, trial: Trial) -> bool:
        """Begin the first write to a folder; False while another one is open."""
        with self._lock:
            other = self._trials.get(trial.folder)
            if other is not None and not other.is_over:
                return False
            self._trials[trial.folder] = trial
            return True

    def leave_open(self, trial: Trial) -> None:
        """Let whoever writes to the folder next see what came of it."""
        trial.look_at_s = time.monotonic() + trial.gap_s(self._shortest_gap_s)

    def to_look_at(self, folder: StorageFolder) -> Trial | None:
        """Return the first write to a folder if it is due to be looked at, which it then is not."""
        with self._lock:
            trial = self._trials.get(folder)
            if trial is None or time.monotonic() < trial.look_at_s:
                return None
            trial.look_at_s = time.monotonic() + trial.gap_s(self._shortest_gap_s)
            return trial

    def gap_s(self, folder: StorageFolder) -> float:
        """How long other writes to a folder have to wait before they are made."""
        trial = self._trials.get(folder)
        return self._shortest_gap_s if trial is None else trial.gap_s(self._shortest_gap_s)

    def end(self, trial: Trial, *, is_writable: bool) -> None:
        with self._lock:
            if self._trials.get(trial.folder) is trial:
                del self._trials[trial.folder]
            if is_writable:
                self._writable |= {trial.folder}


def _folder_of(asset: ShownByImmich) -> PurePosixPath:
    return (PurePosixPath("/") / asset.path).parent


def _holds(folder: StorageFolder, path: PurePosixPath) -> bool:
    own = PurePosixPath(folder.path)
    return path == own if folder.alone else path.is_relative_to(own)
