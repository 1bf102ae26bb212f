"""A photo's sidecars: read in full or not at all, edited, and each replaced in one step."""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tigertag.errors import Unreadable, os_reason
from tigertag.libraries.folder.editing import edit_tags
from tigertag.libraries.folder.listing import (
    SIDECAR_ENDINGS,
    as_text,
    sidecar_names,
    stamp_of,
    stamp_of_all,
)
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import EMPTY, SUBJECT, Keywords, Xmp, is_storable
from tigertag.media.embedded import embedded, embedded_in_video
from tigertag.media.files import EXTENSIONS, MP4_EXTENSIONS, media_of
from tigertag.model import Media

_MAX_BYTES = 32 * 1024 * 1024
_TEMPORARY = re.compile(r"\.tigertag-[0-9a-f]{16}\.tmp")
_STALE_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar held when it had this stamp."""

    path: str
    xmp: Xmp
    status: os.stat_result

    @property
    def stamp(self) -> str:
        return stamp_of(self.status)


@dataclass(frozen=True, slots=True)
class Sidecars:
    """A photo's sidecars: its own (`photo.jpg.xmp`), and those of its name (`photo.xmp`).

    The first one is what other programs show of the photo.
    """

    own: tuple[Sidecar, ...] = ()
    shared: tuple[Sidecar, ...] = ()

    @property
    def all(self) -> tuple[Sidecar, ...]:
        return self.own + self.shared

    @property
    def first(self) -> Sidecar | None:
        return self.all[0] if self.all else None

    @property
    def stamp(self) -> str:
        return stamp_of_all(
            [each.status for each in self.own], [each.status for each in self.shared]
        )

    def reread(self, path: str, written: Xmp) -> "Sidecars":
        """Return them once one was written, made or deleted; `written`: what it should hold."""
        new = _read(path, written)
        if new is not None and all(each.path != path for each in self.all):
            return Sidecars((new, *self.own), self.shared)
        own, shared = (
            tuple(filter(None, (new if each.path == path else each for each in group)))
            for group in (self.own, self.shared)
        )
        return Sidecars(own, shared)


def read_sidecars(photo: str) -> Sidecars:
    """Return the sidecars of a photo. Raises `Unreadable` where one of them cannot be read."""
    folder, name = os.path.split(photo)
    own, shared = (_read_group(folder, names) for names in sidecar_names(name))
    return Sidecars(own, shared)


def _read_group(folder: str, names: Sequence[str]) -> tuple[Sidecar, ...]:
    """Read what is there of these; a disk may show one file under names of several cases."""
    files: dict[tuple[int, int], Sidecar] = {}
    for name in names:
        sidecar = _read(os.path.join(folder, name))
        if sidecar is not None:
            files.setdefault((sidecar.status.st_dev, sidecar.status.st_ino), sidecar)
    return tuple(files.values())


def _read(path: str, expected: Xmp | None = None) -> Sidecar | None:
    """Return what a sidecar holds, None where there is none. Raises `Unreadable`.

    Where it holds what is expected, it is not parsed again.
    """
    name = as_text(os.path.basename(path))
    try:
        # A link could lead anywhere, and a pipe would keep the scan waiting.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise _unusable(name, "is not a regular file")
            if status.st_size > _MAX_BYTES:
                raise _unusable(name, f"is larger than {_MAX_BYTES >> 20} MB")
            with open(file, "rb", closefd=False) as stream:
                content = stream.read()
        finally:
            os.close(file)
        if expected is None or content != expected.source:
            expected = Xmp(content)
        return Sidecar(path, expected, status)
    except FileNotFoundError:
        return None
    except XmlError as exc:
        raise _unusable(name, f"is not readable XMP ({exc})") from exc
    except OSError as exc:
        if exc.errno == errno.ELOOP:
            raise _unusable(name, "is a symbolic link") from exc
        reason = f"The sidecar {name} cannot be read: {os_reason(exc)}."
        raise Unreadable(reason, retryable=True) from exc


def _unusable(name: str, problem: str) -> Unreadable:
    return Unreadable(f"The sidecar {name} {problem}; it was left untouched. Repair or move it.")


def embedded_keywords(photo: str, status: os.stat_result | None = None) -> Sequence[Keywords]:
    """Return the lists in a photo's or video's own file. What is broken, or not read, has none."""
    if os.path.splitext(photo)[1].lower() not in EXTENSIONS | MP4_EXTENSIONS:
        return ()
    try:
        return _embedded_keywords(photo, stamp_of(status or os.stat(photo)))
    except OSError:
        return ()


# They are needed before an edit, in it, and after it.
@lru_cache(maxsize=1024)
def _embedded_keywords(photo: str, _stamp: str) -> tuple[Keywords, ...]:
    read = embedded_in_video if media_of(photo) is Media.VIDEO else embedded
    content = read(Path(photo))
    words = [word.strip() for word in content.words if word.strip() and is_storable(word)]
    return (*_packets(content.packets), *([{SUBJECT: words}] if words else []))


def _packets(packets: Sequence[bytes]) -> Iterator[Keywords]:
    for packet in packets:
        with suppress(XmlError):
            # Some programs end it with NUL.
            yield Xmp(packet.rstrip(b"\0") if packet[:1] == b"<" else packet).keywords


def view_for(photo: str, xmp: Xmp) -> Xmp:
    """Return a shared sidecar without what TigerTag put there for another photo."""
    others = words_for_others(photo, xmp)
    if not others:
        return xmp
    hidden = [each for path in sorted({*others.values()}) for each in embedded_keywords(path)]
    return edit_tags(xmp, removes=others.keys(), hidden=hidden)


def words_for_others(photo: str, xmp: Xmp) -> dict[str, str]:
    """Return the words there that are for another file, which is still there, with its path."""
    own, words = _words_for(photo, xmp), {}
    for name, _, word in (entry.partition("/") for entry in xmp.added):
        other = os.fsdecode(unquote_to_bytes(name))
        if not other or "\0" in other or os.path.basename(other) != other:
            # Whoever wrote that, it names no file of this folder: nothing else is opened for it.
            continue
        path = os.path.join(os.path.dirname(photo), other)
        if word not in own and name != _owner_name(photo) and os.path.lexists(path):
            words[word] = path
    return words


def _words_for(photo: str, xmp: Xmp) -> set[str]:
    """Return the words that TigerTag put into a shared sidecar for this photo."""
    entries = [entry.partition("/") for entry in xmp.added]
    return {word for name, _, word in entries if name == _owner_name(photo)}


def _owner_name(photo: str) -> str:
    """Return a photo's name as `tigertag:added` has it: XML can hold it, and it has no slash."""
    return quote(os.fsencode(os.path.basename(photo)))


