"""What Exif tells: camera, time, place and the marks of some makers (Exif 3.0; CIPA DC-008)."""

import math
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from tigertag.media.metadata import marks
from tigertag.media.metadata.tiff import At, Tiff, Value, opened, text, within

_MAKE, _MODEL, _ORIENTATION, _SOFTWARE = 0x010F, 0x0110, 0x0112, 0x0131
_DESCRIPTION, _WIDTH, _HEIGHT, _XMP, _EXIF, _GPS = 0x010E, 0x0100, 0x0101, 0x02BC, 0x8769, 0x8825
_MAIN = (_MAKE, _MODEL, _ORIENTATION, _SOFTWARE, _DESCRIPTION, _WIDTH, _HEIGHT, _XMP, _EXIF, _GPS)

_TAKEN, _DIGITISED, _OFFSET, _OFFSET_TAKEN = 0x9003, 0x9004, 0x9010, 0x9011
_MAKER_NOTE, _COMMENT, _PIXELS_X, _PIXELS_Y = 0x927C, 0x9286, 0xA002, 0xA003
_CUSTOM_RENDERED, _LENS = 0xA401, 0xA434
_TIMES = (_TAKEN, _DIGITISED, _OFFSET, _OFFSET_TAKEN)
_PHOTO = (*_TIMES, _COMMENT, _PIXELS_X, _PIXELS_Y, _CUSTOM_RENDERED, _LENS)
_GPS_TIME, _GPS_DATE = 7, 29
_PLACE = (1, 2, 3, 4, _GPS_TIME, _GPS_DATE)

_PANORAMA = 6
"""Of CustomRendered: what Apple's cameras write (beyond the standard, which knows 0 and 1)."""

# Apple's maker notes: a header of 14 bytes, then a directory whose offsets count from the header.
# Tag numbers as ExifTool names them (BurstUUID, MediaGroupUUID, CameraType).
_APPLE = b"Apple iOS\0"
_APPLE_DIRECTORY = 14
_MOST_NOTE_BYTES = 64 * 1024
_BURST, _LIVE, _CAMERA = 0x0B, 0x11, 0x2E
_FRONT = 6

_CHARSETS = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "", b"\0" * 8: "utf-8"}
_MOST_TEXT = 500
_YEARS = range(1826, 2101)
"""From the first photograph on."""


@dataclass(frozen=True, slots=True)
class Exif:
    """What stands in a picture's Exif data; `size_px` as stored, not turned."""

    make: str = ""
    camera: str = ""
    lens: str = ""
    software: str = ""
    comment: str = ""
    taken_at: datetime | None = None
    place: tuple[float, float] | None = None
    size_px: tuple[int, int] | None = None
    is_turned: bool = False
    marks: frozenset[str] = frozenset()
    xmp: bytes = b""


def read(at: At) -> Exif:
    """Read Exif data that begin at 0; what is broken in them is left out."""
    tiff = opened(at)
    if tiff is None:
        return Exif()
    main = tiff.tags(tiff.first, _MAIN)
    photo = tiff.tags(_number(main, _EXIF), _PHOTO)
    gps = tiff.tags(_number(main, _GPS), _PLACE)
    found = _apple(tiff, _number(main, _EXIF))
    if _number(photo, _CUSTOM_RENDERED) == _PANORAMA:
        found |= {marks.PANORAMA}
    packet = main.get(_XMP)
    return Exif(
        make=_text(main, _MAKE),
        camera=_text(main, _MODEL),
        lens=_text(photo, _LENS),
        software=_text(main, _SOFTWARE),
        comment=_comment(photo.get(_COMMENT)) or _text(main, _DESCRIPTION),
        taken_at=_taken_at(photo, gps),
        place=_place(gps),
        size_px=_size(photo, _PIXELS_X, _PIXELS_Y) or _size(main, _WIDTH, _HEIGHT),
        is_turned=_number(main, _ORIENTATION) in range(5, 9),
        marks=found,
        xmp=packet if isinstance(packet, bytes) else b"",
    )


def clean(value: str) -> str:
    """Return a text as one short line."""
    return " ".join(value[:_MOST_TEXT].split())


def moment(value: str, offset: str = "") -> datetime | None:
    """Read "2021:05:01 14:00:00", or with hyphens and T, and an offset such as "+02:00".

    None for what is no time, such as "0000:00:00 00:00:00", and for years before photography.
    """
    stamp = value.strip()[:19].replace("T", " ").replace("-", ":")
    with suppress(ValueError, OverflowError):
        taken_at = datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S")
        if taken_at.year in _YEARS:
            return taken_at.replace(tzinfo=_zone(offset))
    return None


def coordinates(latitude: float, longitude: float) -> tuple[float, float] | None:
    """Return a place on Earth; 0, 0 is what cameras write that know none."""
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    if abs(latitude) < 1e-6 and abs(longitude) < 1e-6:
        return None
    return latitude, longitude


