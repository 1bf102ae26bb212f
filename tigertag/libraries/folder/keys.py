"""How a file's path becomes an item's key, and back."""

import os

from tigertag.errors import Unreadable

SIDECARS = (".xmp", ".XMP", ".Xmp")
"""How a sidecar's name ends; where there are several, the first is the one that is written."""
_FOREIGN = "./"


def key(path: str) -> str:
    r"""Return the key of a path relative to the root, as `os` gives it: any text a database takes.

    It is the path itself. One that is not valid UTF-8 is written with backslashes and headed by
    `./`, which no other key is: two paths never share a key.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return _FOREIGN + path.replace("\\", r"\\").encode(errors="backslashreplace").decode()
    return path


def text(name: str) -> str:
    """Return a file's name as text that can be shown and stored."""
    return name.encode(errors="backslashreplace").decode()


def path(key: str) -> str:
    """Return the path, relative to the root, of an item's key. Raises `Unreadable`."""
    if key.startswith(_FOREIGN):
        raise Unreadable("Its file name is not valid UTF-8; rename it.")
    if not key or key.startswith("/") or "\0" in key or ".." in key.split("/"):
        raise Unreadable("Its key does not name a file in this folder.")
    return key


def sidecars(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the sidecars of a photo may be called: of `photo.jpg` alone, and of `photo.*`.

    Immich takes `photo.jpg.xmp` before `photo.xmp`, which is what Lightroom and, if it is set so,
    digiKam write.
    """
    stem = os.path.splitext(name)[0]
    return tuple(name + end for end in SIDECARS), tuple(stem + end for end in SIDECARS)
