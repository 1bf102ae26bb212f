"""What an XMP packet tells beside keywords.

The packet is searched, not parsed: of a file of which only the beginning is there it may be cut
short, which no XML parser takes. The prefixes are those that the specifications recommend and
cameras write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tigertag.media.metadata import marks
from tigertag.media.metadata.exif import clean, moment

MOST_BYTES = 256 * 1024

# https://developers.google.com/streetview/spherical-metadata and
# https://developer.android.com/media/platform/motion-photo-format; DJI's own names are as its
# drones write them: what only flies has a height above where it took off.
_WANTED = re.compile(
    rb"\b(GPano:ProjectionType|GCamera:MotionPhoto|GCamera:MicroVideo|GCamera:BurstID"
    rb"|drone-dji:FlightYawDegree|drone-dji:RelativeAltitude"
    rb"|exif:UserComment|exif:DateTimeOriginal|photoshop:DateCreated|xmp:CreateDate"
    rb"|xmp:CreatorTool)"
    rb"\s*(?:=\s*[\"']|>)((?:\s|<rdf:(?:Alt|li)[^>]{0,200}>)*[^<\"']{0,200})"
)
_TAG = re.compile(rb"<[^>]*>")
_DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_ON = {"1", "true", "True"}


@dataclass(frozen=True, slots=True)
class Xmp:
    """What stands in an XMP packet."""

    marks: frozenset[str] = frozenset()
    comment: str = ""
    software: str = ""
    taken_at: datetime | None = None


def read(packet: bytes) -> Xmp:
    """Read a packet, or the beginning of it."""
    if not packet:
        return Xmp()
    values: dict[str, str] = {}
    for name, value in _WANTED.findall(packet[:MOST_BYTES]):
        text = clean(_TAG.sub(b"", value).decode(errors="replace"))
        values.setdefault(name.decode(), text)
    dates = (_date(values.get(name, "")) for name in _DATES)
    return Xmp(
        frozenset(_marks(values)),
        values.get("exif:UserComment", ""),
        values.get("xmp:CreatorTool", ""),
        next(filter(None, dates), None),
    )


def _marks(values: dict[str, str]) -> Iterator[str]:
    if values.get("GPano:ProjectionType"):
        yield marks.PANORAMA
    if _ON & {values.get("GCamera:MotionPhoto"), values.get("GCamera:MicroVideo")}:
        yield marks.MOTION_PHOTO
    if values.get("GCamera:BurstID"):
        yield marks.BURST
    if values.get("drone-dji:FlightYawDegree") or values.get("drone-dji:RelativeAltitude"):
        yield marks.DRONE


def _date(value: str) -> datetime | None:
    """Read an XMP date: "2021-05-01T14:00:00.12+02:00", its fraction and offset optional."""
    rest = value[19:].lstrip(".0123456789")
    return moment(value, rest)
