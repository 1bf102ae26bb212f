"""A form with a file in it (RFC 7578), read in blocks: the file goes to disk, never to memory."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from tests.openai_server.refusals import Refused

_BLOCK = 64 * 1024
_LONGEST_HEAD = 16 * 1024


@dataclass(slots=True)
class Form:
    """The fields, and the name of the file, whose content was written away."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""


class _Body:
    """What is left of a request's body."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length
        self._held = b""

    def until(self, end: bytes, write: Callable[[bytes], object], *, most: int) -> None:
        """Write what comes before `end`, and pass over that."""
        taken = 0
        while (at := self._held.find(end)) < 0:
            sure = max(0, len(self._held) - len(end))
            write(self._held[:sure])
            taken += sure
            self._held = self._held[sure:]
            block = self._stream.read(min(_BLOCK, self._left)) if self._left else b""
            if not block or taken > most:
                raise Refused(400, "The form ends too early, or a part of it is too long.")
            self._left -= len(block)
            self._held += block
        write(self._held[:at])
        self._held = self._held[at + len(end) :]

    def text(self, end: bytes) -> str:
        found = bytearray()
        self.until(end, found.extend, most=_LONGEST_HEAD)
        return found.decode()

    def drain(self) -> None:
        while self._left and (block := self._stream.read(min(_BLOCK, self._left))):
            self._left -= len(block)


def read(stream: BinaryIO, length: int, kind: str, write: Callable[[bytes], object]) -> Form:
    """Read a form; the content of its file is given to `write`. Raises `Refused`."""
    found = re.search(r'boundary="?([^";]+)', kind)
    if not kind.startswith("multipart/form-data") or found is None:
        raise Refused(400, "A file is sent as multipart/form-data.")
    body, form, mark = _Body(stream, length), Form(), f"--{found[1]}".encode()
    body.text(mark)
    while body.text(b"\r\n") != "--":
        head = body.text(b"\r\n\r\n")
        name = re.search(r'[; ]name="([^"]*)"', head)
        filename = re.search(r'filename="([^"]*)"', head)
        if name is None:
            raise Refused(400, "A part of the form has no name.")
        if filename is not None:
            form.filename = filename[1]
            body.until(b"\r\n" + mark, write, most=length)
        else:
            form.fields[name[1]] = body.text(b"\r\n" + mark)
    body.drain()
    return form
