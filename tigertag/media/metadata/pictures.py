"""Where pictures of each format keep their size, Exif data and XMP. No pixel is decoded."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from tigertag.media.metadata import marks, xmp
from tigertag.media.metadata.heif import heif
from tigertag.media.metadata.parts import Parts, no_data
from tigertag.media.metadata.tiff import At, text, within

_MOST_SEGMENTS = 1000
_MOST_CHUNKS = 64
_MOST_BYTES = 1024 * 1024
"""Of one chunk that is looked into."""

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_SIZE_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD9)}
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9

_PNG_XMP = b"XML:com.adobe.xmp"
_COMMENTS, _SOFTWARE = (b"Comment", b"Description"), b"Software"
_PNG_TEXTS = (b"tEXt", b"iTXt", b"zTXt")


def parts(stream: BinaryIO) -> Parts:
    """Return what a picture keeps apart from its pixels; nothing of what is no picture."""
    head = stream.read(32)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(stream)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(stream)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(stream)
    if head[:4] in (b"II*\0", b"MM\0*"):
        return Parts(exif=lambda place, length: _at(stream, place, length))
    if head[4:8] == b"ftyp":
        return heif(stream)
    return Parts()


def _at(stream: BinaryIO, place: int, length: int) -> bytes:
    stream.seek(place)
    return stream.read(length)


def _jpeg(stream: BinaryIO) -> Parts:
    """Walk the segments before the pixels (ITU-T T.81, annex B)."""
    exif: At = no_data
    packet, size = b"", None
    for marker, place, length in _segments(stream):
        if marker == _APP1:
            data = _at(stream, place, length)
            if data.startswith(_EXIF) and exif is no_data:
                exif = within(data[len(_EXIF) :])
            elif data.startswith(_XMP) and not packet:
                packet = data[len(_XMP) :]
        elif marker in _SIZE_MARKERS:
            data = _at(stream, place + 1, 4)
            size = int.from_bytes(data[2:], "big"), int.from_bytes(data[:2], "big")
            break
    return Parts(size, exif, packet)


def _segments(stream: BinaryIO) -> Iterator[tuple[int, int, int]]:
    at = 2
    for _number in range(_MOST_SEGMENTS):
        head = _at(stream, at, 4)
        if len(head) < 4 or head[0] != 0xFF:
            return
        marker = head[1]
        if marker == 0xFF:
            # Any number of these may stand before a marker.
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in (_SCAN, _END):
            return
        else:
            length = int.from_bytes(head[2:], "big")
            yield marker, at + 4, max(0, length - 2)
            at += 2 + max(2, length)


@dataclass(slots=True)
class _Chunk:
    kind: bytes
    place: int
    length: int


def _png(stream: BinaryIO) -> Parts:
    """Walk the chunks (PNG, third edition, 5 and 11)."""
    found = Parts(marks=frozenset({marks.PNG}))
    for chunk in _chunks(stream):
        if chunk.kind == b"IHDR":
            data = _at(stream, chunk.place, 8)
            size = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
            found = found.replace(size_px=size)
        elif chunk.kind == b"eXIf" and chunk.length <= _MOST_BYTES:
            found = found.replace(exif=within(_at(stream, chunk.place, chunk.length)))
        elif chunk.kind in _PNG_TEXTS and chunk.length <= _MOST_BYTES:
            found = _with_text(found, chunk.kind, _at(stream, chunk.place, chunk.length))
    return found


def _chunks(stream: BinaryIO) -> Iterator[_Chunk]:
    at = 8
    for _number in range(_MOST_CHUNKS):
        head = _at(stream, at, 8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length = int.from_bytes(head[:4], "big")
        yield _Chunk(head[4:], at + 8, length)
        at += 12 + length


def _with_text(found: Parts, kind: bytes, data: bytes) -> Parts:
    keyword, _nul, rest = data.partition(b"\0")
    value = _png_text(kind, rest)
    if keyword == _PNG_XMP:
        return found.replace(xmp=value)
    if keyword == _SOFTWARE:
        return found.replace(software=text(value))
    return found.replace(comment=text(value)) if keyword in _COMMENTS else found


def _png_text(kind: bytes, rest: bytes) -> bytes:
    is_compressed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        is_compressed = rest[:1] == b"\1"
        # Language and translated keyword stand before the text.
        rest = b"".join(rest[2:].split(b"\0", 2)[2:])
    if not is_compressed:
        return rest
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(rest, xmp.MOST_BYTES)
    return b""


def _webp(stream: BinaryIO) -> Parts:
    """Walk the chunks (WebP Container Specification; RFC 9649)."""
    found, at = Parts(), 12
    for _number in range(_MOST_CHUNKS):
        head = _at(stream, at, 8)
        if len(head) < 8:
            break
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            size = _webp_size(kind, _at(stream, at + 8, 10))
            found = found.replace(size_px=found.size_px or size)
        elif kind == b"EXIF" and length <= _MOST_BYTES:
            data = _at(stream, at + 8, length).removeprefix(_EXIF)
            found = found.replace(exif=within(data))
        elif kind == b"XMP " and length <= _MOST_BYTES:
            found = found.replace(xmp=_at(stream, at + 8, length))
        at += 8 + length + length % 2
    return found


def _webp_size(kind: bytes, data: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        width, height = data[4:7], data[7:10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    low = 0x3FFF
    return int.from_bytes(data[6:8], "little") & low, int.from_bytes(data[8:10], "little") & low
