"""The directories of tags that TIFF files are made of, Exif among them (TIFF 6.0, section 2).

Only what is wanted is read, whatever else a file holds or says that it holds: maker notes of ten
megabytes are passed over.
"""

import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass

At = Callable[[int, int], bytes]
"""Gives so many bytes from a place on; fewer, or none, where there are no more."""

Value = str | bytes | tuple[float, ...]

_MOST_ENTRIES = 512
_MOST_VALUE_BYTES = 64 * 1024
_ENTRY_BYTES = 12
_BYTES, _TEXT, _UNDEFINED = 1, 2, 7
# Type: how one value is unpacked. Rationals are two numbers.
_FORMATS = {3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_RATIONALS = (5, 10)


@dataclass(frozen=True, slots=True)
class Tiff:
    """What stands in a TIFF structure. `order`: "<" or ">", as `struct` has it."""

    at: At
    order: str
    first: int

    def tags(self, offset: int, wanted: Collection[int]) -> dict[int, Value]:
        """Return the wanted tags of the directory at this place; what is broken is left out."""
        counted = self.at(offset, 2)
        if offset <= 0 or len(counted) < 2:
            return {}
        (count,) = struct.unpack(f"{self.order}H", counted)
        length = min(count, _MOST_ENTRIES) * _ENTRY_BYTES
        directory = self.at(offset + 2, length)
        found: dict[int, Value] = {}
        entry = struct.Struct(f"{self.order}HHI4s")
        for tag, kind, number, field in entry.iter_unpack(_whole(directory)):
            if tag in wanted and tag not in found:
                value = self._value(kind, number, field)
                if value is not None:
                    found[tag] = value
        return found

    def place(self, offset: int, tag: int) -> tuple[int, int]:
        """Return where the value of a tag stands, and how long it is; (0, 0): it is not there."""
        (count,) = struct.unpack(f"{self.order}H", self.at(offset, 2).rjust(2, b"\0"))
        directory = self.at(offset + 2, min(count, _MOST_ENTRIES) * _ENTRY_BYTES)
        for found, _kind, number, at in struct.iter_unpack(f"{self.order}HHII", _whole(directory)):
            if found == tag and number > 4:
                return at, number
        return 0, 0

    def _value(self, kind: int, number: int, field: bytes) -> Value | None:
        form = _FORMATS.get(kind)
        if form is None and kind not in (_BYTES, _TEXT, _UNDEFINED):
            return None
        width = 1 if form is None else struct.calcsize(f"={form}")
        if not 0 < width * number <= _MOST_VALUE_BYTES:
            return None
        data = field[: width * number]
        if width * number > 4:
            data = self.at(struct.unpack(f"{self.order}I", field)[0], width * number)
        if kind == _TEXT:
            return text(data)
        if form is None:
            return data
        numbers = struct.unpack(f"{self.order}{form * (len(data) // width)}", _whole(data, width))
        if kind in _RATIONALS:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            return tuple(a / b if b else float("nan") for a, b in pairs)
        return tuple(numbers)


def opened(at: At) -> Tiff | None:
    """Return the TIFF structure that begins at 0; None where there is none."""
    head = at(0, 8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return None
    return Tiff(at, order, struct.unpack(f"{order}I", head[4:])[0])


def within(data: bytes) -> At:
    """Return what reads from these bytes."""
    return lambda place, length: data[place : place + length]


def text(data: bytes) -> str:
    """Read a text up to its end; what is not UTF-8 was written as Latin-1."""
    data = data.partition(b"\0")[0]
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def _whole(data: bytes, width: int = _ENTRY_BYTES) -> bytes:
    return data[: len(data) // width * width]
