"""The Plex library: listed page by page, fetched as small as serves, tagged in sets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from xml.etree.ElementTree import Element

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
from tigertag.libraries.mediaserver.catalogue import FilmEntry, catalogued
from tigertag.libraries.mediaserver.client import CachedConnection, closing
from tigertag.libraries.mediaserver.errors import NOT_FOUND, NOT_ON_SERVER, RefusedByServer
from tigertag.libraries.mediaserver.listing import MAX_BATCH, RecentlyListed, entries
from tigertag.libraries.mediaserver.sending import Reader, Sender
from tigertag.libraries.plex.fetching import Fetcher
from tigertag.libraries.plex.items import (
    GROUP_TYPES,
    PHOTO,
    SECTION_TYPES,
    ItemType,
    PlexFile,
    film_entry,
    listed_item,
    main_file,
    touched_at_s,
    type_of,
)
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.server import PlexClient, PlexErrors, headers, section_path
from tigertag.libraries.plex.tags import PlexWriter, ShownByPlex, shown
from tigertag.model import Edit, Field, Item, Media, Section, Shown
from tigertag.sequences import batched

PAGE_SIZE = 400
_NOT_TAGGED = "Its key now belongs to something that TigerTag does not tag."


class PlexLibrary:
    """Photos, clips, films and shows on a Plex Media Server. See `contracts.Library`."""

    def __init__(self, id: str, options: Options, http: Http) -> None:
        self.id = id
        self.field = Field(options.field)
        self.genre_field = Field(options.genre_field) if options.genre_field else None
        self._options = options
        self._http = http
        self._session: Session | None = None
        self._errors = PlexErrors(id, options.url)
        self._section_types: dict[str, str] = {}
        self._listed = RecentlyListed[PlexFile]()
        self._reader = Reader(self._read)
        self._connection = CachedConnection(self._connect)

    @property
    def identity(self) -> str:
        return self._client.id

    @property
    def footage_values(self) -> Mapping[str, str]:
        return {"": "main", "trailer": "trailer"}

    @property
    def footage(self) -> str:
        return "trailer" if self._options.trailers else ""

    def open(self) -> None:
        self._connection.open()

    def sections(self) -> Sequence[Section]:
        return self._errors.chosen(self._options.sections, self._read_sections())

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield what is in a section, or what the server added since; then the groups of that."""
        notes = Notes()
        return NotedItems(self._items(section, since, notes), notes)

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        section_type = self._type_of(section)
        groups: dict[str, None] = {}
        for type in SECTION_TYPES[section_type]:
            for item in self._items_of_type(section, type, since, notes):
                groups |= dict.fromkeys(item.within)
                yield item
        roll_up = self._options.roll_up if section_type == "show" else "none"
        for type in GROUP_TYPES[roll_up]:
            if since is None:
                yield from self._items_of_type(section, type, None, notes)
            else:
                yield from self._groups(section, type, list(groups), notes)

    def leaves_out(self, item: Item) -> bool:
        if item.media is Media.GROUP:
            return self._options.roll_up == "none"
        return self._options.leaves_out(item)

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        fetcher = Fetcher(self._client, self._options, self._listed)
        with closing(fetcher.fetch(item, need)) as source:
            yield source

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        return self._reader.read(items)

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        return catalogued(items, self._read_films)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits, those of a section that change the same in one request."""
        return Sender(self._reader, PlexWriter(self._client), "Plex").send(edits)

    @property
    def _client(self) -> PlexClient:
        return self._connection.current

    def _connect(self) -> PlexClient:
        token = self._options.token.get_secret_value()
        self._session = self._session or self._http.session(headers=headers(self.id, token))
        return PlexClient(self._options.url, self._session, self._errors)

    def _read_sections(self) -> list[Section]:
        """Return the sections of photos, films and shows; what is in each is remembered."""
        directories = [
            directory
            for directory in self._client.root("/library/sections").findall("Directory")
            if directory.get("type") in SECTION_TYPES
        ]
        self._section_types = {each.get("key", ""): each.get("type", "") for each in directories}
        return [
            Section(self.id, directory.get("key", ""), directory.get("title", ""))
            for directory in directories
        ]

    def _type_of(self, section: Section) -> str:
        """Return what is in a section: photo, movie or show. Raises `LibraryError`."""
        if section.id not in self._section_types:
            self._read_sections()
        if section.id not in self._section_types:
            raise self._errors.section_gone(section.title)
        return self._section_types[section.id]

    def _items_of_type(
        self, section: Section, type: ItemType, since: datetime | None, notes: Notes
    ) -> Iterator[Item]:
        earliest_s = 0.0 if since is None else since.timestamp()
        for entry in self._entries(section, type, since):
            item = self._item(section, type, entry, notes)
            if item is not None and touched_at_s(entry) >= earliest_s:
                yield item

    def _groups(
        self, section: Section, type: ItemType, keys: list[str], notes: Notes
    ) -> Iterator[Item]:
        for batch in batched(keys, MAX_BATCH):
            for entry in self._client.metadata(batch).values():
                item = self._item(section, type, entry, notes)
                if item is not None:
                    yield item

    def _item(self, section: Section, type: ItemType, entry: Element, notes: Notes) -> Item | None:
        item = listed_item(
            self.id,
            section,
            entry,
            type=type,
            min_bytes=self._options.min_bytes_for(type),
            roll_up=self._options.roll_up,
            notes=notes,
        )
        if item is not None and type is PHOTO and self._options.path_map:
            self._listed.remember(item.key, main_file(entry))
        return item

    def _entries(
        self, section: Section, type: ItemType, since: datetime | None
    ) -> Iterator[Element]:
        path = section_path(section.id, type.number, since)
        try:
            yield from entries(
                partial(self._client.listing_page, path),
                page_size=PAGE_SIZE,
                cut_short=partial(self._errors.listing_cut_short, section.title),
            )
        except RefusedByServer as exc:
            if exc.status == NOT_FOUND:
                raise self._errors.section_gone(section.title) from exc
            raise

    def _read(self, items: Sequence[Item]) -> Iterator[ShownByPlex | NotRead]:
        for batch in batched(items, MAX_BATCH):
            read = self._client.metadata([item.key for item in batch])
            for item in batch:
                entry = read.get(item.key)
                if entry is None:
                    yield NotRead(item.key, NOT_ON_SERVER)
                elif type := type_of(entry):
                    yield shown(entry, type, wanted=self.field, genres=self.genre_field)
                else:
                    yield NotRead(item.key, _NOT_TAGGED)

    def _read_films(self, keys: Sequence[str]) -> Iterator[FilmEntry]:
        for entry in self._client.metadata(keys).values():
            if film := film_entry(entry):
                yield film
