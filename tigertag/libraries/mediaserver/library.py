"""What a library does alike on any media server; films and episodes with their genres."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from requests import Session

from tigertag.contracts import (
    Catalogued,
    EditOutcome,
    Host,
    Need,
    NotedItems,
    Notes,
    NotRead,
    Source,
)
from tigertag.libraries.mediaserver.client import (
    CachedConnection,
    ServerClient,
    ServerRequest,
)
from tigertag.libraries.mediaserver.errors import NOT_ON_SERVER, ServerErrors
from tigertag.libraries.mediaserver.files import ListedFile, filled, read_metadata
from tigertag.libraries.mediaserver.listing import MAX_BATCH, Recent
from tigertag.libraries.mediaserver.options import ServerOptions
from tigertag.libraries.mediaserver.sending import Reader, Sender, Writer
from tigertag.media import metadata
from tigertag.media.files import EXTENSIONS, VIDEO_EXTENSIONS
from tigertag.model import Edit, Item, Media, Metadata, Section, Shown
from tigertag.net.ranges import RangeReader
from tigertag.sequences import batched

FilmKind = Literal["movie", "show", "episode"]

Client = TypeVar("Client", bound=ServerClient)
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class FilmEntry:
    """A film, a show or an episode, as its server describes it.

    `ids`: its numbers by database, "imdb", "tmdb" or "tvdb"; `guid`: a name that is the same on all
    servers of that kind. `show`: the key of an episode's show.
    """

    key: str
    kind: FilmKind
    title: str
    genres: tuple[str, ...]
    year: int | None
    ids: Mapping[str, str] = field(default_factory=dict)
    guid: str = ""
    show: str = ""

    def film(self, library: str) -> str:
        """Return an id of a film or a show that is the same on every server.

        IMDb numbers films and shows in one series, the others have one for each.
        """
        if self.ids.get("imdb"):
            return f"imdb:{self.ids['imdb']}"
        for database in ("tmdb", "tvdb"):
            if self.ids.get(database):
                return f"{database}:{self.kind}:{self.ids[database]}"
        return self.guid or f"{library}:{self.key}"


class MediaServerLibrary(ABC, Generic[Client, Entry]):
    """See `contracts.Library`. A subclass knows how its server is listed, read and written.

    `Entry` is what the server describes an item with.
    """

    footage = ""

    def __init__(self, id: str, options: ServerOptions, host: Host, errors: ServerErrors) -> None:
        self.id = id
        self._options = options
        self._http = host.http
        self._errors = errors
        self._reader = Reader(self._read)
        self._listed = Recent[ListedFile]()
        self._connection = CachedConnection(self._connect)

    @property
    def identity(self) -> str:
        return self._client.id

    def open(self) -> None:
        self._connection.open()

    def sections(self) -> Sequence[Section]:
        return self._errors.chosen(self._options.sections, self._sections())

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the items, or those that the server added or changed since."""
        notes = Notes()
        return NotedItems(self._items(section, since, notes), notes)

    def leaves_out(self, item: Item) -> bool:
        return self._options.leaves_out(item)

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        """See `contracts.Library`; nothing is asked for where no pixels are needed.

        What is given then is the file, where the listing has shown that it is on this machine.
        """
        source = self._fetch(item, need) if need.short_side_px else self._listed_path(item) or b""
        try:
            yield source
        finally:
            if isinstance(source, RangeReader):
                source.close()

    def metadata(self, item: Item) -> Metadata:
        """See `contracts.KnowingMetadata`: by one request for a part of the item's own file.

        Nothing is requested where the listing has shown that the file is on this machine.
        Where it is silent, this process's last listing may speak: `ListedFile.metadata`.
        """
        if item.media is Media.GROUP:
            return Metadata()
        listed = self._remembered(item)
        if listed is not None and (path := self._local_path(item, listed)):
            return filled(metadata.read(path, item.media), listed.metadata)
        request, name = self._original(item, listed)
        return read_metadata(self._client, request, item, name, listed)

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        return self._reader.read(items)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        return Sender(self._reader, self._writer(), self._errors.product).send(edits)

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        """See `contracts.Cataloguing`; an episode has the genres of its show, read once."""
        shows: dict[str, FilmEntry | None] = {"": None}
        for batch in batched([item for item in items if item.media is Media.VIDEO], MAX_BATCH):
            entries = {entry.key: entry for entry in self._films([item.key for item in batch])}
            new = sorted({entry.show for entry in entries.values()} - shows.keys())
            shows |= dict.fromkeys(new)
            shows |= {entry.key: entry for entry in self._films(new) if entry.kind == "show"}
            for item in batch:
                entry = entries.get(item.key)
                if entry is None or entry.kind == "show":
                    continue
                film = entry if entry.kind == "movie" else shows[entry.show]
                if film is not None:
                    holder = film if film.genres else entry
                    name, year = film.film(item.library), film.year
                    yield Catalogued(item.key, name, film.title, holder.genres, holder.key, year)

    @property
    def _client(self) -> Client:
        return self._connection.current

    @cached_property
    def _session(self) -> Session:
        return self._http.session(headers=self._headers())

    def _remembered(self, item: Item) -> ListedFile | None:
        """Return what this process's last listing said; None where it did not list the item."""
        listed = self._listed.find(item.key)
        return listed if listed is not None and listed.revision == item.revision else None

    def _listed_path(self, item: Item) -> Path | None:
        listed = self._remembered(item)
        return None if listed is None else self._local_path(item, listed)

    def _local_path(self, item: Item, file: ListedFile) -> Path | None:
        """Return the file on this machine; None where no mapped folder has it."""
        extensions = VIDEO_EXTENSIONS if item.media is Media.VIDEO else EXTENSIONS
        return self._options.local_file(file.path, file.size_bytes, extensions)

    def _read(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for batch in batched(items, MAX_BATCH):
            entries = self._full([item.key for item in batch])
            for item in batch:
                entry = entries.get(item.key)
                yield NotRead(item.key, NOT_ON_SERVER) if entry is None else self._shown(entry)

    @abstractmethod
    def _headers(self) -> Mapping[str, str]:
        """Return what each request carries: the credential, and the name of this program."""

    @abstractmethod
    def _connect(self) -> Client: ...

    @abstractmethod
    def _sections(self) -> Sequence[Section]: ...

    @abstractmethod
    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]: ...

    @abstractmethod
    def _fetch(self, item: Item, need: Need) -> Source: ...

    @abstractmethod
    def _original(self, item: Item, listed: ListedFile | None) -> tuple[ServerRequest, str]:
        """Return what gives the item's own file as it is, and the file's name; "": not known."""

    @abstractmethod
    def _full(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Read items in full, by key; one that is not there is left out."""

    @abstractmethod
    def _shown(self, entry: Entry) -> Shown | NotRead: ...

    @abstractmethod
    def _films(self, keys: Sequence[str]) -> Iterable[FilmEntry]: ...

    @abstractmethod
    def _writer(self) -> Writer[Any, Any]: ...