def _zone(offset: str) -> timezone | None:
    offset = offset.strip()
    if offset == "Z":
        return UTC
    sign, digits = offset[:1], offset[1:].replace(":", "")
    if sign not in ("+", "-") or len(digits) != 4 or not digits.isascii() or not digits.isdigit():
        return None
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if sign == "-" else minutes))


def _taken_at(photo: dict[int, Value], gps: dict[int, Value]) -> datetime | None:
    taken = _text(photo, _TAKEN) or _text(photo, _DIGITISED)
    local = moment(taken, _text(photo, _OFFSET_TAKEN) or _text(photo, _OFFSET))
    if local is None or local.tzinfo is not None:
        return local
    utc = _gps_time(gps)
    return local if utc is None else _with_offset(local, utc)


def _gps_time(gps: dict[int, Value]) -> datetime | None:
    clock = _numbers(gps, _GPS_TIME)
    date = moment(f"{_text(gps, _GPS_DATE)} 00:00:00")
    if date is None or len(clock) != 3 or not all(math.isfinite(part) for part in clock):
        return None
    seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
    return date + timedelta(seconds=seconds) if 0 <= seconds < 86_400 else None


def _with_offset(local: datetime, utc: datetime) -> datetime:
    """Tell the offset by the satellites' time, which may be some minutes old.

    Offsets are whole quarters of an hour, from -12 to +14 hours; where what is left over is more
    than five minutes, one of the clocks is wrong.
    """
    minutes = (local - utc).total_seconds() / 60
    quarters = round(minutes / 15)
    if abs(minutes - quarters * 15) > 5 or not -48 <= quarters <= 56:
        return local
    return local.replace(tzinfo=timezone(timedelta(minutes=quarters * 15)))


def _place(gps: dict[int, Value]) -> tuple[float, float] | None:
    """Return latitude and longitude; without N or S, E or W nobody knows which side is meant."""
    latitude = _degrees(gps, 2, _text(gps, 1).upper(), "NS")
    longitude = _degrees(gps, 4, _text(gps, 3).upper(), "EW")
    return coordinates(latitude, longitude)


def _degrees(gps: dict[int, Value], tag: int, side: str, sides: str) -> float:
    parts = _numbers(gps, tag)
    if len(side) != 1 or side not in sides or not 1 <= len(parts) <= 3:
        return math.nan
    degrees = math.fsum(part / step for part, step in zip(parts, (1, 60, 3600), strict=False))
    return -degrees if side == sides[1] else degrees


def _apple(tiff: Tiff, exif: int) -> frozenset[str]:
    """Return the marks in Apple's maker notes; those of other makers are not looked into."""
    place, length = tiff.place(exif, _MAKER_NOTE)
    if not place or tiff.at(place, len(_APPLE)) != _APPLE:
        return frozenset()
    at = within(tiff.at(place, min(length, _MOST_NOTE_BYTES)))
    notes = Tiff(at, ">", _APPLE_DIRECTORY).tags(_APPLE_DIRECTORY, (_BURST, _LIVE, _CAMERA))
    said = {
        marks.BURST: bool(_text(notes, _BURST)),
        marks.LIVE_PHOTO: bool(_text(notes, _LIVE)),
        marks.FRONT_CAMERA: _number(notes, _CAMERA) == _FRONT,
    }
    return frozenset(mark for mark, is_there in said.items() if is_there)


def _comment(value: Value | None) -> str:
    """Read a comment: eight bytes name its character set (Exif 3.0, 4.6.6, UserComment)."""
    if not isinstance(value, bytes):
        return value if isinstance(value, str) else ""
    charset = _CHARSETS.get(value[:8])
    if charset is None:
        return ""
    if charset:
        return clean(text(value[8:]))
    # It has the byte order of the file, or another one: letters of Europe tell.
    order = "utf-16-le" if value[8:9] != b"\0" else "utf-16-be"
    return clean(value[8:].decode(order, errors="replace").partition("\0")[0])


def _text(tags: dict[int, Value], tag: int) -> str:
    value = tags.get(tag)
    if isinstance(value, bytes):
        value = text(value)
    return clean(value) if isinstance(value, str) else ""


def _numbers(tags: dict[int, Value], tag: int) -> tuple[float, ...]:
    value = tags.get(tag)
    return value if isinstance(value, tuple) else ()


def _number(tags: dict[int, Value], tag: int) -> int:
    numbers = _numbers(tags, tag)
    with suppress(ValueError, OverflowError, struct.error):
        return int(numbers[0]) if numbers else 0
    return 0


def _size(tags: dict[int, Value], width: int, height: int) -> tuple[int, int] | None:
    size = _number(tags, width), _number(tags, height)
    return size if min(size) > 0 else None
