"""A sidecar on disk: read in full or not at all, replaced in one step."""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from tigertag.errors import Unreadable, os_reason
from tigertag.libraries.folder.editing import edited
from tigertag.libraries.folder.in_file import in_file
from tigertag.libraries.folder.keys import SIDECARS, sidecars, text
from tigertag.libraries.folder.listing import stamp, stamps
from tigertag.libraries.folder.xml import XmlError
from tigertag.libraries.folder.xmp import EMPTY, Xmp
from tigertag.media.formats import media_of

_LARGEST_BYTES = 32 * 1024 * 1024
_TEMPORARY = re.compile(r"\.tigertag-[0-9a-f]{16}\.tmp")
_STALE_AFTER_S = 3600.0
_NOTHING = Xmp(EMPTY)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar held when it had this stamp."""

    path: str
    xmp: Xmp
    status: os.stat_result

    @property
    def stamp(self) -> str:
        return stamp(self.status)


@dataclass(frozen=True, slots=True)
class Sidecars:
    """A photo's sidecars: those of its own (`photo.jpg.xmp`), and those of its name (`photo.xmp`).

    The first one is what other programs show of the photo.
    """

    own: tuple[Sidecar, ...] = ()
    common: tuple[Sidecar, ...] = ()

    @property
    def all(self) -> tuple[Sidecar, ...]:
        return self.own + self.common

    @property
    def first(self) -> Sidecar | None:
        return next(iter(self.all), None)

    @property
    def stamp(self) -> str:
        return stamps([one.status for one in self.own], [one.status for one in self.common])


def read_all(photo: str) -> Sidecars:
    """Return the sidecars of a photo. Raises `Unreadable` where one of them cannot be read."""
    folder, name = os.path.split(photo)
    own, common = (
        _distinct(os.path.join(folder, each) for each in names) for names in sidecars(name)
    )
    return Sidecars(own, common)


def read_again(found: Sidecars, path: str, written: Xmp | None = None) -> Sidecars:
    """Return a photo's sidecars once one of them was written, made or deleted.

    `written`: what it should hold now, which is not taken apart once more.
    """
    new = read(path, written)
    if new is not None and all(one.path != path for one in found.all):
        return Sidecars((new, *found.own), found.common)
    own, common = (
        tuple(one for each in some if (one := new if each.path == path else each) is not None)
        for some in (found.own, found.common)
    )
    return Sidecars(own, common)


def _distinct(paths: Iterable[str]) -> tuple[Sidecar, ...]:
    """Read what is there of these; a disk may show one file under names of several cases."""
    found: dict[tuple[int, int], Sidecar] = {}
    for path in paths:
        if (one := read(path)) is not None:
            found.setdefault((one.status.st_dev, one.status.st_ino), one)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Target:
    """The sidecar that an edit is made in: what it holds, or is to begin with, and its stamp.

    `copied`: the sidecar that a new one begins as a copy of. `is_common`: it is no photo's own.
    """

    path: str
    xmp: Xmp
    was: str
    copied: Sidecar | None = None
    is_common: bool = False


def target(photo: str, found: Sidecars, *, adds: bool) -> Target:
    """Return the sidecar to write: the one that other programs show, so that none is hidden.

    A `photo.xmp` that another photo or video has in common with this one does not take this one's
    words: a new sidecar begins as its copy, which hides nothing of it, and leaves out the words
    that TigerTag put there for the other one.
    """
    first = found.first
    if first is None:
        return Target(photo + SIDECARS[0], _NOTHING, "")
    if found.own or not adds or not _has_twin(photo):
        return Target(first.path, first.xmp, first.stamp, is_common=not found.own)
    return Target(photo + SIDECARS[0], as_for(photo, first.xmp), "", first)


def mark_of(photo: str) -> str:
    """Return a photo's name as `tigertag:added` has it: XML can hold it, and it has no slash."""
    return quote(os.fsencode(os.path.basename(photo)))


def marked(photo: str, xmp: Xmp) -> set[str]:
    """Return the words that TigerTag put into a common sidecar for this photo."""
    entries = [entry.partition("/") for entry in xmp.added]
    return {word for name, _, word in entries if name == mark_of(photo)}


