"""The items of a HEIF file: where their bytes are, and what the file says of them.

No more is read than the fast decoder needs (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12). Nothing is
believed: sizes and counts are checked before they are used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

# An iPhone's photo has 10 KB and 53 items; libheif refuses more than 1000.
_MOST_META_BYTES = 4 * 1024 * 1024
_MOST_ITEMS = 1000
_MOST_PARTS = 64
_HEADER_BYTES, _SIZE_64 = 8, 8
_FILE, _IDAT = 0, 1
"""Where the bytes of an item are: `construction_method` of `iloc`."""


class UnusualFile(Exception):
    """The file is broken, or built in a way that only the full decoder knows."""


@dataclass(frozen=True, slots=True)
class Item:
    """`properties` are in the order in which they apply; `parts`: offsets and lengths."""

    id: int
    kind: bytes
    properties: tuple[tuple[bytes, bytes], ...]
    parts: tuple[tuple[int, int], ...]
    is_in_idat: bool

    def only(self, kind: bytes) -> bytes:
        """Return the only property of a kind. Raises `UnusualFile`."""
        values = [value for name, value in self.properties if name == kind]
        if len(values) != 1:
            raise UnusualFile
        return values[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height before the picture is turned. Raises `UnusualFile`."""
        extents = _Reader(self.only(b"ispe"), 4)
        return extents.number(4), extents.number(4)

    @property
    def length(self) -> int:
        return sum(length for _offset, length in self.parts)


class HeifItems:
    """The items of a file. Raises `UnusualFile`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.file_bytes = stream.seek(0, 2)
        boxes = dict(_boxes(_Reader(_meta(stream), 4)))
        missing = {b"pitm", b"iinf", b"iloc", b"iprp"} - boxes.keys()
        if missing:
            raise UnusualFile
        self._idat = boxes.get(b"idat", b"")
        kinds = _kinds(boxes[b"iinf"])
        properties = _properties(boxes[b"iprp"])
        places = _places(boxes[b"iloc"])
        self._items = {
            id: Item(id, kind, properties.get(id, ()), *places[id])
            for id, kind in kinds.items()
            if id in places
        }
        self._references = tuple(_references(boxes.get(b"iref", b"\0" * 4)))
        primary = _Reader(boxes[b"pitm"])
        self.primary = self.item(primary.number(2 if primary.version() == 0 else 4))

    def item(self, id: int) -> Item:
        if id not in self._items:
            raise UnusualFile
        return self._items[id]

    def inputs(self, item: Item) -> tuple[Item, ...]:
        """Return what a derived item is made of, in order."""
        lists = [to for kind, id, to in self._references if kind == b"dimg" and id == item.id]
        if len(lists) != 1:
            raise UnusualFile
        return tuple(map(self.item, lists[0]))

    def thumbnails(self, item: Item) -> tuple[Item, ...]:
        """Return the items that the file calls thumbnails of this one."""
        references = (ref for ref in self._references if ref[0] == b"thmb" and item.id in ref[2])
        return tuple(self._items[id] for _kind, id, _to in references if id in self._items)

    def is_cut_short(self) -> bool:
        """Whether the file ends before the primary picture does; libheif shows the rest of it."""
        primary = self.primary
        tiles = self.inputs(primary) if primary.kind == b"grid" else ()
        return not all(map(self._is_whole, (primary, *tiles)))

    def _is_whole(self, item: Item) -> bool:
        return all(offset + length <= self.file_bytes for offset, length in item.parts)

    def data(self, item: Item) -> bytes:
        """Return all bytes of an item."""
        if not self._is_whole(item):
            raise UnusualFile
        data = b"".join(self._part(item, offset, length) for offset, length in item.parts)
        if not data or len(data) != item.length:
            raise UnusualFile
        return data

    def _part(self, item: Item, offset: int, length: int) -> bytes:
        if item.is_in_idat:
            return self._idat[offset : offset + length]
        self._stream.seek(offset)
        return self._stream.read(length)


@dataclass(slots=True)
class _Reader:
    """Big-endian numbers of a box's content, from `at` on."""

    data: bytes
    at: int = 0
    flags: int = field(init=False, default=0)

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def take(self, length: int) -> bytes:
        taken = self.data[self.at : self.at + length]
        if len(taken) != length:
            raise UnusualFile
        self.at += length
        return taken

    def version(self) -> int:
        """Read the head of a full box; its flags are kept."""
        version, self.flags = self.number(1), self.number(3)
        return version

    def count(self, length: int, most: int = _MOST_ITEMS) -> int:
        count = self.number(length)
        if count > most:
            raise UnusualFile
        return count


