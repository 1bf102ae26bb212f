"""What is looked at of an item on Plex: a photo's picture, a video's file or its poster."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import FILE_CHANGED, NOT_ON_SERVER, RefusedByServer
from tigertag.libraries.mediaserver.listing import RecentlyListed
from tigertag.libraries.plex.items import (
    FILM,
    PlexFile,
    PlexVersion,
    best,
    main_file,
    revision,
    type_of,
    versions,
)
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.server import PlexClient
from tigertag.media.files import EXTENSIONS, VIDEO_EXTENSIONS
from tigertag.model import Item, Media

logger = logging.getLogger(__name__)

_ON_THIS_SERVER = "/library/parts/"


class Fetcher:
    """Fetches items of one library. Raises `ItemGone`, `Unreadable`, `LibraryError`.

    `listed`: the files of the photos that were listed last.
    """

    def __init__(
        self, client: PlexClient, options: Options, listed: RecentlyListed[PlexFile]
    ) -> None:
        self._client = client
        self._options = options
        self._listed = listed

    def fetch(self, item: Item, need: Need) -> Source:
        match item.media:
            case Media.PHOTO:
                return self._photo(item, need)
            case Media.VIDEO:
                return self._video(item, need)
            case Media.GROUP:
                return self._group(item, need)

    def _photo(self, item: Item, need: Need) -> Source:
        listed = PlexFile.of_revision(item.revision)
        return self._local_photo(item, listed) or self._client.picture(
            _scaled(listed.key, need.short_side_px), ServerRequest(listed.key, {"download": "1"})
        )

    def _local_photo(self, item: Item, listed: PlexFile) -> Path | None:
        """Return a photo's file on this machine; None where no mapped folder has it."""
        if not self._options.path_map:
            return None
        file = self._listed.find(item.key)
        if file is None or file.revision != item.revision:
            # Another process may have listed it.
            entry = self._client.metadata([item.key]).get(item.key)
            file = None if entry is None else main_file(entry)
        if file is None or file.revision != item.revision:
            return None
        return self._options.local_file(file.path, listed.size_bytes, EXTENSIONS)

    def _video(self, item: Item, need: Need) -> Source:
        """Return a video's best version, or the poster if that will do."""
        entry = self._client.metadata([item.key]).get(item.key)
        type = None if entry is None else type_of(entry)
        if entry is None or type is None:
            raise ItemGone(NOT_ON_SERVER)
        if revision(entry, type) != item.revision:
            raise ItemGone(FILE_CHANGED)
        poster = self._poster(entry, need) if need.poster else None
        if poster is not None:
            return poster
        version = best(list(self._trailers(entry))) or best(versions(entry))
        if version is None:
            raise Unreadable("It has no file on the server.")
        file = version.file
        path = self._options.local_file(file.path, file.size_bytes, VIDEO_EXTENSIONS)
        return path or self._client.video(ServerRequest(file.key))

    def _group(self, item: Item, need: Need) -> bytes:
        entry = self._client.metadata([item.key]).get(item.key)
        if entry is None:
            raise ItemGone(NOT_ON_SERVER)
        poster = self._poster(entry, need) if need.poster else None
        if poster is None:
            raise Unreadable("It has no video of its own; its tags come from what it contains.")
        return poster

    def _poster(self, entry: Element, need: Need) -> bytes | None:
        key = entry.get("thumb", "")
        if not key.startswith("/"):
            return None
        return self._client.small_picture(_scaled(key, need.short_side_px))

    def _trailers(self, entry: Element) -> Iterator[PlexVersion]:
        """Yield the versions of a film's first trailer that is a file of this server."""
        if not self._options.trailers or type_of(entry) is not FILM:
            return
        for extra in self._extras(entry.get("ratingKey", "")):
            own = [each for each in versions(extra) if each.file.key.startswith(_ON_THIS_SERVER)]
            if own:
                yield from own
                return

    def _extras(self, key: str) -> Sequence[Element]:
        try:
            root = self._client.root(f"/library/metadata/{key}/extras")
        except RefusedByServer as exc:
            logger.debug("no extras of %s: %s", key, exc)
            return ()
        return [extra for extra in root if extra.get("subtype") == "trailer"]


def _scaled(key: str, short_side_px: int) -> ServerRequest:
    """Ask for a JPEG, upright, not enlarged, both sides at least as long as is needed."""
    query = {
        "url": key,
        "width": str(short_side_px),
        "height": str(short_side_px),
        "minSize": "1",
        "upscale": "0",
        "format": "jpeg",
    }
    return ServerRequest("/photo/:/transcode", query)
