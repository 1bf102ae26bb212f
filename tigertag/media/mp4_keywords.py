"""The keywords that a video's own file holds, in the boxes of MP4 and QuickTime.

Boxes that are not needed, the pictures and the sound above all, are passed over by their size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tigertag.media.embedded import Embedded

# Where MP4 and QuickTime keep XMP: XMP specification, part 3, 1.2.7 and 1.2.8.
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_APPLE = b"com.apple.quicktime."
_ENCODINGS = {1: "utf-8", 2: "utf-16-be"}
"""Of the types of values that QuickTime knows, those of text."""
_HEAD, _SIZE_64 = 8, 8
_MOST_BOXES = 1000
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Box:
    """What is in a box stands from `start` to `end`."""

    kind: bytes
    start: int
    end: int


_NOTHING = _Box(b"", 0, 0)


def embedded_in_video(path: Path) -> Embedded:
    """Read a video's keywords; what is broken or no such video has none. Raises `OSError`."""
    # A buffer would read on, into pictures.
    with path.open("rb", buffering=0) as stream:
        return keywords(stream)


def keywords(stream: BinaryIO) -> Embedded:
    """Read the keywords of a video that can be sought in. Raises `OSError`."""
    file = _File(stream)
    packets: list[bytes] = []
    words: list[str] = []
    for box in file.boxes(_Box(b"", 0, file.end)):
        if box.kind == b"uuid" and file.at(box.start, len(_XMP_UUID)) == _XMP_UUID:
            packets.append(file.read(_Box(box.kind, box.start + len(_XMP_UUID), box.end)))
        elif box.kind == b"moov":
            for inner in file.boxes(box):
                if inner.kind == b"udta":
                    packets += [file.read(one) for one in file.boxes(inner) if one.kind == b"XMP_"]
                elif inner.kind == b"meta":
                    words += _words(file, inner)
    return Embedded(tuple(filter(None, packets)), tuple(words))


class _File:
    """A file of boxes. It ends early where it has too many, or too much is to be read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.end = stream.seek(0, 2)
        self._stream = stream
        self._boxes_left, self._bytes_left = _MOST_BOXES, _MOST_BYTES

    def boxes(self, outer: _Box) -> Iterator[_Box]:
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
            if not start <= at + size <= outer.end:
                return
            yield _Box(head[4:_HEAD], start, at + size)
            at += size

    def read(self, box: _Box) -> bytes:
        """Return all that is in a box, nothing where that is too much."""
        length = box.end - box.start
        if not 0 <= length <= self._bytes_left:
            return b""
        self._bytes_left -= length
        return self.at(box.start, length)

    def at(self, place: int, length: int) -> bytes:
        self._stream.seek(place)
        return self._stream.read(length)


def _words(file: _File, meta: _Box) -> Iterator[str]:
    """The values of Apple's key for keywords; QuickTime File Format, "Metadata"."""
    # In MP4 a version and flags stand before the boxes, in QuickTime nothing does.
    has_version = file.at(meta.start + 4, 4) != b"hdlr"
    inside = file.boxes(_Box(meta.kind, meta.start + 4 * has_version, meta.end))
    parts = {box.kind: box for box in inside}
    keys, items = parts.get(b"keys", _NOTHING), parts.get(b"ilst", _NOTHING)
    names = map(file.read, file.boxes(_Box(keys.kind, keys.start + 8, keys.end)))
    wanted = {n for n, name in enumerate(names, 1) if name.removeprefix(_APPLE) == b"keywords"}
    for item in file.boxes(items):
        if int.from_bytes(item.kind, "big") in wanted:
            for value in file.boxes(item):
                yield from _parted(file.read(value))


def _parted(value: bytes) -> Iterator[str]:
    """Yield the words of a value: its type, its language, and text with commas."""
    if encoding := _ENCODINGS.get(int.from_bytes(value[:4], "big")):
        yield from value[8:].decode(encoding, errors="replace").split(",")
