"""The library of Emby and Jellyfin, and what differs between the two servers."""

import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import ClassVar, Literal

from pydantic import SecretStr, field_validator

from tigertag.contracts import Host, Need, Notes, Source
from tigertag.errors import ItemGone, LibraryError
from tigertag.libraries.mediabrowser import items
from tigertag.libraries.mediabrowser.items import SourceFile
from tigertag.libraries.mediabrowser.metadata import comparable
from tigertag.libraries.mediabrowser.server import (
    PICTURES,
    MediaBrowserClient,
    MediaBrowserErrors,
    is_key,
)
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import FILE_CHANGED, NOT_ON_SERVER, RefusedByServer
from tigertag.libraries.mediaserver.files import ListedFile
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.libraries.mediaserver.library import FilmEntry, MediaServerLibrary
from tigertag.libraries.mediaserver.listing import entries
from tigertag.libraries.mediaserver.options import ServerOptions
from tigertag.libraries.mediaserver.sending import (
    PendingEdit,
    TagChange,
    Writer,
    is_storable,
    left_to_do,
)
from tigertag.media.files import VIDEO_EXTENSIONS
from tigertag.model import Edit, Field, Item, Media, Section, Shown, TagRef
from tigertag.text import did_you_mean

PAGE_SIZE = 200
_API_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_PUBLIC = ServerRequest("/System/Info/Public")
# Ties are many where a folder is added at once; what is added meanwhile comes last, if it is dated
# by the clock.
_SORT = {"SortBy": "DateCreated,SortName", "SortOrder": "Ascending"}
_VIEW_TYPES = {
    "photos": ("Photo", "Video"),
    "homevideos": ("Photo", "Video"),
    "movies": ("Movie",),
    "tvshows": ("Episode",),
}
_MIXED_TYPES = ("Photo", "Video", "Movie", "Episode")
_FOLDERS = frozenset({"CollectionFolder", "UserView", "Folder"})
# A server leaves these out unless they are asked for by name.
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
        return self.min_bytes_of(film=type in ("Movie", "Episode"))


