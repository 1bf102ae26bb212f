"""The Plex library: photos are listed page by page, seen through the transcoder, tagged in sets."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import Lock
from xml.etree.ElementTree import Element

from requests import Session

from tigertag.contracts import EditOutcome, Http, Need, NotRead, Source
from tigertag.libraries.plex import listing
from tigertag.libraries.plex.faults import GONE, Refused, Wording
from tigertag.libraries.plex.files import Files
from tigertag.libraries.plex.options import Options
from tigertag.libraries.plex.photos import Part, is_photo, of_revision, part, shown
from tigertag.libraries.plex.pictures import picture
from tigertag.libraries.plex.reading import batches, metadata
from tigertag.libraries.plex.sending import Sending
from tigertag.libraries.plex.server import Server, identity
from tigertag.model import Edit, Field, Item, Section, Shown
from tigertag.wording import did_you_mean

logger = logging.getLogger(__name__)

_PHOTO_TYPE = 13
_NOT_THERE = "The photo is no longer on the server."


class PlexLibrary:
    """Photos on a Plex Media Server. See `contracts.Library`."""

    field = Field.TAG

    def __init__(self, id: str, options: Options, http: Http) -> None:
        self.id = id
        self._options = options
        self._token = options.token.get_secret_value()
        self._http = http
        self._session: Session | None = None
        self._wording = Wording(id, options.url)
        self._files = Files(options.path_map)
        self._opening = Lock()
        self._opened: Server | None = None

    def open(self) -> None:
        with self._opening:
            if self._opened is None:
                self._session = self._session or self._http.session(
                    headers=identity(self.id, self._token)
                )
                self._opened = Server(self._options.url, self._session, self._wording, self._token)

    def sections(self) -> Sequence[Section]:
        root = self._server.query("/library/sections")
        found = [
            Section(self.id, one.get("key", ""), one.get("title", ""))
            for one in root.findall("Directory")
            if one.get("type") == "photo"
        ]
        wanted = self._options.sections
        named = dict.fromkeys(self._named(name, found) for name in wanted)
        return list(named) if wanted else found

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the photos, or those that the server added or changed since."""
        for entry in self._listed(section):
            found = self._item(section, entry)
            if found is not None and (since is None or _touched(entry) >= since.timestamp()):
                yield found

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        there = of_revision(item.revision)
        yield self._files.find(item, there, self._part) or picture(
            self._server, there.key, need.short_side_px
        )

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for some in batches(items):
            found = metadata(self._server, [item.key for item in some])
            for item in some:
                entry = found.get(item.key)
                yield shown(entry) if entry is not None else NotRead(item.key, _NOT_THERE)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make the edits, those of a section that change the same in one request."""
        return Sending(self._server, self.read_tags).run(edits)

    @property
    def _server(self) -> Server:
        if self._opened is None:
            self.open()
        assert self._opened is not None
        return self._opened

    def _named(self, name: str, found: Sequence[Section]) -> Section:
        for section in found:
            if name.casefold() in (section.id, section.title.casefold()):
                return section
        titles = [section.title for section in found]
        raise self._wording.no_section(name, did_you_mean(name, titles), ", ".join(titles))

    def _listed(self, section: Section) -> Iterator[Element]:
        path = f"/library/sections/{section.id}/all?type={_PHOTO_TYPE}&sort={listing.SORT}"
        try:
            yield from listing.entries(partial(self._server.page, path))
        except listing.CutShort as exc:
            raise self._wording.cut_listing(
                section.title, got=exc.got, promised=exc.promised
            ) from exc
        except Refused as exc:
            if exc.status == GONE:
                raise self._wording.section_gone(section.title) from exc
            raise

    def _item(self, section: Section, entry: Element) -> Item | None:
        """Return a photo that was listed; None for what is none, or has no file."""
        file = part(entry) if is_photo(entry) else None
        key = entry.get("ratingKey", "")
        if file is None:
            logger.debug("entry %s of section %s passed over: no photo's file", key, section.id)
            return None
        if file.size_bytes is not None and file.size_bytes < self._options.min_bytes:
            return None
        self._files.remember(key, file)
        return Item(
            self.id,
            section.id,
            key,
            file.revision,
            title=entry.get("title", ""),
            size_bytes=file.size_bytes,
            stamp=entry.get("updatedAt"),
        )

    def _part(self, key: str) -> Part | None:
        found = metadata(self._server, [key]).get(key)
        return None if found is None else part(found)


def _touched(entry: Element) -> float:
    """When the server added or last changed an item; it does not always tell."""
    times = [entry.get(name, "") for name in ("addedAt", "updatedAt")]
    return max((float(one) for one in times if one.isdecimal()), default=float("inf"))
