"""What Plex lists: the types of items, the files behind each, and what makes an item of them."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from typing import Literal
from xml.etree.ElementTree import Element

from tigertag.contracts import LeftOutReason, Notes
from tigertag.libraries.mediaserver.library import FilmEntry, FilmKind
from tigertag.libraries.mediaserver.options import file_identity
from tigertag.model import Field, Item, Media, Section

logger = logging.getLogger(__name__)

RollUp = Literal["none", "season", "show"]

GOOD_PX = 480
_LONGEST_REVISION = 256
OPTIMIZED = "42"  # plexapi's SEARCHTYPES, and its Media.isOptimizedVersion
_OPTIMIZED_FOLDER = "/plex versions/"
# imdb://tt0253556 among the Guids of newer agents; an older agent's guid is
# com.plexapp.agents.imdb://tt0165832?lang=en (both recorded from Plex).
_FILM_NUMBER = re.compile(
    r"(?:com\.plexapp\.agents\.)?(?:the)?(imdb|tmdb|moviedb|tvdb)://([A-Za-z0-9]+)(?:\?.*)?"
)
_FILM_DATABASES = {"moviedb": "tmdb"}


@dataclass(frozen=True, slots=True)
class ItemType:
    """A type by its name and number (Plex API, "List of Metadata Types"), and its XML element.

    `fields` are those that hold its tags (plexapi 4.18, `mixins`); the first is for new ones if the
    user's is not there.
    """

    name: str
    number: int
    phrase: str
    element: str
    media: Media
    fields: tuple[Field, ...]

    def field(self, wanted: Field) -> Field:
        """Where new tags go."""
        return wanted if wanted in self.fields else self.fields[0]


_ALL = (Field.LABEL, Field.GENRE, Field.COLLECTION)
_NO_GENRE = (Field.LABEL, Field.COLLECTION)
_TAG = (Field.TAG,)

FILM = ItemType("movie", 1, "a film", "Video", Media.VIDEO, _ALL)
SHOW = ItemType("show", 2, "a show", "Directory", Media.GROUP, _ALL)
SEASON = ItemType("season", 3, "a season", "Directory", Media.GROUP, _NO_GENRE)
EPISODE = ItemType("episode", 4, "an episode", "Video", Media.VIDEO, _NO_GENRE)
# Whether Plex keeps tags of clips is not known: what is read back shows it.
CLIP = ItemType("clip", 12, "a clip", "Video", Media.VIDEO, _TAG)
PHOTO = ItemType("photo", 13, "a photo", "Photo", Media.PHOTO, _TAG)

_BY_NAME = {type.name: type for type in (FILM, SHOW, SEASON, EPISODE, CLIP, PHOTO)}
SECTION_TYPES = {"photo": (PHOTO, CLIP), "movie": (FILM,), "show": (EPISODE,)}
"""The types of items in a section of each type."""
GROUP_TYPES: dict[RollUp, tuple[ItemType, ...]] = {
    "none": (),
    "season": (SEASON,),
    "show": (SEASON, SHOW),
}
"""The types of groups to which tags of episodes are rolled up, the lowest first."""
_FILM_KINDS: dict[ItemType, FilmKind] = {FILM: "movie", SHOW: "show", EPISODE: "episode"}
_PARENTS = {
    EPISODE: ((SEASON, "parentRatingKey"), (SHOW, "grandparentRatingKey")),
    SEASON: ((SHOW, "parentRatingKey"),),
}


def type_of(entry: Element) -> ItemType | None:
    """Return the type of an entry; None for one that is not tagged, such as an album."""
    type = _BY_NAME.get(entry.get("type", "photo" if entry.tag == "Photo" else ""))
    if type is None or entry.tag != type.element:
        return None
    album = type is PHOTO and entry.get("key", "").endswith("/children")
    return None if album else type


@dataclass(frozen=True, slots=True)
class PlexFile:
    """A file; Plex calls it a part. `path` is where the server has it.

    `header_first`: a video whose header is at its beginning.
    """

    key: str
    size_bytes: int | None
    path: str = ""
    header_first: bool = False

    @property
    def revision(self) -> str:
        """Part key and size: what changes with the file, and with nothing else."""
        return f"{self.key} {'' if self.size_bytes is None else self.size_bytes}"

    @classmethod
    def of_revision(cls, revision: str) -> "PlexFile":
        """Return the file of an item's revision, which has its key and size."""
        key, _space, size = revision.rpartition(" ")
        return cls(key, _number(size))


@dataclass(frozen=True, slots=True)
class PlexVersion:
    """One encoding of an item: the first of its files, and the size of all of them.

    `optimized`: the server has made it, of another one.
    """

    id: int
    file: PlexFile
    size_bytes: float
    short_side_px: int
    optimized: bool


def versions(entry: Element) -> list[PlexVersion]:
    """Return the versions that have a file on this server."""
    return list(filter(None, map(_version, entry.findall("Media"))))


def main_file(entry: Element) -> PlexFile | None:
    """Return the file that an item is known by; None where it has none, or none to be named.

    It is that of the version that was there first, so that another version that comes or goes does
    not make another item of it.
    """
    present = versions(entry)
    originals = [version for version in present if not version.optimized] or present
    file = min(originals, key=lambda version: version.id).file if originals else None
    return file if file is None or len(file.revision) <= _LONGEST_REVISION else None


