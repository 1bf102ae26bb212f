"""Jellyfin: what it takes to change a tag is the whole item, sent back with nothing left out."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import field_validator

from tigertag import __version__
from tigertag.contracts import Host
from tigertag.libraries.mediabrowser import options
from tigertag.libraries.mediabrowser.dialect import CATALOGUED, LISTED, READ, Stop, names
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.library import MediaBrowserLibrary
from tigertag.libraries.mediabrowser.posting import Posting
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import MediaFile, media_of, text
from tigertag.libraries.mediaserver.device import device
from tigertag.model import Media

__all__ = ["Options", "build"]

_LEAST = (10, 10)
_MERGES_FROM = (12,)


class Options(options.Options):
    """The options of a Jellyfin library. See `options.Options`."""

    @field_validator("url")
    @classmethod
    def _without_user(cls, url: str) -> str:
        if "@" in urlsplit(url).netloc:
            raise ValueError(
                "give no user and password in it: Jellyfin's key travels in the header that would"
                " bear them"
            )
        return url


def build(id: str, options: Options, host: Host) -> MediaBrowserLibrary:
    """Return the library; nothing is asked of the server before `open()`."""
    return MediaBrowserLibrary(id, options, host.http, Jellyfin())


class Jellyfin:
    """See `dialect.Dialect`; the requests are those of Jellyfin 10.10, 10.11 and 12."""

    product = "Jellyfin"
    users = Call("/Users", {"isDisabled": "false"})
    listed_fields = LISTED
    read_fields = (*READ, "SpecialEpisodeNumbers")
    catalogued_fields = CATALOGUED
    unstorable = "|"  # It joins the tags of an item in its database with bars (BaseItemMapper).
    whole: Mapping[str, str] = MappingProxyType({"CollapseBoxSetItems": "false"})

    def headers(self, library: str, key: str) -> dict[str, str]:
        """The only header that Jellyfin 12 takes a key from; older ones take it as well."""
        told = {
            "Token": key,
            "Client": "TigerTag",
            "Device": f"TigerTag ({library})",
            "DeviceId": device(library),
            "Version": __version__,
        }
        parts = ", ".join(f'{name}="{value}"' for name, value in told.items())
        return {"Authorization": f"MediaBrowser {parts}"}

    def bases(self, url: str) -> Sequence[str]:
        return [url]

    def check(self, public: Entry, wording: Wording) -> None:
        product, version = text(public, "ProductName"), text(public, "Version")
        if "jellyfin" not in product.lower():
            raise wording.other(
                product or "Emby, by its answer", "" if product else "tigertag.emby"
            )
        if _parts(version) < _LEAST:
            raise wording.too_old(version, ".".join(map(str, _LEAST)))

    def views(self, user: str) -> Call:
        query = {"userId": user, "includeExternalContent": "false", "includeHidden": "true"}
        return Call("/UserViews", query)

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> Call:
        """The picture fills the box, its shape kept, and is never enlarged."""
        side = str(short_side_px)
        query = {"fillWidth": side, "fillHeight": side, "format": "Jpg"}
        return Call(f"/Items/{key}/Images/Primary", query)

    def stream(self, key: str, file: MediaFile) -> Call:
        return Call(f"/Videos/{key}/stream", {"static": "true", "mediaSourceId": file.id or key})

    def tags(self, entry: Entry) -> list[str]:
        return names(entry.get("Tags"))

    def refreshed(self, entry: Entry) -> str:
        """Jellyfin's photo provider writes a photo's tags anew, locked or not.

        Nothing that is shown tells that from an edit: the mark is that of the last change, and the
        loss of all tags of a photo is taken for Jellyfin's doing, unless the user has locked them.
        """
        fields = names(entry.get("LockedFields"))
        locked = entry.get("LockData") is True or "Tags" in fields
        photo = media_of(entry) is Media.PHOTO
        return text(entry, "Etag") if photo and not locked else ""

    def writer(
        self, server: Server, user: str, wording: Wording, *, stop: Stop, version: str
    ) -> Posting:
        stop.merges = stop.merges or _parts(version) >= _MERGES_FROM
        return Posting(server, user, wording, stop)


def _parts(version: str) -> tuple[int, ...]:
    """(10, 11, 11) of "10.11.11"."""
    found = version.split("-")[0].split(".")
    return tuple(int(one) for one in found if one.isdecimal())
