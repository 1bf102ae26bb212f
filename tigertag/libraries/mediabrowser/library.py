"""The library: items are listed page by page, seen small or in parts, and tagged one by one."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from requests import Session

from tigertag.contracts import (
    Catalogued,
    EditOutcome,
    Http,
    LeftOutReason,
    Need,
    NotedItems,
    Notes,
    NotRead,
    Source,
)
from tigertag.libraries.mediabrowser import listing
from tigertag.libraries.mediabrowser.catalogue import Catalogue
from tigertag.libraries.mediabrowser.dialect import Dialect, Stop
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.fetching import Fetching
from tigertag.libraries.mediabrowser.known import Known
from tigertag.libraries.mediabrowser.listing import Pages
from tigertag.libraries.mediabrowser.metadata import shown
from tigertag.libraries.mediabrowser.opening import Opened, entries, opened
from tigertag.libraries.mediabrowser.options import Options
from tigertag.libraries.mediabrowser.reading import PICTURES, in_full, is_key
from tigertag.libraries.mediabrowser.sending import Sending
from tigertag.libraries.mediabrowser.server import Call, Entry
from tigertag.libraries.mediabrowser.sources import is_there, item, text
from tigertag.libraries.mediabrowser.views import View, view
from tigertag.libraries.mediaserver.batches import batches
from tigertag.libraries.mediaserver.listing import CutShort
from tigertag.libraries.mediaserver.sections import wanted
from tigertag.libraries.mediaserver.way import Way
from tigertag.model import Edit, Field, Item, Media, Section, Shown
from tigertag.net.ranges import RangeReader

logger = logging.getLogger(__name__)

_NOT_THERE = "It is no longer on the server."


class MediaBrowserLibrary:
    """Photos, films and episodes on Emby or Jellyfin. See `contracts.Library`."""

    field = Field.TAG
    footage = ""

    def __init__(self, id: str, options: Options, http: Http, dialect: Dialect) -> None:
        self.id = id
        self._options = options
        self._http = http
        self._dialect = dialect
        self._wording = Wording(id, options.url, dialect.product)
        self._known = Known()
        self._fetching = Fetching(dialect, options, self._wording, self._known)
        self._stop = Stop()
        self._session: Session | None = None
        self._way = Way(self._reached)

    @property
    def identity(self) -> str:
        return self._now.id

    def open(self) -> None:
        self._way.open()

    def sections(self) -> Sequence[Section]:
        found = [Section(self.id, one.id, one.title) for one in self._views()]
        return wanted(self._options.sections, found, self._wording)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the items, or those that the server added or changed since."""
        notes = Notes()
        return NotedItems(self._items(section, since, notes), notes)

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        for entry in self._listed(self._view(section), since):
            found = self._item(section, entry, notes)
            if found is not None:
                yield found

    def leaves_out(self, item: Item) -> bool:
        return self._options.leaves_out(item)

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        source = self._fetching.fetch(self._now, item, need)
        try:
            yield source
        finally:
            if isinstance(source, RangeReader):
                source.close()

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for some in batches(items):
            keys = [one.key for one in some]
            found = in_full(self._now, self._dialect, self._wording, keys)
            for one in some:
                entry = found.get(one.key)
                if entry is None:
                    yield NotRead(one.key, _NOT_THERE)
                else:
                    yield shown(self._dialect, entry)

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        return Catalogue(self._now, self._dialect, self._wording, self.id).of(items)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits, one by one."""
        now = self._now
        writer = self._dialect.writer(
            now.server, now.user, self._wording, stop=self._stop, version=now.version
        )
        return Sending(writer, self.read_tags, self._dialect).run(edits)

    @property
    def _now(self) -> Opened:
        return self._way.now

    def _reached(self) -> Opened:
        if self._session is None:
            key = self._options.api_key.get_secret_value()
            self._session = self._http.session(headers=self._dialect.headers(self.id, key))
        return opened(self._dialect, self._options, self._session, self._wording)

    def _views(self) -> list[View]:
        answer = self._now.server.get(self._dialect.views(self._now.user))
        found = [view(one) for one in entries(answer, self._wording)]
        return [one for one in found if one is not None]

    def _view(self, section: Section) -> View:
        """Return the section's view: of one that is gone, a server may list all that it has."""
        for one in self._views():
            if one.id == section.id:
                return one
        raise self._wording.section_gone(section.title)

    def _listed(self, view: View, since: datetime | None) -> Iterator[Entry]:
        query = {
            **listing.SORT,
            **PICTURES,
            **self._dialect.whole,
            "UserId": self._now.user,
            "ParentId": view.id,
            "Recursive": "true",
            "IncludeItemTypes": ",".join(view.types),
            "Fields": ",".join(self._dialect.listed_fields),
        }
        if since is not None:
            query["MinDateLastSaved"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            yield from listing.entries(Pages(self._now, Call("/Items", query), self._wording))
        except CutShort as exc:
            raise self._wording.cut_listing(view.title, got=exc.got, promised=exc.promised) from exc

    def _item(self, section: Section, entry: Entry, notes: Notes) -> Item | None:
        """Return an item that was listed; None for what has no file, or too small a one."""
        key = text(entry, "Id")
        if not is_key(key) or not is_there(entry):
            logger.debug("item %s of section %s passed over: no file", key, section.id)
            notes.leave_out(LeftOutReason.NO_FILE, text(entry, "Name"))
            return None
        found = item(entry, self.id, section.id)
        least = self._options.least_bytes(text(entry, "Type"))
        if found.size_bytes is not None and found.size_bytes < least:
            notes.leave_out(LeftOutReason.TOO_SMALL, found.title)
            return None
        if found.media is Media.PHOTO:
            self._known.remember(key, entry)
        return found
