"""Emby: it has requests of its own for tags, so that nothing but them is ever sent."""

from collections.abc import Mapping, Sequence
from math import ceil
from types import MappingProxyType
from urllib.parse import quote

from tigertag.contracts import Host
from tigertag.errors import ItemGone
from tigertag.libraries.mediabrowser.dialect import (
    CATALOGUED,
    LISTED,
    READ,
    Change,
    Stop,
    names,
)
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.library import MediaBrowserLibrary
from tigertag.libraries.mediabrowser.options import Options
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import MediaFile, text
from tigertag.libraries.mediaserver.faults import GONE, Refused

__all__ = ["Options", "build"]

_WIDEST = 4.0
"""How far a picture of unknown shape may differ from a square and still be large enough."""


def build(id: str, options: Options, host: Host) -> MediaBrowserLibrary:
    """Return the library; nothing is asked of the server before `open()`."""
    return MediaBrowserLibrary(id, options, host.http, Emby())


class Emby:
    """See `dialect.Dialect`; the requests are those of Emby 4.8."""

    product = "Emby"
    users = Call("/Users/Query", {"IsDisabled": "false"})
    listed_fields = (*LISTED, "Size")
    read_fields = (*READ, "Size")
    # Whether Emby tells the year unasked is not known; Jellyfin does, and knows no such field.
    catalogued_fields = (*CATALOGUED, "ProductionYear")
    whole: Mapping[str, str] = MappingProxyType({"GroupItemsIntoCollections": "false"})

    def headers(self, library: str, key: str) -> dict[str, str]:
        return {"X-Emby-Token": key}

    def bases(self, url: str) -> Sequence[str]:
        """Emby answers below `/emby`; a proxy may have put that away."""
        return [url] if url.lower().endswith("/emby") else [f"{url}/emby", url]

    def check(self, public: Entry, wording: Wording) -> None:
        product = text(public, "ProductName")
        if product:
            plugin = "tigertag.jellyfin" if "jellyfin" in product.lower() else ""
            raise wording.other(product, plugin)

    def views(self, user: str) -> Call:
        return Call(f"/Users/{quote(user, safe='')}/Views", {"IncludeExternalContent": "false"})

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> Call:
        """Both sides are bounds here, so that the long one has to be worked out."""
        shape = _WIDEST if ratio is None else max(ratio, 1 / ratio)
        longest = str(ceil(short_side_px * shape))
        query = {"MaxWidth": longest, "MaxHeight": longest, "Format": "jpg", "AutoOrient": "true"}
        return Call(f"/Items/{key}/Images/Primary", query)

    def stream(self, key: str, file: MediaFile) -> Call:
        """Each version of a film is an item of its own here."""
        container = file.container.partition(",")[0] or "mp4"
        return Call(
            f"/Videos/{file.owner or key}/stream", {"Static": "true", "Container": container}
        )

    def tags(self, entry: Entry) -> list[str]:
        """`Tags` is always empty in what Emby answers."""
        return names(entry.get("TagItems"), "Name")

    def refreshed(self, entry: Entry) -> str:
        """Nothing that Emby shows tells its own doing from its user's."""
        return ""

    unstorable = ""

    def writer(
        self, server: Server, user: str, wording: Wording, *, stop: Stop, version: str
    ) -> "_Tagging":
        return _Tagging(server)


class _Tagging:
    """Adds and removes tags by the requests that are made for it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def write(self, change: Change) -> None:
        """See `dialect.Writer`."""
        try:
            for verb, words in (("Add", change.adds), ("Delete", change.removes)):
                if words:
                    body = {"Tags": [{"Name": word} for word in words]}
                    self._server.post(f"/Items/{change.key}/Tags/{verb}", body)
        except Refused as exc:
            if exc.status == GONE:
                raise ItemGone("It is no longer on the server.") from exc
            raise
