"""What an item is on Emby or Jellyfin: its type, the files behind it, and its revision."""

import logging
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from typing import Any

from tigertag.contracts import LeftOutReason, Notes
from tigertag.libraries.mediabrowser.listed_metadata import listed_metadata
from tigertag.libraries.mediabrowser.server import is_key, names
from tigertag.libraries.mediaserver.files import ListedFile
from tigertag.libraries.mediaserver.json_client import Entry, number, text
from tigertag.libraries.mediaserver.library import FilmEntry, FilmKind
from tigertag.libraries.mediaserver.options import file_identity
from tigertag.model import Item, Media, Section

logger = logging.getLogger(__name__)

GOOD_PX = 480
_MEDIA = {
    "Photo": Media.PHOTO,
    "Movie": Media.VIDEO,
    "Episode": Media.VIDEO,
    "Video": Media.VIDEO,
}
_FILM_KINDS: dict[str, FilmKind] = {"Movie": "movie", "Series": "show", "Episode": "episode"}
_LONGEST_ID = 128
_LONGEST_WEIGHT = 64
_DISCS = frozenset({"dvd", "bluray", "iso"})
_ELSEWHERE = frozenset({"Virtual", "Offline", "Remote"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of an item. `path` is where the server has it, `owner` the item that it is on Emby."""

    id: str
    owner: str
    path: str
    container: str
    size_bytes: int | None
    short_side_px: int

    @property
    def size_for_sorting(self) -> float:
        return inf if self.size_bytes is None else self.size_bytes


def media_of(entry: Entry) -> Media | None:
    """Return what an item is; None for what TigerTag does not look at."""
    return _MEDIA.get(text(entry, "Type"))


def has_file(entry: Entry) -> bool:
    """Whether an item is a photo or a video with a file of its own on the server's disks."""
    skipped = (
        entry.get("IsFolder") is True
        or entry.get("IsPlaceHolder") is True
        or text(entry, "LocationType") in _ELSEWHERE
        or text(entry, "ExtraType") != ""
        or text(entry, "VideoType") not in ("", "VideoFile")
    )
    return not skipped and main_file(entry) is not None


def files(entry: Entry) -> list[SourceFile]:
    """Return the files that an item names, those of a disc or of another machine left out."""
    sources = [each for each in entry.get("MediaSources") or () if isinstance(each, dict)]
    return list(filter(None, map(_file, sources)))


def main_file(entry: Entry) -> SourceFile | None:
    """Return the file that an item is known by; None where it has none.

    Another version that comes or goes besides it does not make another item of it. Photos may have
    no media sources: then their path names the file.
    """
    sources, key = files(entry), text(entry, "Id")
    if sources:
        return next((file for file in sources if key in (file.id, file.owner)), sources[0])
    path = text(entry, "Path")
    if media_of(entry) is not Media.PHOTO or not path:
        return None
    return SourceFile("", "", path, "", number(entry, "Size"), _short_side(entry))


def best_file(entry: Entry) -> SourceFile | None:
    """Return the smallest good file: one of 480 pixels or more; else that of the most pixels."""
    sources = files(entry)
    good = [file for file in sources if file.short_side_px >= GOOD_PX]
    if good:
        return min(good, key=lambda file: file.size_for_sorting)
    return min(sources, key=lambda file: (-file.short_side_px, file.size_for_sorting), default=None)


def revision(entry: Entry) -> str:
    """Return source id, size and path: what changes with the file, and with nothing else."""
    file = main_file(entry)
    if file is None:
        return ""
    path = blake2b(file.path.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{file.id[:_LONGEST_ID]} {_weight(entry, file)[:_LONGEST_WEIGHT]} {path}"


def _weight(entry: Entry, file: SourceFile) -> str:
    """Return the size of a file.

    Jellyfin gives none for photos: the tag of the photo's own picture takes its place, made of
    the file's path and date.
    """
    tags = entry.get("ImageTags")
    picture = text(tags, "Primary") if isinstance(tags, dict) else ""
    return picture if file.size_bytes is None else str(file.size_bytes)


def ratio(entry: Entry) -> float | None:
    """Return width by height of an item's picture, if the server gives it."""
    width, height = number(entry, "Width"), number(entry, "Height")
    if media_of(entry) is Media.PHOTO and width and height:
        return width / height
    value = entry.get("PrimaryImageAspectRatio")
    return float(value) if isinstance(value, int | float) and 0 < value < inf else None


def listed_file(entry: Entry) -> ListedFile | None:
    """Return what an entry says of its main file; None where it has none."""
    file = main_file(entry)
    if file is None:
        return None
    return ListedFile(
        revision(entry), file.path, file.size_bytes, ratio(entry), metadata=listed_metadata(entry)
    )


def listed_item(section: Section, entry: Entry, min_bytes: int, notes: Notes) -> Item | None:
    """Return an entry as an item; None for one without a file, or smaller than `min_bytes`."""
    key, file, media = text(entry, "Id"), main_file(entry), media_of(entry)
    if not is_key(key) or not has_file(entry) or file is None or media is None:
        logger.debug("item %s of section %s skipped: no file", key, section.id)
        notes.leave_out(LeftOutReason.NO_FILE, text(entry, "Name"))
        return None
    if file.size_bytes is not None and file.size_bytes < min_bytes:
        notes.leave_out(LeftOutReason.TOO_SMALL, _title(entry))
        return None
    return Item(
        section.library,
        section.id,
        key,
        revision(entry),
        media=media,
        title=_title(entry),
        size_bytes=file.size_bytes,
        stamp=text(entry, "Etag") or None,
        file=file_identity(file.path, _weight(entry, file)),
    )


def _title(entry: Entry) -> str:
    """Return an item's name, an episode's with its show and number."""
    name = text(entry, "Name")
    if text(entry, "Type") != "Episode":
        return name
    season, episode = number(entry, "ParentIndexNumber"), number(entry, "IndexNumber")
    place = "" if season is None or episode is None else f"S{season:02}E{episode:02}"
    return " ".join(part for part in (text(entry, "SeriesName"), place, name) if part)


def _file(source: Entry) -> SourceFile | None:
    path, container = text(source, "Path"), text(source, "Container")
    elsewhere = (
        text(source, "Protocol") not in ("", "File")
        or source.get("IsRemote") is True
        or text(source, "Type") == "Placeholder"
    )
    if elsewhere or not path or container.lower() in _DISCS:
        return None
    size_bytes, owner = number(source, "Size") or None, text(source, "ItemId")
    side_px = _picture_side(source.get("MediaStreams"))
    return SourceFile(text(source, "Id"), owner, path, container, size_bytes, side_px)


def _picture_side(streams: Any) -> int:
    videos = [
        stream
        for stream in (streams if isinstance(streams, list) else ())
        if isinstance(stream, dict) and text(stream, "Type") == "Video"
    ]
    return max(map(_short_side, videos), default=0)


def _short_side(entry: Entry) -> int:
    return min(number(entry, "Width") or 0, number(entry, "Height") or 0)


def film_entry(entry: Entry) -> FilmEntry | None:
    """Describe a film, a series or an episode; None for anything else."""
    kind = _FILM_KINDS.get(text(entry, "Type"))
    if kind is None:
        return None
    ids = entry.get("ProviderIds")
    return FilmEntry(
        text(entry, "Id"),
        kind,
        text(entry, "Name"),
        tuple(names(entry.get("Genres"))),
        number(entry, "ProductionYear"),
        {name.lower(): text(ids, name) for name in ids} if isinstance(ids, dict) else {},
        show=text(entry, "SeriesId") if kind == "episode" else "",
    )
