"""Where a server's files are on this machine, and which of them may be read."""

import os
import re
import stat
from collections.abc import Container, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

_WINDOWS = re.compile(r"[A-Za-z]:|\\\\|//")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A folder as the server names it, and the same folder here."""

    there: str
    here: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        r"""Read `/data/photos:/mnt/photos`, or `D:\Photos:/mnt/photos`. Raises `ValueError`."""
        there, colon, here = text.rpartition(":")
        absolute = there.startswith("/") or _WINDOWS.match(there)
        if not (colon and absolute and here.startswith("/")):
            raise ValueError(
                "give folders as the server and as this machine name them, as in"
                " /data/photos:/mnt/photos"
            )
        return cls(_slashed(there).rstrip("/"), here.rstrip("/") or "/")

    def below(self, file: str) -> str | None:
        """Return the part of the server's path that is below the folder; None: it is elsewhere."""
        if _WINDOWS.match(self.there):
            file = _slashed(file)
            same = file[: len(self.there)].casefold() == self.there.casefold()
        else:
            same = file.startswith(self.there)
        rest = file[len(self.there) :]
        return rest[1:] if same and rest.startswith("/") else None


def file_identity(file: str, weight: object) -> str:
    """Return what tells a server's file, its path and its size; "" where one is not known.

    `weight`: the size, or what else changes with the content.
    """
    if not file or weight in (None, ""):
        return ""
    return blake2b(f"{file}\n{weight}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def mapped(value: object) -> object:
    """Read folders with commas between, of an option. Raises `ValueError`."""
    if isinstance(value, str):
        return tuple(Mapped.parsed(part.strip()) for part in value.split(",") if part.strip())
    return value


def _slashed(path: str) -> str:
    return path.replace("\\", "/") if _WINDOWS.match(path) else path


def local(mappings: Sequence[Mapped], file: str, *, size_bytes: int | None) -> Path | None:
    """Return where the server's file is here; None where it is not, or may not be read.

    It is a regular file of this size, and below the mapped folder, all links followed.
    """
    for mapped in sorted(mappings, key=lambda one: len(one.there), reverse=True):
        rest = mapped.below(file)
        if rest is not None:
            return _inside(mapped.here, rest, size_bytes)
    return None


def here(
    mappings: Sequence[Mapped], file: str, *, size_bytes: int | None, endings: Container[str]
) -> Path | None:
    """Return where the server's file is here, if its name ends in one of these; see `local`."""
    path = local(mappings, file, size_bytes=size_bytes)
    return path if path is not None and path.suffix.lower() in endings else None


def _inside(folder: str, rest: str, size_bytes: int | None) -> Path | None:
    try:
        root = os.path.realpath(folder)
        path = os.path.realpath(os.path.join(root, rest))
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    same = size_bytes is None or status.st_size == size_bytes
    fits = stat.S_ISREG(status.st_mode) and same and os.path.commonpath((root, path)) == root
    return Path(path) if fits and os.access(path, os.R_OK) else None
