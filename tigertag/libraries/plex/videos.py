"""Videos: which file of an item is read, and how it is reached."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.mediaserver.faults import Refused
from tigertag.libraries.mediaserver.paths import here
from tigertag.libraries.plex.kinds import FILM, kind_of
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.parts import Part, Version, best, revision, versions
from tigertag.libraries.plex.pictures import scaled
from tigertag.libraries.plex.reading import metadata
from tigertag.libraries.plex.server import Server
from tigertag.media.formats import VIDEO_EXTENSIONS
from tigertag.model import Item
from tigertag.net.ranges import RangeReader

logger = logging.getLogger(__name__)

_ON_THIS_SERVER = "/library/parts/"


def video(server: Server, options: Options, item: Item, need: Need) -> Source:
    """Return what is to be looked at of a video: its best version, or the poster if that will do.

    Raises `ItemGone`, `Unreadable`, `LibraryError`.
    """
    entry = _entry(server, item)
    poster = _poster(server, entry, need.short_side_px) if need.poster else None
    if poster is not None:
        return poster
    chosen = best(list(_trailers(server, options, entry))) or best(versions(entry))
    if chosen is None:
        raise Unreadable("It has no file on the server.")
    return _file(options, chosen.part) or RangeReader(partial(server.ranged, chosen.part.key))


def _entry(server: Server, item: Item) -> Element:
    """Return the item in full, if it is still the one that was listed."""
    entry = metadata(server, [item.key]).get(item.key)
    kind = None if entry is None else kind_of(entry)
    if entry is None or kind is None:
        raise ItemGone("It is no longer on the server.")
    if revision(entry, kind) != item.revision:
        raise ItemGone("Its file is no longer there, or not as it was listed.")
    return entry


def poster_of(server: Server, key: str, short_side_px: int) -> bytes | None:
    """Return the poster of an item, such as a show; None where it has none."""
    entry = metadata(server, [key]).get(key)
    return None if entry is None else _poster(server, entry, short_side_px)


def _poster(server: Server, entry: Element, short_side_px: int) -> bytes | None:
    key = entry.get("thumb", "")
    return scaled(server, key, short_side_px) if key.startswith("/") else None


def _trailers(server: Server, options: Options, entry: Element) -> Iterator[Version]:
    """Yield the versions of a film's first trailer that is a file of this server."""
    if not options.trailers or kind_of(entry) is not FILM:
        return
    for extra in _extras(server, entry.get("ratingKey", "")):
        there = [one for one in versions(extra) if one.part.key.startswith(_ON_THIS_SERVER)]
        if there:
            yield from there
            return


def _extras(server: Server, key: str) -> Sequence[Element]:
    try:
        root = server.query(f"/library/metadata/{key}/extras")
    except Refused as exc:
        logger.debug("the extras of %s cannot be had: %s", key, exc)
        return ()
    return [one for one in root if one.get("subtype") == "trailer"]


def _file(options: Options, part: Part) -> Path | None:
    """Return the file where TigerTag sees it; None: it does not."""
    return here(options.path_map, part.file, size_bytes=part.size_bytes, endings=VIDEO_EXTENSIONS)
