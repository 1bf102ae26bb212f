"""The types of items that Plex has, and where the tags of each go (plexapi 4.18, `mixins`)."""

from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element

from tigertag.model import Field, Media

RollUp = Literal["none", "season", "show"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type by its name and number (Plex API, "List of Metadata Types"), and its XML element.

    `fields` are those that tags may stand in; the first is for new ones if the user's is not there.
    """

    name: str
    number: int
    called: str
    element: str
    media: Media
    fields: tuple[Field, ...]

    def field(self, wanted: Field) -> Field:
        """Where new tags go."""
        return wanted if wanted in self.fields else self.fields[0]


_ALL = (Field.LABEL, Field.GENRE, Field.COLLECTION)
_NO_GENRE = (Field.LABEL, Field.COLLECTION)
_TAG = (Field.TAG,)

FILM = Kind("movie", 1, "a film", "Video", Media.VIDEO, _ALL)
SHOW = Kind("show", 2, "a show", "Directory", Media.GROUP, _ALL)
SEASON = Kind("season", 3, "a season", "Directory", Media.GROUP, _NO_GENRE)
EPISODE = Kind("episode", 4, "an episode", "Video", Media.VIDEO, _NO_GENRE)
# Whether Plex keeps tags of clips is not known: what is read back tells.
CLIP = Kind("clip", 12, "a clip", "Video", Media.VIDEO, _TAG)
PHOTO = Kind("photo", 13, "a photo", "Photo", Media.PHOTO, _TAG)

_BY_NAME = {one.name: one for one in (FILM, SHOW, SEASON, EPISODE, CLIP, PHOTO)}
_LISTED = {"photo": (PHOTO, CLIP), "movie": (FILM,), "show": (EPISODE,)}
_GROUPS: dict[RollUp, tuple[Kind, ...]] = {
    "none": (),
    "season": (SEASON,),
    "show": (SEASON, SHOW),
}
SECTIONS = frozenset(_LISTED)


def kind_of(entry: Element) -> Kind | None:
    """Return the type of an entry; None for one that is not tagged, such as an album."""
    kind = _BY_NAME.get(entry.get("type", "photo" if entry.tag == "Photo" else ""))
    if kind is None or entry.tag != kind.element:
        return None
    album = kind is PHOTO and entry.get("key", "").endswith("/children")
    return None if album else kind


def listed(section: str) -> tuple[Kind, ...]:
    """The types of items in a section of this type."""
    return _LISTED.get(section, ())


def groups(section: str, roll_up: RollUp) -> tuple[Kind, ...]:
    """The types of groups to which tags of items are rolled up, the lowest first."""
    return _GROUPS[roll_up] if section == "show" else ()
