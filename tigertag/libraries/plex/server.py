"""A Plex Media Server: requests, and their responses as XML."""

import re
from collections.abc import Sequence
from datetime import datetime
from math import ceil
from xml.etree.ElementTree import Element, ParseError, fromstring

import requests
from plexapi.utils import parseXMLString

from tigertag import __version__
from tigertag.errors import LibraryError
from tigertag.libraries.mediaserver.client import ServerClient, ServerRequest, device_id
from tigertag.libraries.mediaserver.errors import NOT_FOUND, RefusedByServer, ServerErrors
from tigertag.libraries.mediaserver.listing import MAX_BATCH, ListingPage
from tigertag.sequences import batched

# Ties of one second are many when a folder is added; what is added meanwhile comes last.
SORT = "addedAt,titleSort"
_KEY = re.compile(r"[0-9]+")


class PlexErrors(ServerErrors):
    """Makes the errors of one library on Plex."""

    product, secret, setting = "Plex", "token", "TOKEN"
    right = "the token of the server's owner (docs/libraries/plex.md says where to find it)"

    def of_status(self, response: requests.Response, body: bytes) -> LibraryError:
        if response.status_code == 503 and b'title="Maintenance"' in body:
            return self.busy("Plex is migrating its database", 503)
        return super().of_status(response, body)


def headers(library: str, token: str) -> dict[str, str]:
    """The headers that name this program to the server: the same for a library on a host."""
    return {
        "X-Plex-Token": token,
        "X-Plex-Client-Identifier": device_id(library),
        "X-Plex-Product": "TigerTag",
        "X-Plex-Version": __version__,
        "X-Plex-Device-Name": f"TigerTag ({library})",
        "X-Plex-Provides": "controller",
    }


class PlexClient(ServerClient):
    """One server. The token travels in a header, never in an address. Raises `LibraryError`.

    plexapi's own client is not used: it takes a missing response for one, raises TypeError for a
    status that has no name, puts addresses and responses into messages, and a token into addresses
    if its configuration file says so.
    """

    def __init__(self, url: str, session: requests.Session, errors: PlexErrors) -> None:
        super().__init__(url, session, errors)
        self.url = url
        self.id = self.root("/", opening=True).get("machineIdentifier", "")
        if not self.id:
            raise errors.not_this_product()

    def root(
        self, path: str, *, headers: dict[str, str] | None = None, opening: bool = False
    ) -> Element:
        """Return the root of what Plex responds."""
        body = self.get(ServerRequest(path), headers=headers, opening=opening)
        root = _parsed(body)
        if root is None and body.lstrip().startswith((b"<?xml", b"<MediaContainer")):
            raise self.errors.truncated()
        if root is None or root.tag != "MediaContainer":
            raise self.errors.not_this_product()
        return root

    def put(self, path: str) -> None:
        """Send an edit; the response does not say what came of it."""
        self.write("PUT", path)

    def page(self, path: str, *, start: int, size: int) -> Element:
        """Return `size` entries from `start` on, or as many as Plex thinks fit."""
        paging = {"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": str(size)}
        return self.root(path, headers=paging)

    def listing_page(self, path: str, *, start: int, size: int) -> ListingPage[Element]:
        root = self.page(path, start=start, size=size)
        total = root.get("totalSize", "")
        entries = [(entry.get("ratingKey", ""), entry) for entry in root]
        return ListingPage(entries, int(total) if total.isdecimal() else None)

    def metadata(self, keys: Sequence[str]) -> dict[str, Element]:
        """Return the items of these keys in full, by key; one that is not there is left out.

        Only so are their tags complete. Some servers refuse a whole list for one item that is gone:
        then its halves are asked for. What a response leaves out without need, as one that holds
        fewer than asked or none, is asked for again.
        """
        entries: dict[str, Element] = {}
        for batch in batched([key for key in dict.fromkeys(keys) if is_key(key)], MAX_BATCH):
            entries |= self._metadata(batch)
        return entries

    def _metadata(self, keys: Sequence[str], *, again: bool = False) -> dict[str, Element]:
        try:
            root = self.page(f"/library/metadata/{','.join(keys)}", start=0, size=len(keys))
        except RefusedByServer as exc:
            half = len(keys) // 2
            if exc.status != NOT_FOUND:
                raise
            return self._metadata(keys[:half]) | self._metadata(keys[half:]) if half else {}
        by_key = {entry.get("ratingKey", ""): entry for entry in root}
        read = {key: by_key[key] for key in keys if key in by_key}
        missing = [key for key in keys if key not in read]
        if missing and (read or not again):
            read |= self._metadata(missing, again=True)
        return read


def _parsed(body: bytes) -> Element | None:
    """Read XML, also such that holds characters that XML forbids; None: it is none."""
    try:
        return fromstring(body)
    except ParseError:
        pass
    try:
        cleaned: Element | None = parseXMLString(body.decode("utf-8", "replace"))
    except ParseError:
        return None
    return cleaned


def is_key(text: str) -> bool:
    """Whether this is a ratingKey."""
    return _KEY.fullmatch(text) is not None


def section_path(section: str, number: int, since: datetime | None = None) -> str:
    """Return the request for a section's items of a type, or for those that were added since.

    `>>=` is "after", which leaves its own second out (Plex API, "Media Queries").
    """
    path = f"/library/sections/{section}/all?type={number}&sort={SORT}"
    return path if since is None else f"{path}&addedAt%3E%3E={ceil(since.timestamp()) - 1}"
