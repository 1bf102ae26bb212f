"""Exif data and boxes of videos, written byte by byte, lies and all."""

import io
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image

MAKE, MODEL, SOFTWARE, PHOTO, GPS = 0x010F, 0x0110, 0x0131, 0x8769, 0x8825
TAKEN, OFFSET, NOTE, COMMENT, RENDERED, LENS = 0x9003, 0x9011, 0x927C, 0x9286, 0xA401, 0xA434

VIENNA = {1: "N", 2: (48.0, 12.0, 29.52), 3: "E", 4: (16.0, 22.0, 25.68)}


def exif(
    main: Mapping[int, Any] | None = None,
    photo: Mapping[int, Any] | None = None,
    gps: Mapping[int, Any] | None = None,
) -> Image.Exif:
    data = Image.Exif()
    # Without a tag of its own Pillow writes none of the other directories.
    data[0x0112] = 1
    for tag, value in (main or {}).items():
        data[tag] = value
    data.get_ifd(PHOTO).update(photo or {})
    data.get_ifd(GPS).update(gps or {})
    return data


def picture(
    kind: str = "JPEG",
    data: Image.Exif | None = None,
    size: tuple[int, int] = (64, 48),
    **more: Any,
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, exif=data or Image.Exif(), **more)
    return out.getvalue()


def xmp(inside: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        f" {inside}/></rdf:RDF></x:xmpmeta>"
    ).encode()


def apple_note(texts: Mapping[int, str], numbers: Mapping[int, int] | None = None) -> bytes:
    """Maker notes as Apple writes them: offsets count from their own beginning."""
    entries = b""
    count = len(texts) + len(numbers or {})
    rest, at = b"", 16 + 12 * count + 4
    for tag, text in sorted(texts.items()):
        data = text.encode() + b"\0"
        entries += struct.pack(">HHII", tag, 2, len(data), at + len(rest))
        rest += data
    for tag, number in sorted((numbers or {}).items()):
        entries += struct.pack(">HHIi", tag, 9, 1, number)
    head = b"Apple iOS\0\0\1MM" + struct.pack(">H", count)
    return head + entries + b"\0\0\0\0" + rest


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", len(data) + 8) + kind + data


def keys(values: Mapping[str, str | float | int]) -> bytes:
    """The `meta` box of QuickTime with names and values."""
    names = [box(b"mdta", name.encode()) for name in values]
    items = []
    for number, value in enumerate(values.values(), 1):
        match value:
            case str():
                kind, data = 1, value.encode()
            case float():
                kind, data = 23, struct.pack(">f", value)
            case _:
                kind, data = 21, struct.pack(">b", value)
        item = box(b"data", struct.pack(">II", kind, 0), data)
        items.append(box(struct.pack(">I", number), item))
    head = struct.pack(">II", 0, len(names))
    return box(
        b"meta",
        box(b"hdlr", b"\0" * 8, b"mdta", b"\0" * 12),
        box(b"keys", head, *names),
        box(b"ilst", *items),
    )


def track(*, rate: int = 30, size: tuple[int, int] = (1920, 1080), turned: bool = False) -> bytes:
    matrix = (0, 0x10000, 0, -0x10000, 0, 0) if turned else (0x10000, 0, 0, 0, 0x10000, 0)
    a, b, u, c, d, v = matrix
    shown = struct.pack(">9i", a, b, u, c, d, v, 0, 0, 0x40000000)
    shown += struct.pack(">II", size[0] << 16, size[1] << 16)
    times = struct.pack(">IIII", 0, 1, 300, 1)
    return box(
        b"trak",
        box(b"tkhd", b"\0" * 40, shown),
        box(
            b"mdia",
            box(b"mdhd", struct.pack(">IIIII", 0, 0, 0, rate, 300), b"\0" * 4),
            box(b"hdlr", b"\0" * 8, b"vide", b"\0" * 12),
            box(b"minf", box(b"stbl", box(b"stts", times))),
        ),
    )


def movie(*inside: bytes, made_s: int = 0, last: bool = False) -> bytes:
    """A file whose `moov` has these boxes; `last`: behind the pictures."""
    head = box(b"mvhd", struct.pack(">IIIII", 0, made_s, 0, 1000, 10_000), b"\0" * 80)
    moov = box(b"moov", head, *inside)
    pictures = box(b"mdat", b"\0" * 300_000)
    first, second = (pictures, moov) if last else (moov, pictures)
    return box(b"ftyp", b"qt  \0\0\0\0") + first + second
