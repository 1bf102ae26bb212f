"""HEIC and AVIF: where their items stand (ISO/IEC 23008-12 and 14496-12, 8.11)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from tigertag.media.boxes import NO_BOX, Box, BoxFile
from tigertag.media.metadata import marks
from tigertag.media.metadata.parts import Parts, no_data
from tigertag.media.metadata.tiff import At, within

_MOST_ITEMS = 4096
_MOST_BYTES = 1024 * 1024
_EXIF, _MIME, _XMP = b"Exif", b"mime", b"application/rdf+xml"
_MOTION_VIDEO = b"mpvd"
"""Where motion photos keep their video; Android's motion photo format, 1.0."""


def heif(stream: BinaryIO) -> Parts:
    """Return what is beside the pixels. The data of items must not be scattered to be read."""
    file = BoxFile(stream, is_cut=True)
    top = file.inside(file.whole)
    meta = top.get(b"meta", NO_BOX)
    # A version and flags stand before the boxes in `meta`.
    inner = file.inside(Box(b"", meta.start + 4, meta.end))
    names = dict(_items(file, inner.get(b"iinf", NO_BOX)))
    places = dict(_places(file, inner))
    exif: At = no_data
    packet = b""
    for item, kind in names.items():
        start, length = places.get(item, (0, 0))
        is_wanted = (kind == _EXIF and exif is no_data) or (kind == _XMP and not packet)
        if not is_wanted or not length > 0 or not 0 < start < file.end:
            continue
        data = file.at(start, min(length, _MOST_BYTES))
        if kind == _XMP:
            packet = data
        else:
            exif = _exif(data)
    size, is_turned = _size(file, inner.get(b"iprp", NO_BOX))
    has_video = _MOTION_VIDEO in top
    found = frozenset({marks.MOTION_PHOTO} if has_video else ())
    return Parts(size, exif, packet, is_turned, marks=found)


def _exif(data: bytes) -> At:
    """Four bytes tell how much stands before the TIFF structure (23008-12, A.2.1)."""
    return within(data[4 + int.from_bytes(data[:4], "big") :])


def _items(file: BoxFile, iinf: Box) -> Iterator[tuple[int, bytes]]:
    """Yield ids of items and what they are: their type, or the MIME type of those of `mime`."""
    version = file.at(iinf.start, 1)
    start = iinf.start + (6 if version == b"\0" else 8)
    for infe in file.boxes(Box(b"", start, iinf.end)):
        data = file.at(infe.start, min(infe.end - infe.start, 256))
        wide = data[:1] == b"\3"
        if data[:1] not in (b"\2", b"\3"):
            continue
        id_end = 8 if wide else 6
        kind, rest = data[id_end + 2 : id_end + 6], data[id_end + 6 :]
        if kind == _MIME:
            kind = b"".join(rest.split(b"\0")[1:2])
        yield int.from_bytes(data[4:id_end], "big"), kind


def _places(file: BoxFile, inner: dict[bytes, Box]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield ids of items, and where the first extent of each stands in the file."""
    box = inner.get(b"iloc", NO_BOX)
    data = file.at(box.start, min(box.end - box.start, _MOST_BYTES))
    try:
        yield from _extents(data, inner.get(b"idat", NO_BOX).start)
    except (struct.error, IndexError):
        return


def _extents(data: bytes, idat: int) -> Iterator[tuple[int, tuple[int, int]]]:
    version, sizes = data[0], int.from_bytes(data[4:6], "big")
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    fields = _Fields(data, 6)
    for _number in range(min(fields.next(wide), _MOST_ITEMS)):
        item = fields.next(wide)
        method = fields.next(2) & 15 if version else 0
        fields.next(2)
        base = fields.next(base_size)
        first = (0, 0)
        if count := fields.next(2):
            fields.next(index_size)
            first = base + fields.next(offset_size), fields.next(length_size)
            # In one step: a file of some kilobytes can claim millions of extents of no width.
            fields.next((count - 1) * (index_size + offset_size + length_size))
        if method < 2:
            # 0: offsets count from the file's beginning, 1: from that of `idat`.
            yield item, (first[0] + (idat if method else 0), first[1])


class _Fields:
    """Numbers that follow one another. Raises `IndexError` at the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def next(self, size: int) -> int:
        end = self._at + size
        if end > len(self._data):
            raise IndexError
        number = int.from_bytes(self._data[self._at : end], "big")
        self._at = end
        return number


def _size(file: BoxFile, iprp: Box) -> tuple[tuple[int, int] | None, bool | None]:
    """Return the largest size of an item, which is the picture's, and whether it is turned."""
    size, is_turned = None, False
    properties = file.inside(iprp).get(b"ipco", NO_BOX)
    for box in file.boxes(properties):
        if box.kind == b"ispe":
            data = file.at(box.start + 4, 8)
            one = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
            size = max(size or one, one, key=lambda size: size[0] * size[1])
        elif box.kind == b"irot":
            is_turned |= file.at(box.start, 1)[:1] in (b"\1", b"\3")
    return size, None if size is None else is_turned