class TagWriter(Writer[Shown, TagChange]):
    """Items are written one by one.

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

    def change(self, edit: Edit, shown: Shown) -> TagChange | None:
        adds, removes = left_to_do(edit, shown)
        return TagChange(adds, removes) if adds or removes else None

    def groups(
        self, pending: Sequence[PendingEdit[TagChange]]
    ) -> Iterator[list[PendingEdit[TagChange]]]:
        return ([item] for item in pending)


class MediaBrowserLibrary(MediaServerLibrary[MediaBrowserClient, Entry]):
    """Photos, films and episodes on Emby or Jellyfin; each server has its class.

    `grouping`: what in a query lets a listing hide films behind their collections.
    """

    field = Field.TAG

    product: ClassVar[str]
    users: ClassVar[ServerRequest]
    listed_fields: ClassVar[tuple[str, ...]] = LISTED_FIELDS
    read_fields: ClassVar[tuple[str, ...]] = READ_FIELDS
    film_fields: ClassVar[tuple[str, ...]] = FILM_FIELDS
    grouping: ClassVar[str]

    _options: MediaBrowserOptions
    _errors: MediaBrowserErrors

    def __init__(self, id: str, options: MediaBrowserOptions, host: Host) -> None:
        super().__init__(id, options, host, MediaBrowserErrors(id, options.url, self.product))

    def base_urls(self, url: str) -> Sequence[str]:
        """Return the addresses at which the server may answer, the likeliest first."""
        return [url]

    @abstractmethod
    def check(self, public: Entry) -> None:
        """Look at what anyone may ask. Raises `LibraryError` for another server."""

    @abstractmethod
    def views(self, user: str) -> ServerRequest: ...

    @abstractmethod
    def picture(self, key: str, short_side_px: int, ratio: float | None) -> ServerRequest:
        """Ask for an item's picture, small. `ratio`: its width by its height, if it is known."""

    @abstractmethod
    def stream(self, key: str, file: SourceFile) -> ServerRequest:
        """Ask for a video's file as it is."""

    @abstractmethod
    def tags(self, entry: Entry) -> list[str]: ...

    def refreshed(self, entry: Entry) -> str:
        """See `model.Shown.refreshed`; "": the server changes no tags by itself."""
        return ""

    def _connect(self) -> MediaBrowserClient:
        """Reach the server at the first address where one answers."""
        # Otherwise `requests` would put a password of ~/.netrc in the place of Jellyfin's key.
        self._session.auth = lambda request: request
        failed: LibraryError | None = None
        for url in self.base_urls(self._options.url):
            client = MediaBrowserClient(url, self._session, self._errors)
            try:
                public = client.entry(_PUBLIC, opening=True)
            except RefusedByServer as exc:
                failed = self._errors.not_this_product()
                failed.__cause__ = exc
                continue
            except LibraryError as exc:
                failed = failed or exc
                continue
            client.id, client.version = text(public, "Id"), text(public, "Version")
            if not client.id or not client.version:
                raise self._errors.not_this_product()
            self.check(public)
            client.user = self._user(client.entries(self.users, opening=True))
            return client
        assert failed is not None
        raise failed

    def _user(self, users: Sequence[Entry]) -> str:
        """Return the id of the user of this name or id, or of the first administrator."""
        if wanted := self._options.user:
            id, name = wanted.casefold().replace("-", ""), wanted.casefold()
            for user in users:
                if text(user, "Id").replace("-", "") == id or text(user, "Name").casefold() == name:
                    return text(user, "Id")
            hint = did_you_mean(wanted, [text(user, "Name") for user in users])
            raise self._errors.no_user(wanted, hint)
        for user in users:
            policy = user.get("Policy")
            if not isinstance(policy, dict) or policy.get("IsDisabled") is True:
                continue
            if policy.get("IsAdministrator") is True:
                return text(user, "Id")
        raise self._errors.no_administrator()

    def _views(self) -> list[Entry]:
        """Return the sections that TigerTag can scan; the servers call them views."""
        client = self._client
        views = client.entries(self.views(client.user))
        return [view for view in views if _types_in(view) and text(view, "Id")]

    def _sections(self) -> Sequence[Section]:
        return [Section(self.id, text(view, "Id"), text(view, "Name")) for view in self._views()]

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        # Of a view that is gone, a server may list all that it has.
        view = next((view for view in self._views() if text(view, "Id") == section.id), None)
        if view is None:
            raise self._errors.section_gone(section.title)
        for entry in self._entries(view, since):
            min_bytes = self._options.min_bytes_for(text(entry, "Type"))
            item = items.listed_item(section, entry, min_bytes, notes)
            if item is not None:
                self._listed.remember(item.key, items.listed_file(entry))
                yield item

    def _entries(self, view: Entry, since: datetime | None) -> Iterator[Entry]:
        query = {
            **_SORT,
            **PICTURES,
            self.grouping: "false",
            "UserId": self._client.user,
            "ParentId": text(view, "Id"),
            "Recursive": "true",
            "IncludeItemTypes": ",".join(_types_in(view)),
            "Fields": ",".join(self.listed_fields),
        }
        if since is not None:
            query["MinDateLastSaved"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return entries(
            partial(self._client.page, query),
            page_size=PAGE_SIZE,
            cut_short=partial(self._errors.listing_cut_short, text(view, "Name")),
        )

    def _full(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        fields = dict.fromkeys((*self.read_fields, *self.listed_fields))
        return self._client.read(keys, tuple(fields))

    def _shown(self, entry: Entry) -> Shown:
        rest = json.dumps(comparable(entry), sort_keys=True)
        return Shown(
            text(entry, "Id"),
            tuple(TagRef(Field.TAG, name) for name in self.tags(entry)),
            rest=blake2b(rest.encode(), digest_size=16).hexdigest(),
            stamp=text(entry, "Etag") or None,
            refreshed=self.refreshed(entry),
            revision=items.revision(entry) if items.has_file(entry) else None,
        )

    def _films(self, keys: Sequence[str]) -> Iterable[FilmEntry]:
        read = self._client.read(keys, self.film_fields).values()
        return filter(None, map(items.film_entry, read))

    def _fetch(self, item: Item, need: Need) -> Source:
        return self._photo(item, need) if item.media is Media.PHOTO else self._video(item, need)

    def _photo(self, item: Item, need: Need) -> Source:
        listed = self._remembered(item)
        if self._options.path_map:
            # Another process may have listed it.
            listed = listed or items.listed_file(self._entry(item))
            if listed and (path := self._local_path(item, listed)):
                return path
        shape = None if listed is None else listed.ratio
        return self._client.picture(
            self.picture(item.key, need.short_side_px, shape), _download(item)
        )

    def _original(self, item: Item, listed: ListedFile | None) -> tuple[ServerRequest, str]:
        return _download(item), "" if listed is None else listed.path

    def _video(self, item: Item, need: Need) -> Source:
        entry = self._entry(item)
        if need.poster:
            request = self.picture(item.key, need.short_side_px, items.ratio(entry))
            if poster := self._client.small_picture(request):
                return poster
        file = items.best_file(entry)
        assert file is not None
        path = self._options.local_file(file.path, file.size_bytes, VIDEO_EXTENSIONS)
        return path or self._client.video(self.stream(item.key, file))

    def _entry(self, item: Item) -> Entry:
        """Return the item in full, if it is still the one that was listed."""
        entry = self._full([item.key]).get(item.key)
        if entry is None or not items.has_file(entry):
            raise ItemGone(NOT_ON_SERVER)
        if items.revision(entry) != item.revision:
            raise ItemGone(FILE_CHANGED)
        return entry


def _download(item: Item) -> ServerRequest:
    return ServerRequest(f"/Items/{item.key}/Download")


def _types_in(view: Entry) -> Sequence[str]:
    """Return the types of items to scan; none in music, collections and all without own pictures.

    A folder of mixed content has no collection type.
    """
    collection = text(view, "CollectionType").lower()
    if not collection and text(view, "Type") in _FOLDERS:
        return _MIXED_TYPES
    return _VIEW_TYPES.get(collection, ())
