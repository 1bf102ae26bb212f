"""A file behind HTTP, read part by part where it is (RFC 9110, 14: range requests)."""

import io
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import requests

from tigertag.errors import Unreadable

BLOCK_BYTES = 256 * 1024
_MOST_AHEAD = 8
_KEPT_BLOCKS = 48
_PARTIAL, _OUTSIDE = 206, 416
_PART_BLOCK_BYTES = 16 * 1024
_PART_WITHIN_S = 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

Ask = Callable[[str], AbstractContextManager[requests.Response]]
"""Sends a GET with this `Range` header; raises the library's own errors for what is refused."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some bytes of a file, from `start` on. `size_bytes`: of the file, where the server says."""

    start: int
    body: bytes
    size_bytes: int | None


class RangeReader(io.RawIOBase):
    """A binary stream over range requests; at most about 12 MB of it are held. Not thread-safe.

    What is read one after another comes in requests that grow. `requests` and `loaded_bytes` count
    what was asked for. Raises `Unreadable` where the server does not give parts, or the file
    changes meanwhile, and what `ask` raises. `advice`: what to do if the server gives no parts.
    """

    def __init__(self, ask: Ask, *, advice: str = "") -> None:
        self._ask = ask
        self._advice = f"; {advice}" if advice else ""
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._at = 0
        self._ahead = 1
        self._next_block = -1
        self._etag = ""
        self.requests = 0
        self.loaded_bytes = 0
        self._size: int | None = None

    @property
    def size_bytes(self) -> int:
        if self._size is None:
            self._load(0, 1)
        assert self._size is not None
        return self._size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        self._at = max(0, (self.size_bytes if base is None else base) + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size_bytes - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted > 0:
            number, skip = divmod(self._at, BLOCK_BYTES)
            part = self._block(number)[skip : skip + wanted]
            if not part:
                break
            parts.append(part)
            self._at += len(part)
            wanted -= len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            in_a_row = number == self._next_block
            self._ahead = min(2 * self._ahead, _MOST_AHEAD) if in_a_row else 1
            self._load(number, self._ahead)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _load(self, first: int, count: int) -> None:
        start = first * BLOCK_BYTES
        end = start + count * BLOCK_BYTES
        end = end if self._size is None else min(end, self._size)
        body = self._body(start, end)
        for at in range(0, len(body), BLOCK_BYTES):
            self._blocks[first + at // BLOCK_BYTES] = body[at : at + BLOCK_BYTES]
        self._next_block = first + count
        while len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)

    def _body(self, start: int, end: int) -> bytes:
        self.requests += 1
        with self._ask(f"bytes={start}-{end - 1}") as response:
            total = self._total(response, start)
            try:
                body = response.content
            except requests.RequestException:
                raise _cut() from None
        self.loaded_bytes += len(body)
        if len(body) != min(end, total) - start:
            raise _cut()
        return body

    def _total(self, response: requests.Response, start: int) -> int:
        if response.status_code == _OUTSIDE and start == 0:
            raise Unreadable("The file is empty.")
        content_range = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status_code == _OUTSIDE or (content_range and int(content_range[1]) != start):
            raise _changed()
        if response.status_code != _PARTIAL or content_range is None:
            raise Unreadable(
                "Its server does not give parts of a file, so that the whole video would have to be"
                f" loaded{self._advice}.",
                retryable=True,
            )
        total, etag = int(content_range[3]), response.headers.get("ETag", "")
        if self._size not in (None, total) or self._etag not in ("", etag):
            raise _changed()
        self._size, self._etag = total, etag
        return total


def read_part(ask: Ask, start: int, length: int) -> FilePart:
    """Read a part of a file, or less where the file ends, in one request.

    A server that ignores `Range` sends the whole file from its beginning: so much of that is read,
    and the connection is closed. Raises `Unreadable`, and what `ask` raises.
    """
    with ask(f"bytes={start}-{start + length - 1}") as response:
        start, size_bytes = _start_and_size(response, start)
        expected = length if size_bytes is None else min(length, size_bytes - start)
        body = _first_bytes(response, expected)
    if len(body) < expected and size_bytes is not None:
        raise _cut()
    if not body:
        raise Unreadable("Nothing came of its file; scan again.", retryable=True)
    return FilePart(start, body, size_bytes)


def _start_and_size(response: requests.Response, start: int) -> tuple[int, int | None]:
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise Unreadable("A web page came in place of its file; scan again.", retryable=True)
    if response.status_code == _OUTSIDE:
        raise _changed() if start else Unreadable("The file is empty.")
    if response.status_code != _PARTIAL:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    content_range = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if content_range is None or int(content_range[1]) != start:
        raise Unreadable("Another part of its file came than was asked for.", retryable=True)
    return start, int(content_range[3])


def _first_bytes(response: requests.Response, length: int) -> bytes:
    body, deadline_s = bytearray(), time.monotonic() + _PART_WITHIN_S
    try:
        for block in response.iter_content(_PART_BLOCK_BYTES):
            body += block
            if len(body) >= length:
                break
            if time.monotonic() > deadline_s:
                raise Unreadable("The server sends it too slowly; scan again.", retryable=True)
    except requests.RequestException:
        raise _cut() from None
    return bytes(body[:length])


def _cut() -> Unreadable:
    return Unreadable("The connection was cut while it was read; scan again.", retryable=True)


def _changed() -> Unreadable:
    return Unreadable("Its file changed while it was read; scan again.", retryable=True)