@dataclass(frozen=True, slots=True)
class _Target:
    """The sidecar that an edit is made in: what it holds, or is to begin with, and its stamp.

    `copied`: the sidecar that a new one begins as a copy of. `is_shared`: it is no photo's own.
    """

    path: str
    xmp: Xmp
    stamp: str
    copied: Sidecar | None = None
    is_shared: bool = False


class SidecarEdit:
    """An edit of a photo's sidecars; it may be tried more than once.

    Raises `Unreadable` where it cannot be made, and `OSError`.
    """

    def __init__(self, photo: str, adds: Sequence[str], removes: Collection[str]) -> None:
        self._photo, self._adds, self._removes = photo, adds, {*removes}
        self._removed: set[str] = set()

    def attempt(self) -> Sidecars | None:
        """Return the sidecars as they are after the edit; None: one was changed meanwhile."""
        sidecars = self._clear_hidden()
        return None if sidecars is None else self._write(sidecars)

    def removed(self, sidecars: Sidecars) -> set[str]:
        """Return the words that are gone from these sidecars, which the edit left.

        A word that the edit did not find where TigerTag writes, and that stands in a sidecar, may
        be TigerTag's: it does not count as gone.
        """
        stuck = {
            word: sidecar
            for sidecar in sidecars.all
            for word in self._removes - self._removed
            if word in view_for(self._photo, sidecar.xmp).tags
        }
        if stuck and not (self._adds or self._removed):
            word, sidecar = next(iter(stuck.items()))
            raise Unreadable(
                f"“{word}” stands in the sidecar {as_text(os.path.basename(sidecar.path))}, and"
                " nothing there says that TigerTag wrote it; it was left. Take it out there if it"
                " is not yours."
            )
        return self._removes - {*stuck}

    def _clear_hidden(self) -> Sidecars | None:
        """Take out what TigerTag once put into a shared sidecar that another one now hides."""
        sidecars = read_sidecars(self._photo)
        for sidecar in sidecars.shared:
            words = _words_for(self._photo, sidecar.xmp) & self._removes
            if sidecar is sidecars.first or not words:
                continue
            hidden = embedded_keywords(self._photo)
            edited = edit_tags(sidecar.xmp, removes=words, hidden=hidden)
            if not _replace(sidecar.path, edited.source, stamp=sidecar.stamp):
                return None
            self._removed |= words
            sidecars = sidecars.reread(sidecar.path, edited)
        return sidecars

    def _write(self, sidecars: Sidecars) -> Sidecars | None:
        target = self._target(sidecars)
        others = words_for_others(self._photo, target.xmp) if target.is_shared else {}
        removes = self._removes - {*others}
        edited = edit_tags(
            target.xmp,
            adds=self._adds,
            removes=removes,
            hidden=embedded_keywords(self._photo),
            copy_of=os.path.basename(target.copied.path) if target.copied else "",
            owner=_owner_name(self._photo) if target.is_shared else "",
        )
        self._removed |= removes & {*target.xmp.tags}
        originals = [
            xmp.source
            for sidecar in sidecars.shared
            for xmp in (sidecar.xmp, view_for(self._photo, sidecar.xmp))
        ]
        is_needless = edited.is_void or edited.original in originals
        if is_needless and not target.stamp:
            return sidecars
        if not is_needless and edited.source == target.xmp.source:
            return sidecars
        if target.copied and _current_stamp(target.copied.path) != target.copied.stamp:
            return None
        if is_needless:
            is_done = _remove(target.path, stamp=target.stamp)
        else:
            is_done = _replace(target.path, edited.source, stamp=target.stamp)
        return sidecars.reread(target.path, edited) if is_done else None

    def _target(self, sidecars: Sidecars) -> _Target:
        """Return the sidecar to write: the one that other programs show, so that none is hidden.

        A `photo.xmp` that another photo or video shares does not take this one's words: a new
        sidecar begins as its copy, which hides nothing of it, and leaves out the words that
        TigerTag put there for the other one.
        """
        first, own_path = sidecars.first, self._photo + SIDECAR_ENDINGS[0]
        if first is None:
            return _Target(own_path, Xmp(EMPTY), "")
        if sidecars.own or not self._adds or not _has_twin(self._photo):
            return _Target(first.path, first.xmp, first.stamp, is_shared=not sidecars.own)
        return _Target(own_path, view_for(self._photo, first.xmp), "", first)


