"""What Emby or Jellyfin has itself read in a photo or a video, and gives in its listings.

Of a photo: place, camera, software and when it was taken, all from its Exif; the servers give these
unasked. Of a video: its frame rate.
"""

from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import Any

from tigertag.libraries.mediaserver.files import NOTHING
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.model import Metadata

_NO_YEAR = 1  # .NET's DateTime without a value is the first day of the year 1.
_MAX_LATITUDE, _MAX_LONGITUDE = 90.0, 180.0


def listed_metadata(entry: Entry) -> Metadata:
    """Return what an entry of a listing says; the same empty object where it says nothing."""
    read = _of_photo(entry) if text(entry, "Type") == "Photo" else _of_video(entry)
    return NOTHING if read == NOTHING else read


def _of_photo(entry: Entry) -> Metadata:
    latitude = _degrees(entry.get("Latitude"), _MAX_LATITUDE)
    longitude = _degrees(entry.get("Longitude"), _MAX_LONGITUDE)
    # 0, 0 is what cameras write that do not know where they are.
    is_placed = None not in (latitude, longitude) and (latitude, longitude) != (0, 0)
    return Metadata(
        taken_at=_camera_time(text(entry, "PremiereDate")),
        latitude=latitude if is_placed else None,
        longitude=longitude if is_placed else None,
        make=text(entry, "CameraMake").strip(),
        camera=text(entry, "CameraModel").strip(),
        software=text(entry, "Software").strip(),
    )


def _of_video(entry: Entry) -> Metadata:
    """Not `PremiereDate`: of a film, it is when it came out."""
    for source in _objects(entry.get("MediaSources")):
        for stream in _objects(source.get("MediaStreams")):
            rate = _number(stream.get("AverageFrameRate")) or _number(stream.get("RealFrameRate"))
            if text(stream, "Type") == "Video" and rate is not None and rate > 0:
                return Metadata(frames_per_s=rate, playback_frames_per_s=rate)
    return NOTHING


def _camera_time(value: str) -> datetime | None:
    """Read a photo's date: the time of the camera, although the servers write a Z behind it."""
    with suppress(ValueError):
        taken_at = datetime.fromisoformat(value).replace(tzinfo=None, microsecond=0)
        return taken_at if taken_at.year > _NO_YEAR else None
    return None


def _degrees(value: Any, most: float) -> float | None:
    degrees = _number(value)
    return degrees if degrees is not None and abs(degrees) <= most else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if is_number else None


def _objects(values: Any) -> list[Entry]:
    listed = values if isinstance(values, list) else []
    return [value for value in listed if isinstance(value, dict)]
