"""What Emby and Jellyfin share, and what differs between them: a dialect of the same API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import requests
from pydantic import SecretStr, field_validator

from tigertag.errors import LibraryError
from tigertag.libraries.mediabrowser.items import SourceFile
from tigertag.libraries.mediabrowser.server import (
    Entry,
    MediaBrowserClient,
    MediaBrowserErrors,
    is_key,
    text,
)
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import RefusedByServer
from tigertag.libraries.mediaserver.options import ServerOptions
from tigertag.libraries.mediaserver.sending import PendingEdit, is_storable, left_to_do
from tigertag.model import Edit, Field, Shown
from tigertag.text import did_you_mean

_API_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_PUBLIC = ServerRequest("/System/Info/Public")
# What has to be asked for by name, besides what is always told.
LISTED_FIELDS = ("Path", "MediaSources", "Etag", "Width", "Height", "PrimaryImageAspectRatio")
READ_FIELDS = (
    *("Tags", "Path", "MediaSources", "Etag", "Settings", "Genres", "Studios", "Overview"),
    *("OriginalTitle", "Taglines", "ProviderIds", "ProductionLocations", "CustomRating"),
    *("DateCreated", "People"),
)
FILM_FIELDS = ("Genres", "ProviderIds")


class MediaBrowserOptions(ServerOptions):
    """The options of an Emby or Jellyfin library, besides those of `ServerOptions`.

    `user`: a name or an id, through whose eyes the library is seen; none: the first administrator.
    """

    example: ClassVar[str] = "http://media:8096"

    api_key: SecretStr
    user: str = ""
    field: Literal["tag"] = "tag"

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, key: SecretStr) -> SecretStr:
        if not _API_KEY.fullmatch(key.get_secret_value()):
            raise ValueError("it is no API key")
        return key

    @field_validator("user")
    @classmethod
    def _stripped(cls, user: str) -> str:
        return user.strip()

    def min_bytes_for(self, type: str) -> int:
        """The smallest file of an item of this type that is scanned."""
        return self.min_bytes_of(film=type in ("Movie", "Episode"))


@dataclass(frozen=True, slots=True)
class TagNames:
    """What is left to do to an item's tags, in the server's spelling."""

    adds: tuple[str, ...]
    removes: tuple[str, ...]


class TagWriter:
    """See `mediaserver.sending.Writer`: items are written one by one.

    `unstorable`: the characters that no tag may hold, besides those that no server keeps.
    """

    unstorable: frozenset[str] = frozenset()

    def __init__(self, client: MediaBrowserClient) -> None:
        self.client = client

    def problem(self, edit: Edit) -> str:
        product = self.client.errors.product
        if not is_key(edit.item.key):
            return f"It has no key of an item on {product}."
        if any(tag.field is not Field.TAG for tag in edit.adds):
            return f"{product} items take tags only, no labels or genres."
        if not all(is_storable(t.name) and self.unstorable.isdisjoint(t.name) for t in edit.adds):
            return f"A tag has characters that {product} cannot store."
        return ""

    def change(self, edit: Edit, shown: Shown) -> TagNames | None:
        adds, removes = (tuple(tag.name for tag in tags) for tags in left_to_do(edit, shown))
        return TagNames(adds, removes) if adds or removes else None

    def groups(
        self, pending: Sequence[PendingEdit[TagNames]]
    ) -> Iterator[list[PendingEdit[TagNames]]]:
        return ([item] for item in pending)

    def write(self, group: Sequence[PendingEdit[TagNames]]) -> None:
        raise NotImplementedError


class Dialect:
    """How one of the two servers is spoken to, for one library.

    `ungrouped` is the query that keeps a listing from hiding films behind their collections.
    """

    product: str
    users: ServerRequest
    listed_fields: tuple[str, ...] = LISTED_FIELDS
    read_fields: tuple[str, ...] = READ_FIELDS
    film_fields: tuple[str, ...] = FILM_FIELDS
    ungrouped: Mapping[str, str]

    def headers(self, library: str, key: str) -> dict[str, str]:
        raise NotImplementedError

    def base_urls(self, url: str) -> Sequence[str]:
        """Return the addresses at which the server may answer, the likeliest first."""
        return [url]

    def check(self, public: Entry, errors: MediaBrowserErrors) -> None:
        """Look at what anyone may ask. Raises `LibraryError` for another server."""

    def views(self, user: str) -> ServerRequest:
        raise NotImplementedError

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> ServerRequest:
        """Ask for an item's picture, small. `ratio`: its width by its height, if it is known."""
        raise NotImplementedError

    def stream(self, key: str, file: SourceFile) -> ServerRequest:
        """Ask for a video's file as it is."""
        raise NotImplementedError

    def tags(self, entry: Entry) -> list[str]:
        raise NotImplementedError

    def refreshed(self, entry: Entry) -> str:
        """See `model.Shown.refreshed`; "": nothing tells a server's doing from its user's."""
        return ""

    def writer(self, client: MediaBrowserClient) -> TagWriter:
        raise NotImplementedError


def connect(
    dialect: Dialect,
    options: MediaBrowserOptions,
    session: requests.Session,
    errors: MediaBrowserErrors,
) -> MediaBrowserClient:
    """Reach the server at the first address where one answers. Raises `LibraryError`."""
    # Otherwise `requests` would put a password of ~/.netrc in the place of Jellyfin's key.
    session.auth = lambda request: request
    failed: LibraryError | None = None
    for url in dialect.base_urls(options.url):
        client = MediaBrowserClient(url, session, errors)
        try:
            public = client.entry(_PUBLIC, opening=True)
        except RefusedByServer as exc:
            failed = errors.not_this_product()
            failed.__cause__ = exc
            continue
        except LibraryError as exc:
            failed = failed or exc
            continue
        client.id, client.version = text(public, "Id"), text(public, "Version")
        if not client.id or not client.version:
            raise errors.not_this_product()
        dialect.check(public, errors)
        client.user = _user(options.user, client.entries(dialect.users, opening=True), errors)
        return client
    assert failed is not None
    raise failed


def _user(wanted: str, users: Sequence[Entry], errors: MediaBrowserErrors) -> str:
    """Return the id of the user that is wanted, by name or id, or of the first administrator."""
    if wanted:
        id, name = wanted.casefold().replace("-", ""), wanted.casefold()
        for user in users:
            if text(user, "Id").replace("-", "") == id or text(user, "Name").casefold() == name:
                return text(user, "Id")
        raise errors.no_user(wanted, did_you_mean(wanted, [text(user, "Name") for user in users]))
    for user in users:
        policy = user.get("Policy")
        if not isinstance(policy, dict) or policy.get("IsDisabled") is True:
            continue
        if policy.get("IsAdministrator") is True:
            return text(user, "Id")
    raise errors.no_administrator()
