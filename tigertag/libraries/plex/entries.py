"""Entries of a listing as items."""

import logging
from collections.abc import Iterator
from hashlib import blake2b
from xml.etree.ElementTree import Element

from tigertag.contracts import LeftOutReason, Notes
from tigertag.libraries.plex.files import Files
from tigertag.libraries.plex.kinds import EPISODE, PHOTO, SEASON, SHOW, Kind, groups, kind_of
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.parts import Part, main_part
from tigertag.model import Item, Media, Section

logger = logging.getLogger(__name__)

_ABOVE = {
    EPISODE: ((SEASON, "parentRatingKey"), (SHOW, "grandparentRatingKey")),
    SEASON: ((SHOW, "parentRatingKey"),),
}


class Entries:
    """Makes items of what a library's server lists."""

    def __init__(self, library: str, options: Options, files: Files) -> None:
        self._library = library
        self._options = options
        self._files = files

    def item(
        self, section: Section, kind: Kind, entry: Element, notes: Notes | None = None
    ) -> Item | None:
        """Return an item that was listed; None for what is none, has no file, or a small one."""
        notes = notes or Notes()
        if kind_of(entry) is not kind:
            return None
        if kind.media is Media.GROUP:
            return self._made(section, kind, entry, None)
        key, part = entry.get("ratingKey", ""), main_part(entry)
        if part is None:
            logger.debug("entry %s of section %s passed over: no file", key, section.id)
            notes.leave_out(LeftOutReason.NO_FILE, _title(entry, kind))
            return None
        if part.size_bytes is not None and part.size_bytes < self._options.least_bytes(kind):
            notes.leave_out(LeftOutReason.TOO_SMALL, _title(entry, kind))
            return None
        if kind is PHOTO:
            self._files.remember(key, part)
        return self._made(section, kind, entry, part)

    def _made(self, section: Section, kind: Kind, entry: Element, part: Part | None) -> Item:
        return Item(
            self._library,
            section.id,
            entry.get("ratingKey", ""),
            "" if part is None else part.revision,
            media=kind.media,
            title=_title(entry, kind),
            size_bytes=None if part is None else part.size_bytes,
            stamp=entry.get("updatedAt"),
            within=tuple(self._within(entry, kind)),
            file=_of_guid(entry) if part is None else part.identity,
        )

    def _within(self, entry: Element, kind: Kind) -> Iterator[str]:
        """Yield the groups that it is in, of those to which tags are rolled up."""
        rolled = groups("show", self._options.roll_up)
        for group, name in _ABOVE.get(kind, ()):
            if group in rolled and entry.get(name):
                yield entry.get(name, "")


def _of_guid(entry: Element) -> str:
    """Return what tells a season or show under another key; "" where nothing does.

    An agent's `guid` stays with it; a `local://` one is made of the key.
    """
    guid = entry.get("guid", "")
    if not guid or guid.startswith("local:"):
        return ""
    return blake2b(guid.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def touched_at(entry: Element) -> float:
    """When the server added or last changed an item; it does not always tell."""
    times = [entry.get(name, "") for name in ("addedAt", "updatedAt")]
    return max((float(one) for one in times if one.isdecimal()), default=float("inf"))


def _title(entry: Element, kind: Kind) -> str:
    """What people know it by: an episode by its show, its numbers and its own title."""
    title = entry.get("title", "")
    if kind is SEASON:
        return " · ".join(one for one in (entry.get("parentTitle"), title) if one)
    if kind is not EPISODE:
        return title
    season, number = entry.get("parentIndex", ""), entry.get("index", "")
    numbered = season.isdecimal() and number.isdecimal()
    place = f"S{int(season):02}E{int(number):02}" if numbered else ""
    return " · ".join(one for one in (entry.get("grandparentTitle"), place, title) if one)
