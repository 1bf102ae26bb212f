"""The keywords that a picture's or a video's own file holds; no pixel is decoded.

A video's are in the boxes of MP4 and QuickTime: those that are not needed, the pictures and the
sound above all, are passed over by their size.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import IptcImagePlugin
from PIL.ImageFile import ImageFile

from tigertag.errors import Unreadable
from tigertag.media.files import decoder
from tigertag.media.picture import BROKEN, silence_pillow

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_GUID_BYTES = 32
_KEYWORDS, _CHARSET = (2, 25), (1, 90)
_UTF8 = b"\x1b%G"
_XP_KEYWORDS = 0x9C9E

# Where MP4 and QuickTime keep XMP: XMP specification, part 3, 1.2.7 and 1.2.8.
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_APPLE = b"com.apple.quicktime."
_ENCODINGS = {1: "utf-8", 2: "utf-16-be"}
"""Of the types of values that QuickTime knows, those of text."""
_HEAD, _SIZE_64 = 8, 8
_MOST_BOXES = 1000
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Embedded:
    """XMP packets as they stand in the file, and the words of its IPTC and Exif keywords."""

    packets: tuple[bytes, ...] = ()
    words: tuple[str, ...] = ()


def embedded(path: Path) -> Embedded:
    """Read a picture's keywords; what is broken or no picture has none. Raises `OSError`."""
    silence_pillow()
    with path.open("rb") as stream:
        try:
            image = decoder(stream)(stream)
        except (*BROKEN, Unreadable):
            return Embedded()
        return Embedded(tuple(_packets(image)), (*_iptc(image), *_exif(image)))


def _packets(image: ImageFile) -> Iterator[bytes]:
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode(errors="replace")
    if packet:
        yield packet
    parts: dict[bytes, dict[int, bytes]] = {}
    for name, segment in getattr(image, "applist", ()):
        if name == "APP1" and segment.startswith(_EXTENDED_XMP):
            content = segment[len(_EXTENDED_XMP) :]
            guid, rest = content[:_GUID_BYTES], content[_GUID_BYTES:]
            # Four bytes of the whole length, four of where this part belongs (XMP part 3, 1.1.3.1).
            parts.setdefault(guid, {})[int.from_bytes(rest[4:8], "big")] = rest[8:]
    for packet_parts in parts.values():
        yield b"".join(packet_parts[at] for at in sorted(packet_parts))


def _iptc(image: ImageFile) -> Iterator[str]:
    records: dict[tuple[int, int], bytes | list[bytes]] = {}
    with suppress(*BROKEN):
        records = IptcImagePlugin.getiptcinfo(image) or {}
    words = records.get(_KEYWORDS, [])
    for word in [words] if isinstance(words, bytes) else words:
        yield _text(word, is_utf8=records.get(_CHARSET) == _UTF8)


def _text(word: bytes, *, is_utf8: bool) -> str:
    """Read a word: programs have written UTF-8 without saying so, and Latin-1 before that."""
    if not is_utf8:
        with suppress(UnicodeDecodeError):
            return word.decode()
    return word.decode(errors="replace") if is_utf8 else word.decode("latin-1")


def _exif(image: ImageFile) -> Iterator[str]:
    """Windows' own list: UTF-16 with semicolons between the words."""
    value = None
    if image.format != "TIFF" and "exif" not in image.info:
        # Without it Pillow would decode a whole PNG to look behind its pixels.
        return
    with suppress(*BROKEN):
        value = image.getexif().get(_XP_KEYWORDS)
    if isinstance(value, bytes):
        text = value.decode("utf-16-le", errors="replace").rstrip("\0")
        yield from (word.strip() for word in text.split(";"))


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
