"""Emby: it has requests of its own for tags, so that nothing but them is ever sent."""

from collections.abc import Mapping, Sequence
from math import ceil
from urllib.parse import quote

from tigertag.errors import ItemGone
from tigertag.libraries.mediabrowser.items import SourceFile
from tigertag.libraries.mediabrowser.library import (
    FILM_FIELDS,
    LISTED_FIELDS,
    READ_FIELDS,
    MediaBrowserLibrary,
    MediaBrowserOptions,
    TagWriter,
)
from tigertag.libraries.mediabrowser.server import names
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import NOT_ON_SERVER, not_found_as
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.libraries.mediaserver.sending import PendingEdit, TagChange

Options = MediaBrowserOptions

_WIDEST = 4.0
"""How far a picture of unknown shape may differ from a square and still be large enough."""


class EmbyLibrary(MediaBrowserLibrary):
    """See `MediaBrowserLibrary`; the requests are those of Emby 4.8."""

    product = "Emby"
    users = ServerRequest("/Users/Query", {"IsDisabled": "false"})
    listed_fields = (*LISTED_FIELDS, "Size")
    read_fields = (*READ_FIELDS, "Size")
    # Whether Emby sends the year unasked is not known; Jellyfin does, and has no such field.
    film_fields = (*FILM_FIELDS, "ProductionYear")
    grouping = "GroupItemsIntoCollections"

    def _headers(self) -> Mapping[str, str]:
        return {"X-Emby-Token": self._options.api_key.get_secret_value()}

    def base_urls(self, url: str) -> Sequence[str]:
        """Emby answers below `/emby`; a proxy may strip that."""
        return [url] if url.lower().endswith("/emby") else [f"{url}/emby", url]

    def check(self, public: Entry) -> None:
        product = text(public, "ProductName")
        if product:
            plugin = "tigertag.jellyfin" if "jellyfin" in product.lower() else ""
            raise self._errors.another_product(product, plugin)

    def views(self, user: str) -> ServerRequest:
        query = {"IncludeExternalContent": "false"}
        return ServerRequest(f"/Users/{quote(user, safe='')}/Views", query)

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> ServerRequest:
        """Both sides are bounds here, so that the long one has to be worked out."""
        shape = _WIDEST if ratio is None else max(ratio, 1 / ratio)
        longest = str(ceil(short_side_px * shape))
        query = {"MaxWidth": longest, "MaxHeight": longest, "Format": "jpg", "AutoOrient": "true"}
        return ServerRequest(f"/Items/{key}/Images/Primary", query)

    def stream(self, key: str, file: SourceFile) -> ServerRequest:
        """Each version of a film is an item of its own here."""
        container = file.container.partition(",")[0] or "mp4"
        query = {"Static": "true", "Container": container}
        return ServerRequest(f"/Videos/{file.owner or key}/stream", query)

    def tags(self, entry: Entry) -> list[str]:
        """`Tags` is always empty in what Emby answers."""
        return names(entry.get("TagItems"), "Name")

    def _writer(self) -> TagWriter:
        return EmbyWriter(self._client)


class EmbyWriter(TagWriter):
    """Adds and removes tags by the requests that are made for it."""

    def write(self, group: Sequence[PendingEdit[TagChange]]) -> None:
        (item,) = group
        with not_found_as(ItemGone(NOT_ON_SERVER)):
            for verb, tags in (("Add", item.change.adds), ("Delete", item.change.removes)):
                if tags:
                    body = {"Tags": [{"Name": tag.name} for tag in tags]}
                    self.client.post(f"/Items/{item.key}/Tags/{verb}", body)


build = EmbyLibrary