def foreign(photo: str, xmp: Xmp) -> dict[str, str]:
    """Return the words there that are for another file, which is still there, with its path."""
    own, found = marked(photo, xmp), {}
    for name, _, word in (entry.partition("/") for entry in xmp.added):
        beside = os.fsdecode(unquote_to_bytes(name))
        if not beside or "\0" in beside or os.path.basename(beside) != beside:
            # Whoever wrote that, it names no file of this folder: nothing else is opened for it.
            continue
        other = os.path.join(os.path.dirname(photo), beside)
        if word not in own and name != mark_of(photo) and os.path.lexists(other):
            found[word] = other
    return found


def as_for(photo: str, xmp: Xmp) -> Xmp:
    """Return a common sidecar without what TigerTag put there for another photo."""
    others = foreign(photo, xmp)
    if not others:
        return xmp
    hidden = [one for path in sorted({*others.values()}) for one in in_file(path)]
    try:
        return Xmp(edited(xmp, adds=(), removes=others.keys(), hidden=hidden))
    except XmlError as exc:
        reason = f"Its sidecar cannot be read safely ({exc}); it was left untouched."
        raise Unreadable(reason) from exc


def _has_twin(photo: str) -> bool:
    """Whether another photo or video has this one's name, but for the ending. Raises `OSError`."""
    folder, own = os.path.split(photo)
    stem = os.path.splitext(own)[0]
    return any(
        os.path.splitext(name)[0] == stem and name != own and media_of(name) is not None
        for name in os.listdir(folder)
    )


def read(path: str, expected: Xmp | None = None) -> Sidecar | None:
    """Return what a sidecar holds, None where there is none. Raises `Unreadable`."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if exc.errno == errno.ELOOP:
            raise _foreign(path, "is a symbolic link") from exc
        raise _failed(path, exc) from exc
    try:
        return _read(path, file, expected)
    except XmlError as exc:
        raise _foreign(path, f"is not readable XMP ({exc})") from exc
    except OSError as exc:
        raise _failed(path, exc) from exc
    finally:
        os.close(file)


def _read(path: str, file: int, expected: Xmp | None) -> Sidecar:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise _foreign(path, "is not a regular file")
    if status.st_size > _LARGEST_BYTES:
        raise _foreign(path, f"is larger than {_LARGEST_BYTES >> 20} MB")
    with open(file, "rb", closefd=False) as stream:
        content = stream.read()
    if expected is not None and content == expected.source:
        return Sidecar(path, expected, status)
    return Sidecar(path, Xmp(content), status)


def _foreign(path: str, what: str) -> Unreadable:
    name = text(os.path.basename(path))
    return Unreadable(f"The sidecar {name} {what}; it was left untouched. Mend or move it.")


def _failed(path: str, exc: OSError) -> Unreadable:
    name = text(os.path.basename(path))
    return Unreadable(f"The sidecar {name} cannot be read: {os_reason(exc)}.", retryable=True)


def current(path: str) -> str:
    """Return the stamp of what is there now, "" where there is nothing."""
    try:
        return stamp(os.lstat(path))
    except FileNotFoundError:
        return ""


def replace(path: str, content: bytes, *, was: str) -> bool:
    """Put new content in a sidecar's place, in one step, with the mode and owner of the old.

    Nothing is done, and False returned, where it no longer has the stamp `was`. On any error, a
    full disk among them, the old one stands and nothing is left behind. Raises `OSError`.
    """
    temporary = os.path.join(os.path.dirname(path), f".tigertag-{secrets.token_hex(8)}.tmp")
    # Open for all: the process's umask decides, as for any file that the user makes.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(temporary, flags, 0o666)
    try:
        with open(file, "wb") as stream:
            stream.write(content)
            if was:
                _resemble(path, temporary)
            stream.flush()
            os.fsync(stream.fileno())
        if current(path) != was:
            return False
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    return True


def _resemble(path: str, temporary: str) -> None:
    """Give the new file what the old one has: mode, extended attributes, owner as far as we may."""
    with suppress(OSError):
        old = os.lstat(path)
        shutil.copystat(path, temporary, follow_symlinks=False)
        os.utime(temporary)
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(PermissionError):
                os.chown(temporary, owner, group)


def remove(path: str, *, was: str) -> bool:
    """Delete a sidecar; False, and nothing done, where it no longer has the stamp `was`."""
    if current(path) != was:
        return False
    os.unlink(path)
    return True


def make_lasting(folder: str) -> None:
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