def revision(entry: Element, type: ItemType) -> str | None:
    """Return an item's revision; None where it has no file."""
    if type.media is Media.GROUP:
        return ""
    file = main_file(entry)
    return None if file is None else file.revision


def best(present: Sequence[PlexVersion]) -> PlexVersion | None:
    """Return the version to be read: the smallest good one, preferably one of the server's own.

    Good is a short side of 480 pixels; if none is, it is the largest picture.
    """
    good = [version for version in present if version.short_side_px >= GOOD_PX]
    if good:
        return min(good, key=lambda version: (not version.optimized, version.size_bytes))
    return min(present, key=lambda each: (-each.short_side_px, each.size_bytes), default=None)


def _version(media: Element) -> PlexVersion | None:
    files = list(filter(None, map(_file, media.findall("Part"))))
    if not files:
        return None
    sides = [_number(media.get(name, "")) or 0 for name in ("width", "height")]
    sizes = [inf if file.size_bytes is None else file.size_bytes for file in files]
    # Not `optimizedForStreaming`, which stands on any MP4 that streams.
    path = files[0].path.replace("\\", "/").casefold()
    optimized = media.get("proxyType") == OPTIMIZED or _OPTIMIZED_FOLDER in path
    return PlexVersion(
        _number(media.get("id", "")) or 0, files[0], sum(sizes), min(sides), optimized
    )


def _file(part: Element) -> PlexFile | None:
    key = part.get("key", "").partition("?")[0]
    if not key.startswith("/"):
        return None
    header_first = part.get("optimizedForStreaming") == "1"
    return PlexFile(key, _number(part.get("size", "")), part.get("file", ""), header_first)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def listed_item(
    section: Section,
    entry: Element,
    *,
    type: ItemType,
    min_bytes: int,
    roll_up: RollUp,
    notes: Notes,
) -> Item | None:
    """Return an entry of a listing as an item.

    None for one of another type, or one that has no file, or a smaller one than `min_bytes`.
    """
    if type_of(entry) is not type:
        return None
    file, title = main_file(entry), _title(entry, type)
    if type.media is Media.GROUP:
        file = None
    elif file is None:
        key = entry.get("ratingKey", "")
        logger.debug("entry %s of section %s skipped: no file", key, section.id)
        notes.leave_out(LeftOutReason.NO_FILE, title)
        return None
    elif file.size_bytes is not None and file.size_bytes < min_bytes:
        notes.leave_out(LeftOutReason.TOO_SMALL, title)
        return None
    return Item(
        section.library,
        section.id,
        entry.get("ratingKey", ""),
        "" if file is None else file.revision,
        media=type.media,
        title=title,
        size_bytes=None if file is None else file.size_bytes,
        stamp=entry.get("updatedAt"),
        within=tuple(_groups(entry, type, roll_up)),
        file=_guid_identity(entry) if file is None else file_identity(file.path, file.size_bytes),
    )


def _guid_identity(entry: Element) -> str:
    """Return the identity of a season or show, whatever its key; "" if not known.

    An agent's `guid` stays with it; a `local://` one is made of the key.
    """
    guid = entry.get("guid", "")
    if not guid or guid.startswith("local:"):
        return ""
    return blake2b(guid.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _groups(entry: Element, type: ItemType, roll_up: RollUp) -> Iterator[str]:
    """Yield the keys of the groups that it is in, of those to which tags are rolled up."""
    for group, attribute in _PARENTS.get(type, ()):
        if group in GROUP_TYPES[roll_up] and entry.get(attribute):
            yield entry.get(attribute, "")


def touched_at_s(entry: Element) -> float:
    """When the server added or last changed an item; inf if not known."""
    times = [entry.get(name, "") for name in ("addedAt", "updatedAt")]
    return max((float(time) for time in times if time.isdecimal()), default=inf)


def _title(entry: Element, type: ItemType) -> str:
    """What people know it by: an episode by its show, its numbers and its own title."""
    title = entry.get("title", "")
    if type is SEASON:
        return " · ".join(part for part in (entry.get("parentTitle"), title) if part)
    if type is not EPISODE:
        return title
    season, number = entry.get("parentIndex", ""), entry.get("index", "")
    numbered = season.isdecimal() and number.isdecimal()
    place = f"S{int(season):02}E{int(number):02}" if numbered else ""
    return " · ".join(part for part in (entry.get("grandparentTitle"), place, title) if part)


def film_entry(entry: Element) -> FilmEntry | None:
    """Describe a film, a show or an episode that was read in full; None for anything else."""
    kind = _FILM_KINDS.get(type_of(entry) or CLIP)
    if kind is None:
        return None
    guid = entry.get("guid", "")
    guids = (guid, *(element.get("id", "") for element in entry.findall("Guid")))
    numbers = [match for text in guids if (match := _FILM_NUMBER.fullmatch(text))]
    return FilmEntry(
        entry.get("ratingKey", ""),
        kind,
        entry.get("title", ""),
        tuple(name for genre in entry.findall("Genre") if (name := genre.get("tag"))),
        _number(entry.get("year", "")),
        {_FILM_DATABASES.get(match[1], match[1]): match[2] for match in numbers},
        guid=guid if guid.startswith("plex://") else "",
        show=entry.get("grandparentRatingKey", "") if kind == "episode" else "",
    )
