"""The keywords that a picture's or a video's own file holds; no pixel is decoded.

A video's are in the boxes of MP4 and QuickTime.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import IptcImagePlugin
from PIL.ImageFile import ImageFile

from tigertag.errors import Unreadable
from tigertag.media.boxes import Box, BoxFile, quicktime_values
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


def embedded_in_video(path: Path) -> Embedded:
    """Read a video's keywords; what is broken or no such video has none. Raises `OSError`."""
    # A buffer would read on, into pictures.
    with path.open("rb", buffering=0) as stream:
        return keywords(stream)


def keywords(stream: BinaryIO) -> Embedded:
    """Read the keywords of a video that can be sought in. Raises `OSError`."""
    file = BoxFile(stream)
    packets: list[bytes] = []
    words: list[str] = []
    for box in file.boxes(file.whole):
        if box.kind == b"uuid" and file.at(box.start, len(_XMP_UUID)) == _XMP_UUID:
            packets.append(file.read(Box(box.kind, box.start + len(_XMP_UUID), box.end)))
        elif box.kind == b"moov":
            for inner in file.boxes(box):
                if inner.kind == b"udta":
                    packets += [file.read(one) for one in file.boxes(inner) if one.kind == b"XMP_"]
                elif inner.kind == b"meta":
                    words += _words(file, inner)
    return Embedded(tuple(filter(None, packets)), tuple(words))


def _words(file: BoxFile, meta: Box) -> Iterator[str]:
    """The values of Apple's key for keywords."""
    for name, value in quicktime_values(file, meta):
        if name.removeprefix(_APPLE) == b"keywords":
            yield from _parted(value)


def _parted(value: bytes) -> Iterator[str]:
    """Yield the words of a value: its type, its language, and text with commas."""
    if encoding := _ENCODINGS.get(int.from_bytes(value[:4], "big")):
        yield from value[8:].decode(encoding, errors="replace").split(",")
