"""What films and episodes are, and their genres: those of an episode are its show's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from tigertag.contracts import Catalogued
from tigertag.libraries.mediaserver.batches import batches
from tigertag.libraries.mediaserver.films import numbered
from tigertag.libraries.plex.kinds import EPISODE, FILM, SHOW, Kind, kind_of
from tigertag.libraries.plex.reading import metadata
from tigertag.libraries.plex.server import Server
from tigertag.model import Item, Media

# imdb://tt0253556 among the Guids of newer agents; an older agent's guid is
# com.plexapp.agents.imdb://tt0165832?lang=en (both recorded from Plex).
_NUMBER = re.compile(
    r"(?:com\.plexapp\.agents\.)?(?:the)?(imdb|tmdb|moviedb|tvdb)://([A-Za-z0-9]+)(?:\?.*)?"
)
_DATABASES = {"moviedb": "tmdb"}
_OF_PLEX = "plex://"


def catalogued(server: Server, items: Sequence[Item]) -> Iterator[Catalogued]:
    """See `contracts.Cataloguing`: films and episodes; each show is read once."""
    shows: dict[str, Catalogued | None] = {}
    for some in batches([one for one in items if one.media is Media.VIDEO]):
        found = metadata(server, [item.key for item in some])
        above = {_show(entry): None for entry in found.values()}
        _read(server, shows, [key for key in above if key and key not in shows], some[0].library)
        for item in some:
            entry = found.get(item.key)
            told = None if entry is None else _told(entry, shows, item.library)
            if told is not None:
                yield replace(told, key=item.key)


def _read(
    server: Server, shows: dict[str, Catalogued | None], keys: Sequence[str], library: str
) -> None:
    shows |= dict.fromkeys(keys)
    for key, entry in metadata(server, keys).items():
        if kind_of(entry) is SHOW:
            shows[key] = _work(entry, SHOW, library)


def _told(entry: Element, shows: dict[str, Catalogued | None], library: str) -> Catalogued | None:
    """What an item is; None for one without genres of its own or of a show, such as a clip."""
    if kind_of(entry) is FILM:
        return _work(entry, FILM, library)
    return shows.get(_show(entry))


def _show(entry: Element) -> str:
    return entry.get("grandparentRatingKey", "") if kind_of(entry) is EPISODE else ""


def _work(entry: Element, kind: Kind, library: str) -> Catalogued:
    """A film or a show that was read in full."""
    key, year = entry.get("ratingKey", ""), entry.get("year", "")
    return Catalogued(
        key,
        _named(entry, kind) or f"{library}:{key}",
        entry.get("title", ""),
        tuple(word for one in entry.findall("Genre") if (word := one.get("tag"))),
        key,
        int(year) if year.isdecimal() else None,
    )


def _named(entry: Element, kind: Kind) -> str:
    """What tells a film or a show from others: its number, or else the name that Plex gave it."""
    told = entry.get("guid", "")
    numbers = [
        found
        for one in (told, *(guid.get("id", "") for guid in entry.findall("Guid")))
        if (found := _NUMBER.fullmatch(one))
    ]
    ids = {_DATABASES.get(one[1], one[1]): one[2] for one in numbers}
    number = numbered(ids, kind="show" if kind is SHOW else "movie")
    return number or (told if told.startswith(_OF_PLEX) else "")