def _meta(stream: BinaryIO) -> bytes:
    """Return what is in the box of the file that describes its items."""
    at, end = 0, stream.seek(0, 2)
    for _box in range(_MOST_PARTS):
        stream.seek(at)
        head = _Reader(stream.read(_HEADER_BYTES + _SIZE_64))
        size, kind = head.number(4), head.take(4)
        size = head.number(8) if size == 1 else size
        if size < head.at or at + size > end:
            break
        if kind == b"meta":
            if size > _MOST_META_BYTES:
                break
            stream.seek(at + head.at)
            return stream.read(size - head.at)
        at += size
    raise UnusualFile


def _boxes(reader: _Reader) -> Iterator[tuple[bytes, bytes]]:
    while reader.at < len(reader.data):
        size, kind = reader.number(4), reader.take(4)
        if size < _HEADER_BYTES:
            raise UnusualFile
        yield kind, reader.take(size - _HEADER_BYTES)


def _kinds(iinf: bytes) -> Mapping[int, bytes]:
    reader = _Reader(iinf)
    reader.count(2 if reader.version() == 0 else 4)
    kinds = {}
    for _kind, infe in _boxes(reader):
        entry = _Reader(infe)
        version = entry.version()
        if version < 2:
            raise UnusualFile
        id = entry.number(2 if version == 2 else 4)
        entry.number(2)
        kinds[id] = entry.take(4)
    return kinds


def _places(iloc: bytes) -> Mapping[int, tuple[tuple[tuple[int, int], ...], bool]]:
    reader = _Reader(iloc)
    version = reader.version()
    sizes = reader.number(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    places = {}
    for _item in range(reader.count(4 if version == 2 else 2)):
        id = reader.number(4 if version == 2 else 2)
        method = reader.number(2) & 15 if version else _FILE
        # What is in another file cannot be read.
        is_elsewhere = reader.number(2) != 0
        base = reader.number(base_bytes)
        parts = []
        for _part in range(reader.count(2, _MOST_PARTS)):
            reader.number(index_bytes)
            parts.append((base + reader.number(offset_bytes), reader.number(length_bytes)))
        if method in (_FILE, _IDAT) and not is_elsewhere:
            places[id] = tuple(parts), method == _IDAT
    return places


def _properties(iprp: bytes) -> Mapping[int, tuple[tuple[bytes, bytes], ...]]:
    boxes = list(_boxes(_Reader(iprp)))
    if not boxes or boxes[0][0] != b"ipco":
        raise UnusualFile
    known = list(_boxes(_Reader(boxes[0][1])))
    return {id: numbers for kind, ipma in boxes[1:] for id, numbers in _associated(ipma, known)}


def _associated(
    ipma: bytes, known: list[tuple[bytes, bytes]]
) -> Iterator[tuple[int, tuple[tuple[bytes, bytes], ...]]]:
    reader = _Reader(ipma)
    version = reader.version()
    length = 2 if reader.flags & 1 else 1
    mask = 0x7FFF if reader.flags & 1 else 0x7F
    for _item in range(reader.count(4)):
        id = reader.number(2 if version == 0 else 4)
        numbers = [reader.number(length) & mask for _ in range(reader.number(1))]
        if max(numbers, default=0) > len(known):
            raise UnusualFile
        yield id, tuple(known[number - 1] for number in numbers if number)


def _references(iref: bytes) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    reader = _Reader(iref)
    length = 2 if reader.version() == 0 else 4
    for kind, reference in _boxes(reader):
        entry = _Reader(reference)
        id = entry.number(length)
        yield kind, id, tuple(entry.number(length) for _ in range(entry.count(2)))
