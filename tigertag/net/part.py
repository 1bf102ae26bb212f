"""A file that is being loaded: one writer at a time, and going on where it was cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import requests

from tigertag import locks
from tigertag.net.faults import PARTIAL, Passing


class Part:
    """The bytes that are there, and what tells whether the rest still belongs to them."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._mark = path.with_name(f"{path.name}.etag")
        self.size = file.seek(0, os.SEEK_END)

    def headers(self) -> dict[str, str]:
        """Ask for the rest, and for all of it if the file has changed (RFC 9110, 13.1.5)."""
        asked = {"Accept-Encoding": "identity"}
        mark = self._mark.read_text("latin-1") if self._mark.exists() else ""
        if self.size and not mark:
            self._truncate()
        if self.size:
            asked |= {"Range": f"bytes={self.size}-", "If-Range": mark}
        return asked

    def take_up(self, response: requests.Response) -> int | None:
        """Get ready for the body that comes; return the size of the whole file, if it is told."""
        partial = response.status_code == PARTIAL
        if partial and _range_start(response) == self.size:
            return _range_total(response)
        self.start_anew(response)
        if partial:
            raise Passing("The server sent another part of the file than it was asked for.")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return None
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def start_anew(self, response: requests.Response) -> None:
        self._truncate()
        self._mark.write_text(_validator(response), "latin-1")

    def is_whole(self, response: requests.Response) -> bool:
        """Tell whether a server that refused the range did so because there is no more."""
        return _range_total(response) == self.size

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self.size += len(block)

    def sync(self) -> None:
        """Wait until the disk has it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def become(self, to: Path) -> None:
        self._mark.unlink(missing_ok=True)
        self.path.replace(to)

    def forget(self) -> None:
        self._mark.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def is_in_place(self) -> bool:
        """Tell whether the name still is that of the file that is held."""
        try:
            return self.path.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _truncate(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.size = 0


@contextmanager
def alone(to: Path) -> Iterator[Part | None]:
    """Hold the part of this file, one process or thread at a time; None: another has finished it.

    The lock is on the part itself, so nothing is left over. Who waited for it finds that the part
    has been renamed or deleted, and looks again.
    """
    path = shared = to.with_name(f"{to.name}.part")
    there = to.exists()
    while True:
        with path.open("ab") as file:
            if not locks.wait_for(file) and path == shared:
                # A part of its own, which nobody can go on with.
                path = shared.with_name(f"{to.name}.{uuid4().hex[:8]}.part")
                continue
            part = Part(path, file)
            if part.is_in_place():
                try:
                    yield part
                finally:
                    if part.size == 0 and part.is_in_place():
                        part.forget()
                return
        if not there and to.exists():
            yield None
            return


def _validator(response: requests.Response) -> str:
    """Return what If-Range may carry: a strong ETag, or the date of the last change."""
    etag = response.headers.get("ETag", "")
    strong = etag and not etag.startswith("W/")
    return etag if strong else response.headers.get("Last-Modified", "")


def _range_start(response: requests.Response) -> int | None:
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _range_total(response: requests.Response) -> int | None:
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdecimal() else None
