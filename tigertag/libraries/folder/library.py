"""The folder library: photos and videos are listed by name, read in place, and tagged beside."""

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tigertag.contracts import EditOutcome, Need, NotedItems, Notes, NotRead, Source
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
from tigertag.libraries.folder.choosing import Choice
from tigertag.libraries.folder.editing import edited
from tigertag.libraries.folder.in_file import in_file
from tigertag.libraries.folder.keys import path, text
from tigertag.libraries.folder.listing import files, inside, is_mount, revision_of
from tigertag.libraries.folder.lists import folded, paths_of, storable, tags_of
from tigertag.libraries.folder.options import Options
from tigertag.libraries.folder.sidecar import Sidecars
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import Xmp
from tigertag.model import Edit, Field, Item, Section, Shown, TagRef

_WHOLE = "."
_TRIES = 3
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM)


class FolderLibrary:
    """Photos and videos in a folder; never opened for writing. See `contracts.Library`."""

    field = Field.TAG
    identity = ""
    footage = ""

    def __init__(self, id: str, options: Options) -> None:
        self.id = id
        self._options = options
        self._root = os.path.abspath(options.path)
        self._choice = Choice(options.exclude, options.min_bytes)
        self._swept: set[str] = set()

    def open(self) -> None:
        self._root = os.path.realpath(self._options.path)
        for section in (_WHOLE, *self._options.sections):
            folder = os.path.normpath(os.path.join(self._root, section))
            try:
                os.scandir(folder).close()
            except OSError as exc:
                raise self._unavailable(folder, exc) from exc
            if not inside(self._root, folder):
                raise LibraryUnavailable(
                    f"Library {self.id}: section {section} leads out of its folder; "
                    "name a folder below PATH."
                )

    def sections(self) -> Sequence[Section]:
        if not self._options.sections:
            return (Section(self.id, _WHOLE, os.path.basename(self._root) or self.id),)
        return tuple(Section(self.id, name, name) for name in self._options.sections)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield all there is, whatever `since` says: moved files keep their times."""
        notes = Notes()
        return NotedItems(self._items(section, notes), notes)

    def _items(self, section: Section, notes: Notes) -> Iterator[Item]:
        for file in files(self._root, section.id, self._choice, notes):
            yield Item(
                self.id,
                section.id,
                file.key,
                file.revision,
                file.media,
                file.name,
                file.size_bytes,
                file.sidecar,
            )

    def leaves_out(self, item: Item) -> bool:
        try:
            return self._choice.left_out(self._root, item.section, item.key, item.size_bytes)
        except Unreadable:
            return False

    def not_mounted(self, section: Section, mounts: Sequence[str]) -> str:
        """Say which folder that was a file system of its own lies on that of its parent now.

        An unmounted share leaves its empty mount point. Device numbers change when a machine
        starts, so they are compared with each other, never with those of another time.
        """
        for mount in mounts:
            folder = os.path.normpath(os.path.join(self._root, mount))
            if not is_mount(folder):
                return (
                    f"Library {self.id}: the folder {text(folder)} was a mounted file system when"
                    " it was last listed, and is none now. Is it mounted?"
                )
        return ""

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
        made: list[EditOutcome] = []
        stopped: LibraryError | None = None
        for edit in edits:
            try:
                made.append(self._made(edit))
            except LibraryError as exc:
                stopped = exc
                break
        yield from self._lasting(made)
        if stopped is not None:
            raise stopped

    def _lasting(self, made: Sequence[EditOutcome]) -> Sequence[EditOutcome]:
        key = next((outcome.key for outcome in made if outcome.after is not None), None)
        if key is None:
            return made
        try:
            sidecar.make_lasting(os.path.dirname(os.path.join(self._root, key)))
        except OSError as exc:
            reason = f"The sidecar was written, but the disk did not confirm it: {os_reason(exc)}."
            return [EditOutcome(one.key, None, one.reason or reason) for one in made]
        return made

    def _made(self, edit: Edit) -> EditOutcome:
        key = edit.item.key
        try:
            _check(edit)
            photo = self._file(key)
            taken: set[str] = set()
            for _try in range(_TRIES):
                found = _cleared(edit, photo, taken)
                if found and (found := self._written(edit, photo, found, taken)):
                    return EditOutcome(key, self._after(edit, photo, found, taken))
            raise Unreadable("Another program keeps changing its sidecar; try again later.")
        except ItemError as exc:
            return EditOutcome(key, None, str(exc))
        except OSError as exc:
            return EditOutcome(key, None, self._refusal(exc))

    def _after(self, edit: Edit, photo: str, found: Sidecars, taken: Collection[str]) -> Shown:
        """Return what is shown after an edit, which took these words out.

        `found`: its sidecars now. A word that the edit did not find where TigerTag writes, and that
        stands in a sidecar, may be TigerTag's: it is not told as gone.
        """
        removes = {tag.name for tag in edit.removes}
        not_found = removes - {*taken}
        stuck = {
            word: one
            for one in found.all
            for word in not_found
            if word in sidecar.as_for(photo, one.xmp).tags
        }
        if stuck and not (edit.adds or taken):
            word, one = next(iter(stuck.items()))
            raise Unreadable(
                f"“{word}” stands in the sidecar {text(os.path.basename(one.path))}, and nothing"
                " there says that TigerTag wrote it; it was left. Take it out there if it is not"
                " yours."
            )
        return self._shown(edit.item.key, found, removed=removes - {*stuck})

    def _written(self, edit: Edit, photo: str, found: Sidecars, taken: set[str]) -> Sidecars | None:
        """Bring a photo's sidecars to what an edit asks for, and return them as they are then.

        None: one of them changed meanwhile.
        """
        target = sidecar.target(photo, found, adds=bool(edit.adds))
        kept = sidecar.foreign(photo, target.xmp) if target.is_common else {}
        removes = {tag.name for tag in edit.removes} - {*kept}
        content = _edited(
            photo,
            target.xmp,
            adds=[tag.name for tag in edit.adds],
            removes=removes,
            copy_of=os.path.basename(target.copied.path) if target.copied else "",
            owner=sidecar.mark_of(photo) if target.is_common else "",
        )
        taken |= removes & {*target.xmp.tags}
        after = Xmp(content)
        if after.rest != target.xmp.rest:
            raise Unreadable("Its sidecar cannot be changed safely; it was left untouched.")
        originals = [
            source
            for one in found.common
            for source in (one.xmp.source, sidecar.as_for(photo, one.xmp).source)
        ]
        is_needless = after.is_void or after.original in originals
        if content == target.xmp.source and not (target.was and is_needless):
            return found
        self._sweep(os.path.dirname(photo))
        if target.copied and sidecar.current(target.copied.path) != target.copied.stamp:
            return None
        if is_needless:
            is_made = sidecar.remove(target.path, was=target.was)
        else:
            is_made = sidecar.replace(target.path, content, was=target.was)
        return sidecar.read_again(found, target.path, after) if is_made else None

    def _sweep(self, folder: str) -> None:
        if folder not in self._swept:
            self._swept.add(folder)
            sidecar.sweep(folder)

    def _shown(
        self, key: str, found: Sidecars | None = None, *, removed: Collection[str] = ()
    ) -> Shown:
        """Return what is shown of a photo now; `found`: its sidecars, just read in an edit of it.

        `removed`: words that were just taken out of its sidecar. Where they also stand in its file,
        or in a sidecar that this one hides, they were not TigerTag's: they are left out. So is what
        TigerTag put into a common sidecar for another photo.
        """
        photo = os.path.join(self._root, path(key))
        found = found or sidecar.read_all(photo)
        seen = [one.xmp for one in found.own]
        seen += [sidecar.as_for(photo, one.xmp) for one in found.common]
        sources, revision = [one.keywords for one in seen], None
        try:
            status = self._status(photo)
        except ItemError:
            # A share that was unmounted has no sidecars either: that must not read as "no tags".
            if found.first is None:
                raise
        else:
            revision = revision_of(status)
            if stat.S_ISREG(status.st_mode) and inside(self._root, photo):
                sources += in_file(photo)
        gone = folded(removed) - folded(seen[0].tags if seen else ())
        words = (word for word in tags_of(sources) if word.casefold() not in gone)
        return Shown(
            key,
            tuple(TagRef(Field.TAG, word) for word in words),
            rest=found.first.xmp.rest if found.first else "",
            stamp=found.stamp,
            revision=revision,
            paths=paths_of(sources),
        )

    def _file(self, key: str) -> str:
        """Return where a file is, once sure that it is there, a file and below the root."""
        where = os.path.join(self._root, path(key))
        if not stat.S_ISREG(self._status(where).st_mode) or not inside(self._root, where):
            raise Unreadable("This is no file inside the library's folder.")
        return where

    def _status(self, where: str) -> os.stat_result:
        try:
            return os.stat(where)
        except OSError as exc:
            if not os.access(self._root, os.R_OK | os.X_OK):
                raise self._unavailable(self._root, exc) from exc
            if isinstance(exc, FileNotFoundError | NotADirectoryError):
                raise ItemGone("The file is no longer there.") from exc
            raise Unreadable(f"The file cannot be read: {os_reason(exc)}.", retryable=True) from exc

    def _unavailable(self, folder: str, exc: OSError) -> LibraryUnavailable:
        return LibraryUnavailable(
            f"Library {self.id}: the folder {folder} cannot be read: {os_reason(exc)}. "
            "Check PATH and SECTIONS, and that it is mounted."
        )

    def _refusal(self, exc: OSError) -> str:
        """Say why one sidecar was not written. Raises `LibraryError` where none can be."""
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


def _cleared(edit: Edit, photo: str, taken: set[str]) -> Sidecars | None:
    """Take out what TigerTag once put into a common sidecar that another one now hides.

    Returns the photo's sidecars as they are then; None: one of them changed meanwhile.
    """
    found = sidecar.read_all(photo)
    for one in found.common:
        words = sidecar.marked(photo, one.xmp) & {tag.name for tag in edit.removes}
        if one is found.first or not words:
            continue
        content = _edited(photo, one.xmp, removes=words)
        if Xmp(content).rest != one.xmp.rest:
            raise Unreadable("Its sidecar cannot be changed safely; it was left untouched.")
        if not sidecar.replace(one.path, content, was=one.stamp):
            return None
        taken |= words
        found = sidecar.read_again(found, one.path)
    return found


def _edited(
    photo: str,
    xmp: Xmp,
    *,
    adds: Sequence[str] = (),
    removes: Collection[str],
    copy_of: str = "",
    owner: str = "",
) -> bytes:
    hidden = in_file(photo)
    try:
        return edited(xmp, adds=adds, removes=removes, hidden=hidden, copy_of=copy_of, owner=owner)
    except XmlError as exc:
        reason = f"Its sidecar cannot be changed safely ({exc}); it was left untouched."
        raise Unreadable(reason) from exc


def _check(edit: Edit) -> None:
    """Refuse tags that a sidecar cannot hold as they are. Raises `Unreadable`."""
    for tag in edit.adds:
        if tag.field is not Field.TAG:
            raise Unreadable("A folder keeps tags alone, no labels and no genres.")
        if not tag.name.strip() or not storable(tag.name):
            raise Unreadable("A tag of characters that a sidecar cannot hold was refused.")
