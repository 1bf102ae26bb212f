"""What MP4 and QuickTime videos tell of themselves beside their frames.

Boxes: ISO/IEC 14496-12; Apple's names: QuickTime File Format, "Metadata"; `©xyz` is a place as
ISO 6709 writes it; `com.android.capture.fps` is what Android's recorder was asked for.
"""

import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from tigertag.media.boxes import NO_BOX, Box, BoxFile, quicktime_values
from tigertag.media.metadata import marks
from tigertag.media.metadata.exif import clean, coordinates, moment
from tigertag.media.metadata.tiff import text
from tigertag.model import Metadata

_APPLE, _ANDROID = "com.apple.quicktime.", "com.android."
_LOCATION = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)")
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
"""From which QuickTime counts."""
_HIGH_RATE = 100.0
_MOST_TABLE_BYTES = 1024 * 1024
_TEXTS = {1: "utf-8", 2: "utf-16-be"}
_NUMBERS = {23: ">f", 24: ">d", 65: ">b", 66: ">h", 67: ">i", 75: ">B", 76: ">H", 77: ">I"}
_USER_TEXTS = {b"\xa9xyz": "place", b"\xa9mak": "make", b"\xa9mod": "model", b"\xa9swr": "software"}


@dataclass(slots=True)
class _Film:
    """What is gathered of a video: texts and numbers by their names, and of its picture track."""

    values: dict[str, str | float] = field(default_factory=dict)
    made_at: datetime | None = None
    size_px: tuple[int, int] | None = None
    frames_per_s: float | None = None

    def text(self, *names: str) -> str:
        found = (value for name in names if isinstance(value := self.values.get(name), str))
        return next(filter(None, found), "")

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        if isinstance(value, str):
            with suppress(ValueError):
                return float(value)
            return None
        return value


def read(stream: BinaryIO, *, is_cut: bool) -> Metadata:
    """Return what the boxes in `moov` tell; nothing of a video of another format.

    `is_cut`: the file may go on. Where the boxes stand at its end, nothing is known then.
    """
    file = BoxFile(stream, is_cut=is_cut)
    moov = file.inside(file.whole).get(b"moov", NO_BOX)
    film = _Film()
    for box in file.boxes(moov):
        if box.kind == b"mvhd":
            film.made_at = _made_at(file.at(box.start, 12))
        elif box.kind == b"trak":
            _read_track(file, box, film)
        elif box.kind == b"meta":
            _read_values(file, box, film)
        elif box.kind == b"udta":
            _read_user_data(file, box, film)
    return _metadata(film)


def _metadata(film: _Film) -> Metadata:
    place = _place(film.text(_APPLE + "location.ISO6709", "place"))
    capture = film.number(_ANDROID + "capture.fps")
    rate = capture if capture is not None and 0 < capture < 10_000 else film.frames_per_s
    known = Metadata(
        taken_at=_taken_at(film),
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        size_px=film.size_px,
        make=film.text(_APPLE + "make", _ANDROID + "manufacturer", "make"),
        camera=film.text(_APPLE + "model", _ANDROID + "model", "model"),
        software=film.text(_APPLE + "software", "software"),
        frames_per_s=rate,
        playback_frames_per_s=film.frames_per_s,
    )
    return replace(known, marks=_marks(film))


def _taken_at(film: _Film) -> datetime | None:
    """Return when it was taken: phones write UTC into `mvhd`, many cameras their local time."""
    if made := moment_of(film.text(_APPLE + "creationdate")):
        return made
    is_phone = any(name.startswith((_APPLE, _ANDROID)) for name in film.values)
    if film.made_at is None or is_phone:
        return film.made_at
    return film.made_at.replace(tzinfo=None)


def moment_of(value: str) -> datetime | None:
    """Read "2021-05-01T14:00:00+0200"."""
    return moment(value, value[19:].lstrip(".0123456789")) if value else None


