"""What an asset of Immich is: whether it is scanned, its revision, its file, and its metadata."""

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import Any

from tigertag.libraries.immich.server import moment, objects
from tigertag.libraries.mediaserver.files import NOTHING, ListedFile
from tigertag.libraries.mediaserver.json_client import Entry, number, text
from tigertag.libraries.mediaserver.options import file_identity
from tigertag.model import Item, Media, Metadata, Section

TIMELINE, ARCHIVE = "timeline", "archive"

_MEDIA = {"IMAGE": Media.PHOTO, "VIDEO": Media.VIDEO}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_LATITUDE, _MAX_LONGITUDE = 90.0, 180.0


def is_key(key: str) -> bool:
    """Whether this may be an asset's id."""
    return _UUID.fullmatch(key) is not None


def media_of(entry: Entry) -> Media | None:
    return _MEDIA.get(text(entry, "type"))


def is_own(entry: Entry, user: str) -> bool:
    """Whether an asset is this user's: in a listing, a partner's look no different."""
    return text(entry, "ownerId") == user and is_key(text(entry, "id"))


def is_shown(entry: Entry, *, archived: bool) -> bool:
    """Whether it is a photo or a video that its owner sees in the timeline, or in the archive.

    Not in the trash, with its file in place, and not the hidden video of a live photo. Immich lets
    all of these be tagged.
    """
    return (
        text(entry, "visibility") in ((TIMELINE, ARCHIVE) if archived else (TIMELINE,))
        and entry.get("isTrashed") is not True
        and entry.get("isOffline") is not True
        and media_of(entry) is not None
    )


def is_processed(entry: Entry) -> bool:
    """Whether Immich has read the file.

    A tag that is written before that wins over all keywords in the file, which then are lost.
    """
    return number(entry, "width") is not None


def revision(entry: Entry) -> str:
    """Return what changes with the media, and with nothing else.

    The checksum of a file in an external library is that of its path.
    """
    if text(entry, "libraryId"):
        size_bytes = _size_bytes(entry)
        content = f"{text(entry, 'fileModifiedAt')} {'' if size_bytes is None else size_bytes}"
    else:
        content = text(entry, "checksum")
    return f"{content} edited {text(entry, 'thumbhash')}" if entry.get("isEdited") else content


def listed_file(entry: Entry, *, people: bool) -> ListedFile:
    """Return what an entry says of its file. `people`: see `metadata`.

    What was edited in Immich has no path: the original shows what its owner may have cut off.
    """
    width, height = number(entry, "width"), number(entry, "height")
    return ListedFile(
        revision(entry),
        "" if entry.get("isEdited") else text(entry, "originalPath"),
        _size_bytes(entry),
        width / height if width and height else None,
        metadata=metadata(entry, people=people),
    )


def listed_item(section: Section, entry: Entry) -> Item:
    size_bytes, path = _size_bytes(entry), text(entry, "originalPath")
    weight = size_bytes if text(entry, "libraryId") else text(entry, "checksum")
    return Item(
        section.library,
        section.id,
        text(entry, "id"),
        revision(entry),
        media=media_of(entry) or Media.PHOTO,
        title=text(entry, "originalFileName"),
        size_bytes=size_bytes,
        stamp=text(entry, "updatedAt") or None,
        file=file_identity(path, weight),
    )


def metadata(entry: Entry, *, people: bool) -> Metadata:
    """Return what Immich has read in the file; the same empty object where that is nothing.

    `people`: name those that it knows the faces of. Of one asset, Immich gives them unasked.
    """
    exif = entry.get("exifInfo")
    if not isinstance(exif, dict):
        return NOTHING
    latitude = _degrees(exif.get("latitude"), _MAX_LATITUDE)
    longitude = _degrees(exif.get("longitude"), _MAX_LONGITUDE)
    # 0, 0 is what cameras write that do not know where they are.
    is_placed = None not in (latitude, longitude) and (latitude, longitude) != (0, 0)
    width, height = number(entry, "width"), number(entry, "height")
    read = Metadata(
        taken_at=_taken_at(entry, exif),
        latitude=latitude if is_placed else None,
        longitude=longitude if is_placed else None,
        size_px=(width, height) if width and height else None,
        make=text(exif, "make").strip(),
        camera=text(exif, "model").strip(),
        lens=text(exif, "lensModel").strip(),
        people=_people(entry) if people else (),
    )
    return NOTHING if read == NOTHING else read


def _taken_at(entry: Entry, exif: Entry) -> datetime | None:
    """Return when it was taken: with an offset where Immich knows the zone, else as the camera had.

    Where a file does not tell, Immich takes the date of the file instead: that says nothing.
    """
    taken_at, local = moment(exif, "dateTimeOriginal"), moment(entry, "localDateTime")
    if taken_at is None or local is None:
        return None
    # Immich writes the local time as if it were UTC.
    naive = local.replace(tzinfo=None, microsecond=0)
    if not text(exif, "timeZone"):
        return None if taken_at == moment(entry, "fileModifiedAt") else naive
    with suppress(ValueError):
        offset = timedelta(seconds=round((local - taken_at).total_seconds()))
        return naive.replace(tzinfo=timezone(offset))
    return naive


def _people(entry: Entry) -> tuple[str, ...]:
    names = (text(person, "name").strip() for person in objects(entry.get("people")))
    return tuple(dict.fromkeys(filter(None, names)))


def _size_bytes(entry: Entry) -> int | None:
    exif = entry.get("exifInfo")
    return number(exif, "fileSizeInByte") if isinstance(exif, dict) else None


def _degrees(value: Any, most: float) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if is_number and abs(value) <= most else None
