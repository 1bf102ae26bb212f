"""HEIC files as cameras write them: a grid of tiles, and a thumbnail of its own."""

import io
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import Image

from tigertag.media.heif.items import HeifItems

Size = tuple[int, int]

# A camera puts it where a file that is cut short still has it.
_PRIMARY = 1


@dataclass(frozen=True, slots=True)
class Coded:
    """A picture in HEVC. `size` is what the file says of it."""

    config: bytes
    data: bytes
    size: Size

    def with_size(self, size: Size) -> "Coded":
        return Coded(self.config, self.data, size)


def coded(image: Image.Image, **options: Any) -> Coded:
    """Encode a picture; `options` are pillow-heif's."""
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, **{"quality": 80, **options})
    items = HeifItems(stream)
    return Coded(items.primary.only(b"hvcC"), items.data(items.primary), image.size)


def tiles(image: Image.Image, side_px: int, **options: Any) -> list[Coded]:
    """Cut a picture into square tiles; the last ones go on with its last pixels."""
    corners = [
        (x, y) for y in range(0, image.height, side_px) for x in range(0, image.width, side_px)
    ]
    return [coded(_tile(image, *corner, side_px), **options) for corner in corners]


def _tile(image: Image.Image, left: int, top: int, side_px: int) -> Image.Image:
    part = image.crop(
        (left, top, min(left + side_px, image.width), min(top + side_px, image.height))
    )
    tile = part.resize((side_px, side_px), Image.Resampling.NEAREST)
    tile.paste(part)
    return tile


def grid(
    size: Size,
    parts: Sequence[Coded],
    *,
    thumbnails: Sequence[Coded] = (),
    properties: Sequence[bytes] = (),
    thumbnail_properties: Sequence[bytes] | None = None,
    is_shared: bool = False,
) -> bytes:
    """Make a HEIC of tiles.

    `properties` are boxes, of the thumbnails too where those have none of their own. `is_shared`:
    the bytes of equal pictures are in the file once.
    """
    columns = -(-size[0] // parts[0].size[0])
    rows = len(parts) // columns
    descriptor = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    own = properties if thumbnail_properties is None else thumbnail_properties
    pictures = [*parts, *thumbnails]
    described = [
        [_extents(size), *properties],
        *([*_described(part)] for part in parts),
        *([*_described(thumbnail), *own] for thumbnail in thumbnails),
    ]
    first_thumbnail = _PRIMARY + 1 + len(parts)
    references = _reference(b"dimg", _PRIMARY, range(_PRIMARY + 1, first_thumbnail)) + b"".join(
        _reference(b"thmb", number, [_PRIMARY])
        for number in range(first_thumbnail, first_thumbnail + len(thumbnails))
    )
    kinds = [b"grid"] + [b"hvc1"] * len(pictures)
    data = [descriptor] + [picture.data for picture in pictures]
    return _file(kinds, data, references, described, is_shared=is_shared)


def turned_left(quarters: int) -> bytes:
    """The property of a picture that is shown turned, anticlockwise."""
    return _box(b"irot", bytes([quarters]))


def mirrored(axis: int) -> bytes:
    return _box(b"imir", bytes([axis]))


def cropped(size: Size) -> bytes:
    """The property of a picture of which only the middle is shown."""
    return _box(b"clap", struct.pack(">8I", size[0], 1, size[1], 1, 0, 1, 0, 1))


def colours(matrix: int, *, is_full: bool) -> bytes:
    return _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, matrix, is_full << 7))


def _described(picture: Coded) -> list[bytes]:
    return [_box(b"hvcC", picture.config), _extents(picture.size)]


def _extents(size: Size) -> bytes:
    return _full(b"ispe", struct.pack(">II", *size))


def _file(
    kinds: Sequence[bytes],
    data: Sequence[bytes],
    references: bytes,
    described: Sequence[Sequence[bytes]],
    *,
    is_shared: bool,
) -> bytes:
    stored = list(dict.fromkeys(data)) if is_shared else data
    head = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    entries = b"".join(
        _full(b"infe", struct.pack(">HH", number, 0), kind, b"\0", version=2)
        for number, kind in enumerate(kinds, 1)
    )
    boxes = [
        _full(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full(b"pitm", struct.pack(">H", _PRIMARY)),
        _full(b"iinf", struct.pack(">H", len(kinds)), entries),
        _full(b"iref", references),
        _properties(described),
    ]
    length = len(head) + len(_full(b"meta", *boxes, _places(0, data, stored))) + 8
    meta = _full(b"meta", *boxes, _places(length, data, stored))
    return head + meta + _box(b"mdat", *stored)


def _properties(described: Sequence[Sequence[bytes]]) -> bytes:
    known = list(dict.fromkeys(one for properties in described for one in properties))
    entries = [
        struct.pack(">HB", number, len(properties))
        + bytes(known.index(one) + 1 for one in properties)
        for number, properties in enumerate(described, 1)
    ]
    return _box(
        b"iprp",
        _box(b"ipco", *known),
        _full(b"ipma", struct.pack(">I", len(entries)), *entries),
    )


def _places(start: int, data: Sequence[bytes], stored: Sequence[bytes]) -> bytes:
    places = {}
    for item in stored:
        places[item] = start
        start += len(item)
    entries = [
        struct.pack(">HHHII", number, 0, 1, places[item], len(item))
        for number, item in enumerate(data, 1)
    ]
    return _full(b"iloc", struct.pack(">HH", 0x4400, len(data)), *entries)


def _reference(kind: bytes, item: int, to: Iterable[int]) -> bytes:
    numbers = list(to)
    return _box(kind, struct.pack(f">HH{len(numbers)}H", item, len(numbers), *numbers))


def _full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), *parts)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content
