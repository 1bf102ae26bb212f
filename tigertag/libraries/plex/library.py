"""The Plex library: listed page by page, seen as small as serves, tagged in sets."""

from collections.abc import Iterator, Sequence
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
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.plex import catalogue, kinds, listing
from tigertag.libraries.plex.entries import Entries, touched_at
from tigertag.libraries.plex.faults import Wording
from tigertag.libraries.plex.files import Files
from tigertag.libraries.plex.kinds import Kind, kind_of
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.parts import Part, main_part, of_revision
from tigertag.libraries.plex.pictures import picture
from tigertag.libraries.plex.reading import metadata
from tigertag.libraries.plex.sections import Sections
from tigertag.libraries.plex.sending import Sending
from tigertag.libraries.plex.server import Server, headers
from tigertag.libraries.plex.shown import Seen, seen
from tigertag.libraries.plex.videos import poster_of, video
from tigertag.model import Edit, Field, Item, Media, Section, Shown
from tigertag.net.ranged import Ranged
from tigertag.served.batches import batches
from tigertag.served.faults import GONE, Refused
from tigertag.served.listing import CutShort
from tigertag.served.way import Way

_NOT_THERE = "It is no longer on the server."
_NOT_TAGGED = "What has its key now is nothing that TigerTag tags."


class PlexLibrary:
    """Photos, clips, films and shows on a Plex Media Server. See `contracts.Library`."""

    def __init__(self, id: str, options: Options, http: Http) -> None:
        self.id = id
        self.field = Field(options.field)
        self.genre_field = Field(options.genre_field) if options.genre_field else None
        self._options = options
        self._token = options.token.get_secret_value()
        self._http = http
        self._session: Session | None = None
        self._wording = Wording(id, options.url)
        self._sections = Sections(id, options.sections, self._wording)
        self._files = Files(options.path_map)
        self._entries = Entries(id, options, self._files)
        self._way = Way(self._reached)

    @property
    def identity(self) -> str:
        return self._server.id

    @property
    def footage(self) -> str:
        return "trailer" if self._options.trailers else ""

    def open(self) -> None:
        self._way.open()

    def sections(self) -> Sequence[Section]:
        return self._sections.all(self._server)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield what is in a section, or what the server added since; then the groups of that."""
        notes = Notes()
        return NotedItems(self._all(section, since, notes), notes)

    def _all(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        held = self._sections.type_of(self._server, section)
        within: dict[str, None] = {}
        for kind in kinds.listed(held):
            for item in self._items(section, kind, since, notes):
                within |= dict.fromkeys(item.within)
                yield item
        for kind in kinds.groups(held, self._options.roll_up):
            yield from self._groups(section, kind, None if since is None else list(within))

    def leaves_out(self, item: Item) -> bool:
        if item.media is Media.GROUP:
            return self._options.roll_up == "none"
        return self._options.leaves_out(item)

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        source = self._source(item, need)
        try:
            yield source
        finally:
            if isinstance(source, Ranged):
                source.close()

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for one in self._read(items):
            yield one.shown if isinstance(one, Seen) else one

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        return catalogue.catalogued(self._server, items)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits, those of a section that change the same in one request."""
        return Sending(self._server, self._read).run(edits)

    @property
    def _server(self) -> Server:
        return self._way.now

    def _reached(self) -> Server:
        self._session = self._session or self._http.session(headers=headers(self.id, self._token))
        return Server(self._options.url, self._session, self._wording, self._token)

    def _items(
        self, section: Section, kind: Kind, since: datetime | None, notes: Notes | None = None
    ) -> Iterator[Item]:
        least = 0.0 if since is None else since.timestamp()
        for entry in self._listed(section, kind, since):
            item = self._entries.item(section, kind, entry, notes)
            if item is not None and touched_at(entry) >= least:
                yield item

    def _groups(self, section: Section, kind: Kind, keys: list[str] | None) -> Iterator[Item]:
        """Yield the groups of a type: of these keys, or all of them."""
        if keys is None:
            yield from self._items(section, kind, None)
            return
        for some in batches(keys):
            for entry in metadata(self._server, some).values():
                item = self._entries.item(section, kind, entry)
                if item is not None:
                    yield item

    def _listed(self, section: Section, kind: Kind, since: datetime | None) -> Iterator[Element]:
        path = listing.path(section.id, kind.number, since)
        try:
            yield from listing.entries(partial(self._server.page, path))
        except CutShort as exc:
            raise self._wording.cut_listing(
                section.title, got=exc.got, promised=exc.promised
            ) from exc
        except Refused as exc:
            if exc.status == GONE:
                raise self._wording.section_gone(section.title) from exc
            raise

    def _source(self, item: Item, need: Need) -> Source:
        if item.media is Media.GROUP:
            poster = poster_of(self._server, item.key, need.short_side_px) if need.poster else None
            if poster is None:
                if item.key not in metadata(self._server, [item.key]):
                    raise ItemGone("It is no longer on the server.")
                raise Unreadable("It has no footage of its own; its tags come from what is in it.")
            return poster
        if item.media is Media.VIDEO:
            return video(self._server, self._options, item, need)
        there = of_revision(item.revision)
        return self._files.find(item, there, self._part) or picture(
            self._server, there.key, need.short_side_px
        )

    def _part(self, key: str) -> Part | None:
        found = metadata(self._server, [key]).get(key)
        return None if found is None else main_part(found)

    def _read(self, items: Sequence[Item]) -> Iterator[Seen | NotRead]:
        for some in batches(items):
            found = metadata(self._server, [item.key for item in some])
            for item in some:
                entry = found.get(item.key)
                yield NotRead(item.key, _NOT_THERE) if entry is None else self._seen(entry)

    def _seen(self, entry: Element) -> Seen | NotRead:
        kind = kind_of(entry)
        if kind is None:
            return NotRead(entry.get("ratingKey", ""), _NOT_TAGGED)
        return seen(entry, kind, wanted=self.field, genres=self.genre_field)
