"""The photos and videos of one user of Immich."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy

from requests import Session

from tigertag.contracts import Host, LeftOutReason, Need, Notes, NotRead, Source
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.immich import assets, external, listing
from tigertag.libraries.immich.options import ImmichOptions
from tigertag.libraries.immich.server import (
    REPEATABLE,
    Entry,
    HungServer,
    ImmichClient,
    ImmichErrors,
    moment,
    objects,
    text,
)
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import FILE_CHANGED, NOT_ON_SERVER
from tigertag.libraries.mediaserver.files import ListedFile, filled
from tigertag.libraries.mediaserver.library import FilmEntry, MediaServerLibrary
from tigertag.media import metadata as file_metadata
from tigertag.model import Field, Item, Media, Metadata, Section, Shown, TagRef
from tigertag.text import did_you_mean

SETTLED_AFTER_S = 1.0
"""How long after `updatedAt` an asset's tags are what they stay: Immich may read it again."""
_MOST_LOOKS = 5
_HUNG_FOR_S = 60.0
_TIMELINE, _LIBRARY, _ALBUM = "timeline", "library-", "album-"
_MOVING = "isMoving"

Options = ImmichOptions


class ImmichLibrary(MediaServerLibrary[ImmichClient, Entry]):
    """See `MediaServerLibrary`. Only what the key's own user owns is listed, read and written."""

    field = Field.TAG

    _options: ImmichOptions
    _errors: ImmichErrors

    def __init__(self, id: str, options: ImmichOptions, host: Host) -> None:
        super().__init__(id, options, host, ImmichErrors(id, options.url))
        self._external = external.ExternalLibraries(host.state)
        self._hung_until_s = 0.0

    def metadata(self, item: Item) -> Metadata:
        """See `contracts.KnowingMetadata`: what Immich has read, which its listing gives."""
        if item.media is Media.GROUP:
            return Metadata()
        listed = self._remembered(item) or self._file(self._entry(item))
        if path := self._local_path(item, listed):
            return filled(file_metadata.read(path, item.media), listed.metadata)
        return listed.metadata

    @cached_property
    def _session(self) -> Session:
        session = self._http.session(
            headers=self._headers(), repeatable=REPEATABLE, repeats_timeouts=False
        )
        # Immich looks at a session's cookie before the key, and takes it though the key is wrong.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        # Otherwise `requests` would send a password of ~/.netrc, which Immich looks at, too.
        session.auth = lambda request: request
        return session

    def _headers(self) -> Mapping[str, str]:
        return {"x-api-key": self._options.api_key.get_secret_value()}

    def _connect(self) -> ImmichClient:
        """Ask whose key it is; a server that has just hung is not asked again for a while."""
        if time.monotonic() < self._hung_until_s:
            raise self._errors.hung()
        client = ImmichClient(self._options.url, self._session, self._errors)
        try:
            client.connect()
        except HungServer:
            self._hung_until_s = time.monotonic() + _HUNG_FOR_S
            raise
        return client

    def _sections(self) -> Sequence[Section]:
        titles = external.titles(self._external.folders(self._client))
        libraries = [Section(self.id, _LIBRARY + id, title) for id, title in titles.items()]
        return [Section(self.id, _TIMELINE, "Timeline"), *libraries, *self._albums()]

    def _albums(self) -> list[Section]:
        """Return the albums that the settings name, in their order."""
        if not self._options.albums:
            return []
        albums = self._client.entries(ServerRequest("/albums"))
        named: dict[Section, None] = {}
        for name in self._options.albums:
            for album in albums:
                id, title = text(album, "id"), text(album, "albumName")
                if name.casefold() in (id.casefold(), title.casefold()):
                    named[Section(self.id, _ALBUM + id, title)] = None
                    break
            else:
                hint = did_you_mean(name, [text(album, "albumName") for album in albums])
                raise self._errors.no_album(name, hint)
        return list(named)

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        elsewhere = self._in_other_albums(section)
        entries = self._assets(
            self._search(section), since, withExif=True, withPeople=self._options.people
        )
        for entry in entries:
            if text(entry, "id") in elsewhere or not _is_in(section, entry):
                continue
            if not assets.is_processed(entry):
                # It is listed by itself once it is; one that is known must not count as gone.
                notes.unread.append(text(entry, "id"))
                continue
            item = assets.listed_item(section, entry)
            if self._options.leaves_out(item):
                notes.leave_out(LeftOutReason.TOO_SMALL, item.title)
                continue
            self._listed.remember(item.key, self._file(entry))
            yield item

    def _assets(
        self, search: listing.Search, since: datetime | None = None, **details: bool
    ) -> Iterator[Entry]:
        """Yield the user's own assets, but for those that are hidden, locked or thrown away."""
        client, archived = self._client, self._options.include_archived
        if since is not None:
            search = {**search, "updatedAfter": listing.timestamp(since.astimezone(UTC))}
        visibilities = (assets.TIMELINE, *((assets.ARCHIVE,) if archived else ()))
        for entry in listing.assets(client, search, visibilities, **details):
            if assets.is_own(entry, client.id) and assets.is_shown(entry, archived=archived):
                yield entry

    def _search(self, section: Section) -> listing.Search:
        """Return what finds a section's assets. Raises `LibraryError` where it is gone.

        No search finds uploads alone: `libraryId` null is no filter.
        """
        if section.id.startswith(_ALBUM):
            if section not in self._albums():
                raise self._errors.section_gone(section.title)
            return {"albumIds": [section.id.removeprefix(_ALBUM)]}
        if section.id.startswith(_LIBRARY):
            search = {"libraryId": section.id.removeprefix(_LIBRARY)}
            if listing.first(self._client, {**search, "withDeleted": True}) is None:
                self._external.forget(self._client, search["libraryId"])
                raise self._errors.section_gone(section.title)
            return search
        return {}

    def _in_other_albums(self, section: Section) -> Collection[str]:
        """Return the ids of what is an item of another section: of the first album that it is in.

        An item has one section.
        """
        ids: set[str] = set()
        names = {name.casefold() for name in self._options.sections}
        for album in self._albums():
            if album.id == section.id:
                break
            if not names or not names.isdisjoint((album.id.casefold(), album.title.casefold())):
                search = {"albumIds": [album.id.removeprefix(_ALBUM)]}
                ids |= {text(entry, "id") for entry in self._assets(search)}
        return ids

    def _full(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Read assets; one that has just changed is read again until it no longer does."""
        client = self._client
        entries = client.assets(key for key in keys if assets.is_key(key))
        settled_at = client.server_now() - timedelta(seconds=SETTLED_AFTER_S)
        moving = [key for key in entries if _is_later(entries[key], settled_at)]
        for _look in range(_MOST_LOOKS):
            if not moving:
                break
            time.sleep(SETTLED_AFTER_S)
            before = {key: text(entries.pop(key), "updatedAt") for key in moving}
            entries |= client.assets(moving)
            moving = [
                key
                for key in moving
                if key in entries and text(entries[key], "updatedAt") != before[key]
            ]
        return entries | {key: {**entries[key], _MOVING: True} for key in moving}

    def _shown(self, entry: Entry) -> Shown | NotRead:
        key = text(entry, "id")
        is_own = assets.is_own(entry, self._client.id)
        if not is_own or not assets.is_shown(entry, archived=True):
            return NotRead(key, "It is in Immich's trash, hidden, offline, or another user's.")
        if not assets.is_processed(entry):
            return NotRead(key, "Immich has not read its file yet; scan again later.")
        if entry.get(_MOVING):
            return NotRead(key, "Immich keeps changing it; scan again later.")
        values = [text(tag, "value") for tag in objects(entry.get("tags"))]
        return Shown(
            key,
            tuple(TagRef(Field.TAG, value) for value in values),
            stamp=text(entry, "updatedAt") or None,
            revision=assets.revision(entry),
            paths=tuple(values),
        )

    def _films(self, keys: Sequence[str]) -> Iterable[FilmEntry]:
        return ()

    def _fetch(self, item: Item, need: Need) -> Source:
        path = None
        if self._options.path_map:
            # Another process may have listed it.
            path = self._local_path(item, self._remembered(item) or self._file(self._entry(item)))
        if item.media is Media.VIDEO:
            if need.poster:
                with suppress(Unreadable):
                    return self._client.preview(item.key)
            return path or self._client.video_file(item.key)
        return path or self._client.preview(item.key)

    def _file(self, entry: Entry) -> ListedFile:
        return assets.listed_file(entry, people=self._options.people)

    def _entry(self, item: Item) -> Entry:
        """Return the asset in full, if it is still the one that was listed."""
        entry = self._client.assets([item.key]).get(item.key)
        if entry is None or not assets.is_shown(entry, archived=True):
            raise ItemGone(NOT_ON_SERVER)
        if assets.revision(entry) != item.revision:
            raise ItemGone(FILE_CHANGED)
        return entry


def _is_in(section: Section, entry: Entry) -> bool:
    """Whether an asset is in this section, whatever the server makes of the search for it."""
    if section.id.startswith(_ALBUM):
        return True
    library = text(entry, "libraryId")
    return section.id == (_LIBRARY + library if library else _TIMELINE)


def _is_later(entry: Entry, than: datetime) -> bool:
    updated_at = moment(entry, "updatedAt")
    return updated_at is not None and updated_at > than