def _marks(film: _Film) -> frozenset[str]:
    found = set()
    if film.text(_APPLE + "content.identifier") or film.number(_APPLE + "live-photo.auto"):
        found.add(marks.LIVE_PHOTO)
    # Apple's phones keep slow motion at the rate at which it was taken, with a wish that it is not
    # played so.
    intent = film.number(_APPLE + "full-frame-rate-playback-intent")
    if intent == 0 and (film.frames_per_s or 0) >= _HIGH_RATE:
        found.add(marks.SLOW_MOTION)
    return frozenset(found)


def _made_at(header: bytes) -> datetime | None:
    is_long = header[:1] == b"\1"
    seconds = int.from_bytes(header[4:12] if is_long else header[4:8], "big")
    with suppress(OverflowError):
        made_at = _EPOCH + timedelta(seconds=seconds)
        # What was never set is 1904 or, counted from the wrong epoch, 1970.
        return made_at if made_at.year > 1970 and made_at.year <= 2100 else None
    return None


def _place(value: str) -> tuple[float, float] | None:
    match = _LOCATION.match(value)
    return coordinates(float(match[1]), float(match[2])) if match else None


def _read_values(file: BoxFile, meta: Box, film: _Film) -> None:
    for name, value in quicktime_values(file, meta):
        kind, data = int.from_bytes(value[:4], "big"), value[8:]
        read: str | float | None = None
        if kind in _TEXTS:
            read = clean(data.decode(_TEXTS[kind], errors="replace"))
        elif kind in (21, 22) and 1 <= len(data) <= 8:
            read = float(int.from_bytes(data, "big", signed=kind == 21))
        elif kind in _NUMBERS:
            with suppress(struct.error):
                read = float(struct.unpack(_NUMBERS[kind], data)[0])
        if read is not None:
            film.values.setdefault(name.decode(errors="replace"), read)


def _read_user_data(file: BoxFile, udta: Box, film: _Film) -> None:
    for box in file.boxes(udta):
        if box.kind in _USER_TEXTS and box.end - box.start < 1024:
            # Its length and its language stand before the text.
            value = clean(text(file.read(box)[4:]))
            film.values.setdefault(_USER_TEXTS[box.kind], value)
        elif box.kind == b"meta":
            _read_values(file, box, film)


def _read_track(file: BoxFile, trak: Box, film: _Film) -> None:
    parts = file.inside(trak)
    media = file.inside(parts.get(b"mdia", NO_BOX))
    handler = media.get(b"hdlr", NO_BOX)
    if file.at(handler.start + 8, 4) != b"vide" or film.size_px is not None:
        return
    head = parts.get(b"tkhd", NO_BOX)
    film.size_px = _track_size(file.at(head.start, head.end - head.start)[:128])
    times = file.inside(file.inside(media.get(b"minf", NO_BOX)).get(b"stbl", NO_BOX))
    film.frames_per_s = _rate(file, media.get(b"mdhd", NO_BOX), times.get(b"stts", NO_BOX))


def _track_size(head: bytes) -> tuple[int, int] | None:
    """Return the size at which a track is shown, upright: its matrix and 16.16 numbers (8.3.2)."""
    if len(head) < 84:
        return None
    # They are the last 44 bytes, whatever stands before them.
    a, b = struct.unpack(">ii", head[-44:-36])
    width, height = (number >> 16 for number in struct.unpack(">II", head[-8:]))
    if min(width, height) <= 0:
        return None
    return (height, width) if a == 0 and b != 0 else (width, height)


def _rate(file: BoxFile, header: Box, table: Box) -> float | None:
    """Return the mean rate: the number of frames by their duration (8.6.1.2)."""
    head = file.at(header.start, 24)
    scale = int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")
    data = file.at(table.start, min(table.end - table.start, _MOST_TABLE_BYTES))[8:]
    frames = ticks = 0
    for count, delta in struct.iter_unpack(">II", data[: len(data) // 8 * 8]):
        frames, ticks = frames + count, ticks + count * delta
    return frames * scale / ticks if frames and ticks and scale else None
