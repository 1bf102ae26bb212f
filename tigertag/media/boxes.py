"""The boxes that MP4, QuickTime and HEIF files are made of (ISO/IEC 14496-12, 4.2).

Those that are not needed, the pictures and the sound above all, are passed over by their size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEAD, _SIZE_64 = 8, 8
_MOST_BOXES = 1000
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Box:
    """What is in a box stands from `start` to `end`."""

    kind: bytes
    start: int
    end: int


NO_BOX = Box(b"", 0, 0)


class BoxFile:
    """A file of boxes. It ends early where it has too many, or too much is to be read.

    `is_cut`: only the beginning of the file is there, so the last box may reach past its end.
    """

    def __init__(self, stream: BinaryIO, *, is_cut: bool = False) -> None:
        self.end = stream.seek(0, 2)
        self._stream = stream
        self._is_cut = is_cut
        self._boxes_left, self._bytes_left = _MOST_BOXES, _MOST_BYTES

    @property
    def whole(self) -> Box:
        return Box(b"", 0, self.end)

    def boxes(self, outer: Box) -> Iterator[Box]:
        """Yield the boxes in another one, up to the first that is broken."""
        at = outer.start
        while at + _HEAD <= outer.end and self._boxes_left:
            self._boxes_left -= 1
            head = self.at(at, _HEAD + _SIZE_64)
            size, start = int.from_bytes(head[:4], "big"), at + _HEAD
            if size == 1:
                size, start = int.from_bytes(head[_HEAD:], "big"), start + _SIZE_64
            elif size == 0 and outer.end == self.end:
                size = outer.end - at
            end = at + size
            if self._is_cut and outer.end == self.end:
                end = min(end, outer.end)
            if not start <= end <= outer.end:
                return
            yield Box(head[4:_HEAD], start, end)
            at += size

    def inside(self, outer: Box) -> dict[bytes, Box]:
        """Return the boxes in another one by their kind, the first of each."""
        parts: dict[bytes, Box] = {}
        for box in self.boxes(outer):
            parts.setdefault(box.kind, box)
        return parts

    def read(self, box: Box) -> bytes:
        """Return all that is in a box, nothing where that is too much."""
        length = box.end - box.start
        if not 0 <= length <= self._bytes_left:
            return b""
        self._bytes_left -= length
        return self.at(box.start, length)

    def at(self, place: int, length: int) -> bytes:
        self._stream.seek(place)
        return self._stream.read(length)


def quicktime_values(file: BoxFile, meta: Box) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names of a `meta` box and their values; QuickTime File Format, "Metadata".

    A value begins with its type and its language, four bytes each.
    """
    # In MP4 a version and flags stand before the boxes, in QuickTime nothing does.
    has_version = file.at(meta.start + 4, 4) != b"hdlr"
    parts = file.inside(Box(meta.kind, meta.start + 4 * has_version, meta.end))
    keys, items = parts.get(b"keys", NO_BOX), parts.get(b"ilst", NO_BOX)
    names = dict(enumerate(map(file.read, file.boxes(Box(b"", keys.start + 8, keys.end))), 1))
    for item in file.boxes(items):
        name = names.get(int.from_bytes(item.kind, "big"))
        if name is not None:
            for value in file.boxes(item):
                yield name, file.read(value)
