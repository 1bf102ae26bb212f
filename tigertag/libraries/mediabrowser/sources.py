"""What an item is: its type, the files behind it, and its revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from typing import Any

from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediaserver.paths import file_identity
from tigertag.model import Item, Media

GOOD_PX = 480
_MEDIA = {
    "Photo": Media.PHOTO,
    "Movie": Media.VIDEO,
    "Episode": Media.VIDEO,
    "Video": Media.VIDEO,
}
_LONGEST_ID = 128
_DISCS = frozenset({"dvd", "bluray", "iso"})
_NOT_HERE = frozenset({"Virtual", "Offline", "Remote"})


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file of an item. `path` is where the server has it, `owner` the item that it is on Emby."""

    id: str
    owner: str
    path: str
    container: str
    size_bytes: int | None
    short_side_px: int


def text(entry: Entry, name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def number(entry: Entry, name: str) -> int | None:
    found = entry.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def media_of(entry: Entry) -> Media | None:
    """Return what an item is; None for what TigerTag does not look at."""
    return _MEDIA.get(text(entry, "Type"))


def is_there(entry: Entry) -> bool:
    """Whether an item is a photo or a video with a file of its own on the server's disks."""
    passed_over = (
        entry.get("IsFolder") is True
        or entry.get("IsPlaceHolder") is True
        or text(entry, "LocationType") in _NOT_HERE
        or text(entry, "ExtraType") != ""
        or text(entry, "VideoType") not in ("", "VideoFile")
    )
    return not passed_over and main_file(entry) is not None


def files(entry: Entry) -> list[MediaFile]:
    """Return the files that an item names, those of a disc or of another machine left out."""
    sources = entry.get("MediaSources")
    found = [_file(one) for one in sources or () if isinstance(one, dict)]
    return [one for one in found if one is not None]


def main_file(entry: Entry) -> MediaFile | None:
    """Return the file that an item is known by; None where it has none.

    Another version that comes or goes besides it does not make another item of it. Photos may have
    no media sources: then their path names the file.
    """
    found, key = files(entry), text(entry, "Id")
    if found:
        own = [one for one in found if key in (one.id, one.owner)]
        return own[0] if own else found[0]
    path = text(entry, "Path")
    if media_of(entry) is not Media.PHOTO or not path:
        return None
    return MediaFile("", "", path, "", number(entry, "Size"), _short_side(entry))


def best_file(entry: Entry) -> MediaFile | None:
    """Return the smallest good file: one of 480 pixels or more; else that of the most pixels."""
    found = files(entry)
    good = [one for one in found if one.short_side_px >= GOOD_PX]
    if good:
        return min(good, key=_weight)
    return min(found, key=lambda one: (-one.short_side_px, _weight(one)), default=None)


def revision(entry: Entry) -> str:
    """Return source id, size and path: what changes with the file, and with nothing else.

    Where no size is told, as of Jellyfin's photos, the tag of the photo's own picture takes its
    place: it is made of the file's path and date.
    """
    file = main_file(entry)
    if file is None:
        return ""
    weight = _told_weight(entry, file)
    where = blake2b(file.path.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{file.id[:_LONGEST_ID]} {weight[:64]} {where}"


def _told_weight(entry: Entry, file: MediaFile) -> str:
    tags = entry.get("ImageTags")
    picture = text(tags, "Primary") if isinstance(tags, dict) else ""
    return picture if file.size_bytes is None else str(file.size_bytes)


def ratio(entry: Entry) -> float | None:
    """Return width by height of an item's picture, if it is told."""
    width, height = number(entry, "Width"), number(entry, "Height")
    if media_of(entry) is Media.PHOTO and width and height:
        return width / height
    told = entry.get("PrimaryImageAspectRatio")
    return float(told) if isinstance(told, int | float) and 0 < told < inf else None


def title(entry: Entry) -> str:
    """Return an item's name, an episode's with its show and number."""
    name = text(entry, "Name")
    if text(entry, "Type") != "Episode":
        return name
    season, episode = number(entry, "ParentIndexNumber"), number(entry, "IndexNumber")
    place = "" if season is None or episode is None else f"S{season:02}E{episode:02}"
    return " ".join(part for part in (text(entry, "SeriesName"), place, name) if part)


def item(entry: Entry, library: str, section: str) -> Item:
    """Return what was listed as an item; it has to be there, and of a known type."""
    file, media = main_file(entry), media_of(entry)
    assert file is not None
    assert media is not None
    return Item(
        library,
        section,
        text(entry, "Id"),
        revision(entry),
        media=media,
        title=title(entry),
        size_bytes=file.size_bytes,
        stamp=text(entry, "Etag") or None,
        file=file_identity(file.path, _told_weight(entry, file)),
    )


def _file(source: Entry) -> MediaFile | None:
    path, container = text(source, "Path"), text(source, "Container")
    elsewhere = (
        text(source, "Protocol") not in ("", "File")
        or source.get("IsRemote") is True
        or text(source, "Type") == "Placeholder"
    )
    if elsewhere or not path or container.lower() in _DISCS:
        return None
    size, side = number(source, "Size"), _picture_side(source.get("MediaStreams"))
    owner = text(source, "ItemId")
    return MediaFile(text(source, "Id"), owner, path, container, size or None, side)


def _picture_side(streams: Any) -> int:
    found: Sequence[Any] = streams if isinstance(streams, list) else ()
    sides = [_short_side(one) for one in found if isinstance(one, dict) and _is_video(one)]
    return max(sides, default=0)


def _is_video(stream: Entry) -> bool:
    return text(stream, "Type") == "Video"


def _short_side(entry: Entry) -> int:
    return min(number(entry, "Width") or 0, number(entry, "Height") or 0)


def _weight(file: MediaFile) -> float:
    return inf if file.size_bytes is None else file.size_bytes