def _has_twin(photo: str) -> bool:
    """Whether another photo or video has this one's name, but for the ending. Raises `OSError`."""
    folder, own = os.path.split(photo)
    stem = os.path.splitext(own)[0]
    return any(
        os.path.splitext(name)[0] == stem and name != own and media_of(name) is not None
        for name in os.listdir(folder)
    )


def _current_stamp(path: str) -> str:
    """Return the stamp of what is there now, "" where there is nothing."""
    try:
        return stamp_of(os.lstat(path))
    except FileNotFoundError:
        return ""


def _replace(path: str, content: bytes, *, stamp: str) -> bool:
    """Put new content in a sidecar's place, in one step, with the mode and owner of the old.

    Nothing is done, and False returned, where it no longer has this stamp. On any error, a full
    disk among them, the old one stands and nothing is left behind. Raises `OSError`.
    """
    temporary = os.path.join(os.path.dirname(path), f".tigertag-{secrets.token_hex(8)}.tmp")
    # Open for all: the process's umask decides, as for any file that the user makes.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(temporary, flags, 0o666)
    try:
        with open(file, "wb") as stream:
            stream.write(content)
            if stamp:
                _copy_metadata(path, temporary)
            stream.flush()
            os.fsync(stream.fileno())
        if _current_stamp(path) != stamp:
            return False
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    return True


def _copy_metadata(path: str, temporary: str) -> None:
    """Give the new file what the old one has: mode, extended attributes, owner as far as we may."""
    with suppress(OSError):
        old = os.lstat(path)
        shutil.copystat(path, temporary, follow_symlinks=False)
        os.utime(temporary)
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(PermissionError):
                os.chown(temporary, owner, group)


def _remove(path: str, *, stamp: str) -> bool:
    """Delete a sidecar; False, and nothing done, where it no longer has this stamp."""
    if _current_stamp(path) != stamp:
        return False
    os.unlink(path)
    return True


def sync_folder(folder: str) -> None:
    """Wait until what was replaced in a folder would outlast a power cut. Raises `OSError`."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as exc:
        # Some network and FUSE file systems have no such thing for folders.
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def sweep(folder: str) -> None:
    """Delete what a killed TigerTag left half-written in a folder more than an hour ago."""
    oldest = time.time() - _STALE_AFTER_S
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(entry.path)
