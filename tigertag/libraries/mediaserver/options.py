"""The settings of any library behind a media server: `LIBRARY_<X>_URL`, `…_SECTIONS`, …

PATH_MAP says where the server's files are on this machine, and so which of them may be read.
"""

import os
import re
import stat
from collections.abc import Container
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from tigertag.model import Item

PATH_MAP_ADVICE = "set PATH_MAP so that TigerTag reads the file itself"
"""For a file that the server cannot give in a way that serves."""

_MIN_FILM_BYTES = 10_000_000
_WINDOWS = re.compile(r"[A-Za-z]:|\\\\|//")


@dataclass(frozen=True, slots=True)
class MappedFolder:
    """A folder as the server names it, and the same folder on this machine."""

    on_server: str
    local: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        r"""Read `/data/photos:/mnt/photos`, or `D:\Photos:/mnt/photos`. Raises `ValueError`."""
        on_server, colon, local = text.rpartition(":")
        absolute = on_server.startswith("/") or _WINDOWS.match(on_server)
        if not (colon and absolute and local.startswith("/")):
            raise ValueError(
                "give folders as the server and as this machine name them, as in"
                " /data/photos:/mnt/photos"
            )
        return cls(_with_slashes(on_server).rstrip("/"), local.rstrip("/") or "/")

    def relative(self, file: str) -> str | None:
        """Return the server's path below the folder; None: the file is elsewhere."""
        if _WINDOWS.match(self.on_server):
            file = _with_slashes(file)
            inside = file[: len(self.on_server)].casefold() == self.on_server.casefold()
        else:
            inside = file.startswith(self.on_server)
        rest = file[len(self.on_server) :]
        return rest[1:] if inside and rest.startswith("/") else None


def mapped_folders(value: object) -> object:
    """Read folders separated by commas. Raises `ValueError`."""
    if isinstance(value, str):
        return tuple(MappedFolder.parsed(part.strip()) for part in value.split(",") if part.strip())
    return value


def _with_slashes(path: str) -> str:
    return path.replace("\\", "/") if _WINDOWS.match(path) else path


def comma_separated(value: object) -> object:
    """Read names separated by commas."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


class ServerOptions(BaseModel):
    """Where a server is, which of its sections are scanned, and where its files are.

    `sections` are titles or ids; none: all that TigerTag can scan. `path_map` says where the
    server's folders are on this machine. Files below `min_bytes` are skipped; None: 10 MB for
    films and episodes. `example` is a valid address, for the error message.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    example: ClassVar[str]

    url: str
    sections: Annotated[tuple[str, ...], BeforeValidator(comma_separated)] = ()
    path_map: Annotated[tuple[MappedFolder, ...], BeforeValidator(mapped_folders)] = ()
    min_bytes: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _without_query(cls, given: Any) -> Any:
        """Cut a query off the address before it can show up in a message: it may hold a token."""
        if isinstance(given, dict) and isinstance(given.get("url"), str):
            return given | {"url": re.split(r"[?#]", given["url"], maxsplit=1)[0]}
        return given

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        """Take an address as people copy it: add a scheme, cut Plex's and Jellyfin's /web off."""
        url = url if "://" in url else f"http://{url}"
        parts = urlsplit(url)
        try:
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = None
        if not usable or re.search(r"\s", url):
            raise ValueError(f"give the server's address, as in {cls.example}")
        return re.sub(r"(/web(/index\.html)?)?/*$", "", url)

    def leaves_out(self, item: Item) -> bool:
        """Whether an item is smaller than `min_bytes` allows."""
        min_bytes, size_bytes = self.min_bytes, item.size_bytes
        return min_bytes is not None and size_bytes is not None and size_bytes < min_bytes

    def min_bytes_of(self, *, film: bool) -> int:
        """The smallest file that is scanned. `film`: it is a film or an episode."""
        if self.min_bytes is not None:
            return self.min_bytes
        return _MIN_FILM_BYTES if film else 0

    def local_file(
        self, file: str, size_bytes: int | None, extensions: Container[str]
    ) -> Path | None:
        """Return the server's file on this machine; None where it is not, or must not be read.

        It is a regular file of this size, its name ends in one of these extensions, and it is
        inside the mapped folder after all links are followed.
        """
        longest_first = sorted(self.path_map, key=lambda each: len(each.on_server), reverse=True)
        for folder in longest_first:
            rest = folder.relative(file)
            if rest is not None:
                path = _inside(folder.local, rest, size_bytes)
                return path if path is not None and path.suffix.lower() in extensions else None
        return None


def _inside(folder: str, rest: str, size_bytes: int | None) -> Path | None:
    try:
        root = os.path.realpath(folder)
        path = os.path.realpath(os.path.join(root, rest))
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    same_size = size_bytes is None or status.st_size == size_bytes
    inside = os.path.commonpath((root, path)) == root
    readable = stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK)
    return Path(path) if same_size and inside and readable else None


def file_identity(file: str, weight: object) -> str:
    """Return the identity of a server's file, its path and its size; "" if not known.

    `weight`: the size, or something else that changes with the content.
    """
    if not file or weight in (None, ""):
        return ""
    return blake2b(f"{file}\n{weight}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
