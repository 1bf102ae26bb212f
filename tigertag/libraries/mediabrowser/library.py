"""The library of Emby and Jellyfin: listed page by page, fetched small or in parts, tagged."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from requests import Session

from tigertag.contracts import (
    Catalogued,
    EditOutcome,
    Http,
    Need,
    NotedItems,
    Notes,
    NotRead,
    Source,
)
from tigertag.errors import ItemGone
from tigertag.libraries.mediabrowser.dialect import Dialect, MediaBrowserOptions, connect
from tigertag.libraries.mediabrowser.items import (
    ListedPhoto,
    best_file,
    film_entry,
    has_file,
    listed_item,
    listed_photo,
    ratio,
    revision,
)
from tigertag.libraries.mediabrowser.metadata import shown
from tigertag.libraries.mediabrowser.server import (
    PICTURES,
    Entry,
    MediaBrowserClient,
    MediaBrowserErrors,
    text,
)
from tigertag.libraries.mediaserver.catalogue import FilmEntry, catalogued
from tigertag.libraries.mediaserver.client import CachedConnection, ServerRequest, closing
from tigertag.libraries.mediaserver.errors import FILE_CHANGED, NOT_ON_SERVER
from tigertag.libraries.mediaserver.listing import MAX_BATCH, RecentlyListed, entries
from tigertag.libraries.mediaserver.sending import Reader, Sender
from tigertag.media.files import EXTENSIONS, VIDEO_EXTENSIONS
from tigertag.model import Edit, Field, Item, Media, Section, Shown
from tigertag.sequences import batched

PAGE_SIZE = 200
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


@dataclass(frozen=True, slots=True)
class ServerView:
    """A section; the servers call it a view. `types` are those of the items that are scanned."""

    id: str
    title: str
    types: Sequence[str]


class MediaBrowserLibrary:
    """Photos, films and episodes on Emby or Jellyfin. See `contracts.Library`."""

    field = Field.TAG
    footage = ""

    def __init__(self, id: str, options: MediaBrowserOptions, http: Http, dialect: Dialect) -> None:
        self.id = id
        self._options = options
        self._http = http
        self._dialect = dialect
        self._errors = MediaBrowserErrors(id, options.url, dialect.product)
        self._listed = RecentlyListed[ListedPhoto]()
        self._reader = Reader(self._read)
        self._session: Session | None = None
        self._connection = CachedConnection(self._connect)

    @property
    def identity(self) -> str:
        return self._client.id

    def open(self) -> None:
        self._connection.open()

    def sections(self) -> Sequence[Section]:
        sections = [Section(self.id, view.id, view.title) for view in self._views()]
        return self._errors.chosen(self._options.sections, sections)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the items, or those that the server added or changed since."""
        notes = Notes()
        return NotedItems(self._items(section, since, notes), notes)

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        for entry in self._entries(self._view(section), since):
            min_bytes = self._options.min_bytes_for(text(entry, "Type"))
            item = listed_item(self.id, section, entry, min_bytes, notes)
            if item is not None:
                if item.media is Media.PHOTO:
                    self._listed.remember(item.key, listed_photo(entry))
                yield item

    def leaves_out(self, item: Item) -> bool:
        return self._options.leaves_out(item)

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        fetch = self._photo if item.media is Media.PHOTO else self._video
        with closing(fetch(item, need)) as source:
            yield source

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        return self._reader.read(items)

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        return catalogued(items, self._read_films)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits, one by one."""
        writer = self._dialect.writer(self._client)
        return Sender(self._reader, writer, self._dialect.product).send(edits)

    @property
    def _client(self) -> MediaBrowserClient:
        return self._connection.current

    def _connect(self) -> MediaBrowserClient:
        if self._session is None:
            key = self._options.api_key.get_secret_value()
            self._session = self._http.session(headers=self._dialect.headers(self.id, key))
        return connect(self._dialect, self._options, self._session, self._errors)

    def _views(self) -> list[ServerView]:
        client = self._client
        found = client.entries(self._dialect.views(client.user))
        return [view for entry in found if (view := _view(entry)) is not None]

    def _view(self, section: Section) -> ServerView:
        """Return the section's view: of one that is gone, a server may list all that it has."""
        for view in self._views():
            if view.id == section.id:
                return view
        raise self._errors.section_gone(section.title)

    def _entries(self, view: ServerView, since: datetime | None) -> Iterator[Entry]:
        query = {
            **_SORT,
            **PICTURES,
            **self._dialect.ungrouped,
            "UserId": self._client.user,
            "ParentId": view.id,
            "Recursive": "true",
            "IncludeItemTypes": ",".join(view.types),
            "Fields": ",".join(self._dialect.listed_fields),
        }
        if since is not None:
            query["MinDateLastSaved"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield from entries(
            partial(self._client.page, query),
            page_size=PAGE_SIZE,
            cut_short=partial(self._errors.listing_cut_short, view.title),
        )

    def _read(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for batch in batched(items, MAX_BATCH):
            found = self._read_entries([item.key for item in batch])
            for item in batch:
                entry = found.get(item.key)
                if entry is None:
                    yield NotRead(item.key, NOT_ON_SERVER)
                else:
                    yield shown(self._dialect, entry)

    def _read_entries(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        fields = (*self._dialect.read_fields, *self._dialect.listed_fields)
        return self._client.read(keys, tuple(dict.fromkeys(fields)))

    def _read_films(self, keys: Sequence[str]) -> Iterator[FilmEntry]:
        for entry in self._client.read(keys, self._dialect.film_fields).values():
            if film := film_entry(entry):
                yield film

    def _photo(self, item: Item, need: Need) -> Source:
        listed = self._listed.find(item.key)
        if listed is not None and listed.revision != item.revision:
            listed = None
        if self._options.path_map:
            # Another process may have listed it.
            listed = listed or listed_photo(self._entry(item))
            path = listed and self._options.local_file(listed.path, listed.size_bytes, EXTENSIONS)
            if path:
                return path
        shape = None if listed is None else listed.ratio
        return self._client.picture(
            self._dialect.picture(item.key, need.short_side_px, shape),
            ServerRequest(f"/Items/{item.key}/Download"),
        )

    def _video(self, item: Item, need: Need) -> Source:
        client, entry = self._client, self._entry(item)
        if need.poster:
            request = self._dialect.picture(item.key, need.short_side_px, ratio(entry))
            poster = client.small_picture(request)
            if poster is not None:
                return poster
        file = best_file(entry)
        assert file is not None
        path = self._options.local_file(file.path, file.size_bytes, VIDEO_EXTENSIONS)
        return path or client.video(self._dialect.stream(item.key, file))

    def _entry(self, item: Item) -> Entry:
        """Return the item in full, if it is still the one that was listed."""
        entry = self._read_entries([item.key]).get(item.key)
        if entry is None or not has_file(entry):
            raise ItemGone(NOT_ON_SERVER)
        if revision(entry) != item.revision:
            raise ItemGone(FILE_CHANGED)
        return entry


def _view(entry: Entry) -> ServerView | None:
    """Return the view; None for music, collections and all else that has no pictures of its own.

    A folder of mixed content has no collection type.
    """
    collection = text(entry, "CollectionType").lower()
    types = _VIEW_TYPES.get(collection, ())
    if not collection and text(entry, "Type") in _FOLDERS:
        types = _MIXED_TYPES
    key = text(entry, "Id")
    return ServerView(key, text(entry, "Name"), types) if types and key else None
