"""The folder library: photos and videos are listed by name, read in place, and tagged beside."""

import errno
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator
from pydantic import Field as Setting

from tigertag.contracts import EditOutcome, Need, NotedItems, Notes, NotRead, Source, Watch
from tigertag.errors import (
    ItemError,
    ItemGone,
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryUnavailable,
    Unreadable,
    os_reason,
)
from tigertag.libraries.folder import sidecar
from tigertag.libraries.folder.exclusion import Exclusion
from tigertag.libraries.folder.listing import (
    WHOLE,
    Listing,
    as_text,
    is_inside,
    is_mount,
    path_of,
    revision_of,
)
from tigertag.libraries.folder.sidecar import SidecarEdit, Sidecars
from tigertag.libraries.folder.watching import FolderWatch, NoWatch
from tigertag.libraries.folder.xmp import casefolded, is_storable, paths_of, tags_of
from tigertag.media.files import media_of
from tigertag.model import Edit, Field, Item, Section, Shown, TagRef

_MAX_ATTEMPTS = 3
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM)


def _sections(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _patterns(value: object) -> object:
    """Split at line ends and commas, but for commas after a backslash."""
    if isinstance(value, str):
        parts = re.findall(r"(?:\\.|[^\\,\n]|\\$)+", value.replace("\r", ""), re.MULTILINE)
        return [part.lstrip() for part in parts if part.strip()]
    return value


def _given(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("it is empty; give the folder's path")
    return value


class Options(BaseModel):
    """`LIBRARY_<X>_PATH`, `…_SECTIONS`, `…_EXCLUDE`, `…_MIN_BYTES` and `…_WATCH`.

    `sections` are sub-folders, relative to `path`; none: the whole folder is one section. Photos
    and videos below `min_bytes` are not listed. `exclude`: patterns as gitignore has them, relative
    to `path`, after those of `exclusion.DEFAULTS`. `watch`: what is done when files are added.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[Path, BeforeValidator(_given)]
    sections: Annotated[tuple[str, ...], BeforeValidator(_sections)] = ()
    min_bytes: int = Setting(default=0, ge=0)
    exclude: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    watch: Literal["off", "preview", "apply"] = "off"

    @field_validator("sections")
    @classmethod
    def _check_sections(cls, sections: tuple[str, ...]) -> tuple[str, ...]:
        paths = [PurePosixPath(section) for section in sections]
        for number, path in enumerate(paths):
            if path.is_absolute() or ".." in path.parts or "\0" in str(path):
                raise ValueError(
                    f"'{path}' is not a sub-folder; give its path below PATH, as in 2024/May"
                )
            for other in paths[:number]:
                if path.is_relative_to(other) or other.is_relative_to(path):
                    raise ValueError(f"'{other}' and '{path}' overlap; name one of them")
        return tuple(map(str, paths))


class FolderLibrary:
    """Photos and videos in a folder; never opened for writing. See `contracts.Library`."""

    field = Field.TAG
    identity = ""
    footage = ""

    def __init__(self, id: str, options: Options) -> None:
        self.id = id
        self._options = options
        self._root = os.path.abspath(options.path)
        self._exclusion = Exclusion(options.exclude, options.min_bytes)
        self._swept: set[str] = set()

    def open(self) -> None:
        self._root = os.path.realpath(self._options.path)
        for section in (WHOLE, *self._options.sections):
            folder = os.path.normpath(os.path.join(self._root, section))
            try:
                os.scandir(folder).close()
            except OSError as exc:
                raise self._unavailable(folder, exc) from exc
            if not is_inside(self._root, folder):
                raise LibraryUnavailable(
                    f"Library {self.id}: section {section} leads out of its folder; "
                    "name a folder below PATH."
                )

    def sections(self) -> Sequence[Section]:
        if not self._options.sections:
            return (Section(self.id, WHOLE, os.path.basename(self._root) or self.id),)
        return tuple(Section(self.id, name, name) for name in self._options.sections)

    def sections_at(self, path: str) -> Sequence[str]:
        """See `contracts.Locating`; the path may be the folder's as it is set or without links."""
        path = os.path.normpath(path)
        for root in (self._root, os.path.abspath(self._options.path)):
            if path == root or path.startswith(root.rstrip("/") + "/"):
                below = PurePosixPath(os.path.relpath(path, root))
                return [each.id for each in self.sections() if below.is_relative_to(each.id)]
        return ()

    @property
    def watch_write(self) -> str:
        return "" if self._options.watch == "off" else self._options.watch

    def watch(self, changed: Callable[[Section], None]) -> Watch:
        """See `contracts.Watching`. Sidecars are no media, so what TigerTag writes is no change."""
        try:
            self.open()
        except LibraryError as exc:
            return NoWatch(exc)
        sections = self.sections()
        folders = {each: os.path.normpath(os.path.join(self._root, each.id)) for each in sections}
        return FolderWatch(self._root, folders, self._is_listed, changed)

    def _is_listed(self, section: Section, path: str) -> bool:
        """Whether a file is one that a section lists, by its name and place alone."""
        if media_of(os.path.basename(path)) is None:
            return False
        return not self._exclusion.excludes_listed(self._root, section.id, path, None)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield all items, whatever `since` says: moved files keep their times."""
        notes = Notes()
        listing = Listing(self.id, self._root, section.id, self._exclusion, notes)
        return NotedItems(listing.items(), notes)

    def leaves_out(self, item: Item) -> bool:
        try:
            path = path_of(item.key)
        except Unreadable:
            return False
        return self._exclusion.excludes_listed(self._root, item.section, path, item.size_bytes)

    def not_mounted(self, section: Section, mounts: Sequence[str]) -> str:
        """Name the folder that was a file system of its own and now lies on that of its parent.

        An unmounted share leaves its empty mount point. Device numbers change when a machine
        starts, so they are compared with each other, never with those of another time.
        """
        for mount in mounts:
            folder = os.path.normpath(os.path.join(self._root, mount))
            if not is_mount(folder):
                return (
                    f"Library {self.id}: the folder {as_text(folder)} was a mounted file system"
                    " when it was last listed, and is none now. Is it mounted?"
                )
        return ""

    def not_here(self, section: Section, keys: Sequence[str]) -> str:
        """See `contracts.OnLocalDisk`. Another disk may be mounted there, or none at all."""
        folder = os.path.normpath(os.path.join(self._root, section.id))
        if keys and not any(map(self._is_there, keys)):
            return (
                f"Library {self.id}: none of {len(keys)} known items of section {section.title},"
                f" such as {keys[0]}, is in {as_text(folder)} on this machine. Is the folder"
                " mounted here?"
            )
        is_mounted = is_mount(folder) or is_mount(self._root)
        if not keys and not is_mounted and _is_empty(folder):
            return (
                f"Library {self.id}: the folder {as_text(folder)} is empty on this machine. Is it"
                " mounted here?"
            )
        return ""

    def _is_there(self, key: str) -> bool:
        try:
            return os.path.lexists(os.path.join(self._root, path_of(key)))
        except Unreadable:
            return False

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        yield Path(self._file(item.key))

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for item in items:
            try:
                yield self._shown(item.key)
            except ItemError as exc:
                yield NotRead(item.key, str(exc))

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits folder by folder: one wait for the disk serves a folder's edits."""
        folders: dict[str, list[Edit]] = {}
        for edit in edits:
            folders.setdefault(os.path.dirname(edit.item.key), []).append(edit)
        for group in folders.values():
            yield from self._send_to_folder(group)

    def _send_to_folder(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        outcomes: list[EditOutcome] = []
        stopped: LibraryError | None = None
        for edit in edits:
            try:
                outcomes.append(self._send(edit))
            except LibraryError as exc:
                stopped = exc
                break
        yield from self._synced(outcomes)
        if stopped is not None:
            raise stopped

    def _synced(self, outcomes: Sequence[EditOutcome]) -> Sequence[EditOutcome]:
        key = next((outcome.key for outcome in outcomes if outcome.after is not None), None)
        if key is None:
            return outcomes
        try:
            sidecar.sync_folder(os.path.dirname(os.path.join(self._root, key)))
        except OSError as exc:
            reason = f"The sidecar was written, but the disk did not confirm it: {os_reason(exc)}."
            return [EditOutcome(each.key, None, each.reason or reason) for each in outcomes]
        return outcomes

    def _send(self, edit: Edit) -> EditOutcome:
        key = edit.item.key
        try:
            _check(edit)
            photo = self._file(key)
            self._sweep(os.path.dirname(photo))
            adds, removes = ([tag.name for tag in tags] for tags in (edit.adds, edit.removes))
            change = SidecarEdit(photo, adds, removes)
            for _attempt in range(_MAX_ATTEMPTS):
                sidecars = change.attempt()
                if sidecars is not None:
                    removed = change.removed(sidecars)
                    return EditOutcome(key, self._shown(key, sidecars, removed=removed))
            raise Unreadable("Another program keeps changing its sidecar; try again later.")
        except ItemError as exc:
            return EditOutcome(key, None, str(exc))
        except OSError as exc:
            return EditOutcome(key, None, self._refusal(exc))

    def _sweep(self, folder: str) -> None:
        if folder not in self._swept:
            self._swept.add(folder)
            sidecar.sweep(folder)

    def _shown(
        self, key: str, sidecars: Sidecars | None = None, *, removed: Collection[str] = ()
    ) -> Shown:
        """Return what is shown of a photo now; `sidecars`: as an edit of it has just left them.

        `removed`: words that were just taken out of its sidecar. Where they also stand in its file,
        or in a sidecar that this one hides, they were not TigerTag's: they are left out. So is what
        TigerTag put into a shared sidecar for another photo.
        """
        photo = os.path.join(self._root, path_of(key))
        is_checked = sidecars is not None
        sidecars = sidecars or sidecar.read_sidecars(photo)
        views = [each.xmp for each in sidecars.own]
        views += [sidecar.view_for(photo, each.xmp) for each in sidecars.shared]
        sources, revision = [view.keywords for view in views], None
        try:
            status = self._status(photo)
        except ItemError:
            # A share that was unmounted has no sidecars either: that must not read as "no tags".
            if sidecars.first is None:
                raise
        else:
            revision = revision_of(status)
            # An edit has looked where the photo is, just before.
            if stat.S_ISREG(status.st_mode) and (is_checked or is_inside(self._root, photo)):
                sources += sidecar.embedded_keywords(photo, status)
        gone = casefolded(removed) - casefolded(views[0].tags if views else ())
        words = (word for word in tags_of(sources) if word.casefold() not in gone)
        return Shown(
            key,
            tuple(TagRef(Field.TAG, word) for word in words),
            rest=sidecars.first.xmp.rest if sidecars.first else "",
            stamp=sidecars.stamp,
            revision=revision,
            paths=paths_of(sources),
        )

    def _file(self, key: str) -> str:
        """Return the path of an item, once sure that it is there, a file and below the root."""
        path = os.path.join(self._root, path_of(key))
        if not stat.S_ISREG(self._status(path).st_mode) or not is_inside(self._root, path):
            raise Unreadable("This is no file inside the library's folder.")
        return path

    def _status(self, path: str) -> os.stat_result:
        try:
            return os.stat(path)
        except OSError as exc:
            if not os.access(self._root, os.R_OK | os.X_OK):
                raise self._unavailable(self._root, exc) from exc
            if isinstance(exc, FileNotFoundError | NotADirectoryError):
                raise ItemGone("The file is no longer there.") from exc
            reason = f"The file cannot be read: {os_reason(exc)}."
            raise Unreadable(reason, retryable=True) from exc

    def _unavailable(self, folder: str, exc: OSError) -> LibraryUnavailable:
        return LibraryUnavailable(
            f"Library {self.id}: the folder {folder} cannot be read: {os_reason(exc)}. "
            "Check PATH and SECTIONS, and that it is mounted."
        )

    def _refusal(self, exc: OSError) -> str:
        """Return why one sidecar was not written. Raises `LibraryError` where none can be."""
        if exc.errno in _FULL:
            raise LibraryFull(
                f"Library {self.id}: no space is left for sidecars ({exc.strerror}); those there "
                "are whole. Free some space, then apply again."
            ) from exc
        denied = exc.errno in _DENIED
        if exc.errno == errno.EROFS or (denied and not os.access(self._root, os.W_OK)):
            raise LibraryReadOnly(
                f"Library {self.id}: its folder cannot be written ({os_reason(exc, self._root)})."
                " Previews work; to apply, mount it writable and give TigerTag the right to write"
                " there."
            ) from exc
        if denied:
            return f"Its folder cannot be written ({os_reason(exc)}); give that user the right to."
        return f"Its sidecar could not be written: {os_reason(exc)}."


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _check(edit: Edit) -> None:
    """Refuse tags that a sidecar cannot hold as they are. Raises `Unreadable`."""
    for tag in edit.adds:
        if tag.field is not Field.TAG:
            raise Unreadable("A folder keeps tags alone, no labels and no genres.")
        if not tag.name.strip() or not is_storable(tag.name):
            raise Unreadable("A tag of characters that a sidecar cannot hold was refused.")
