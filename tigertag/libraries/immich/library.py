"""The photos and videos of one user of Immich."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

from requests import Session

from tigertag.contracts import EditOutcome, Host, LeftOutReason, Need, Notes, NotRead, Source
from tigertag.errors import ItemGone, LibraryError, Unreadable
from tigertag.libraries.immich import advice, assets
from tigertag.libraries.immich.errors import HungServer, ImmichErrors
from tigertag.libraries.immich.names import TagNames
from tigertag.libraries.immich.options import ImmichOptions
from tigertag.libraries.immich.sections import ImmichSections
from tigertag.libraries.immich.server import REPEATABLE, ImmichClient
from tigertag.libraries.immich.settling import Pace, Settling
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.immich.writing import ImmichSender
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import FILE_CHANGED, NOT_ON_SERVER
from tigertag.libraries.mediaserver.files import ListedFile, filled
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.libraries.mediaserver.library import FilmEntry, MediaServerLibrary
from tigertag.libraries.mediaserver.listing import MAX_BATCH
from tigertag.libraries.mediaserver.sending import Reader, Writer
from tigertag.media import metadata as file_metadata
from tigertag.model import Edit, Field, Item, Media, Metadata, Section, Shown
from tigertag.sequences import batched

_HUNG_FOR_S = 60.0

Options = ImmichOptions


class ImmichLibrary(MediaServerLibrary[ImmichClient, Entry]):
    """See `MediaServerLibrary`. Only what the key's own user owns is listed, read and written."""

    field = Field.TAG
    writing_note = (
        "Immich stores tags in files (.xmp) beside your originals, in external libraries as well."
    )

    _options: ImmichOptions
    _errors: ImmichErrors

    def __init__(
        self, id: str, options: ImmichOptions, host: Host, *, pace: Pace | None = None
    ) -> None:
        errors = ImmichErrors(id, options.url)
        super().__init__(id, options, host, errors)
        self._all_sections = ImmichSections(id, options, host.state)
        self._tags = TagIndex(lambda: self._client, TagNames(options.tag_parent), host.state)
        reader = cast(Reader[ShownByImmich], self._reader)
        self._settling = Settling(lambda: self._client, reader, pace or Pace())
        self._sender = ImmichSender(lambda: self._client, self._settling, self._tags, errors)
        self._hung_until_s = 0.0

    def metadata(self, item: Item) -> Metadata:
        """See `contracts.KnowingMetadata`: what Immich has read in the file."""
        if item.media is Media.GROUP:
            return Metadata()
        listed = self._remembered(item) or self._asked(item)
        if path := self._local_path(item, listed):
            return filled(file_metadata.read(path, item.media), listed.metadata)
        return listed.metadata

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        """See `contracts.Library`. What has just changed is read again until it no longer does."""
        for batch in batched(items, MAX_BATCH):
            yield from self._settling.read(batch).values()

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        return self._sender.send(edits)

    def settles(self, before: Shown, now: Shown) -> bool:
        """See `contracts.VerifyingLater`."""
        return self._settling.settles(before, now)

    def dropped(self, item: Item) -> LibraryError:
        """See `contracts.VerifyingLater`."""
        return self._sender.dropped(item)

    def advice(self) -> Sequence[str]:
        """See `contracts.Advising`; also where the key lacks what everything else needs."""
        return advice.asked(self._new_client(), albums=bool(self._options.albums))

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
        client = self._new_client()
        try:
            client.connect()
        except HungServer:
            self._hung_until_s = time.monotonic() + _HUNG_FOR_S
            raise self._errors.hung() from None
        return client

    def _new_client(self) -> ImmichClient:
        return ImmichClient(self._options.url, self._session, self._errors)

    def _sections(self) -> Sequence[Section]:
        return self._all_sections.all(self._client)

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        people = self._options.people
        for entry in self._all_sections.assets(self._client, section, since, people=people):
            if not assets.is_processed(entry):
                # It is listed by itself once it is; one that is known must not count as gone.
                notes.unread.append(text(entry, "id"))
                continue
            item = assets.listed_item(section, entry)
            if self._options.leaves_out(item):
                notes.leave_out(LeftOutReason.TOO_SMALL, item.title)
                continue
            yield item

    def _full(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        return self._client.assets(key for key in keys if assets.is_key(key))

    def _shown(self, entry: Entry) -> Shown | NotRead:
        key = text(entry, "id")
        is_own = assets.is_own(entry, self._client.id)
        if not is_own or not assets.is_shown(entry, archived=True):
            return NotRead(key, "It is in Immich's trash, hidden, offline, or another user's.")
        if not assets.is_processed(entry):
            return NotRead(key, "Immich has not read its file yet; scan again later.")
        # Of a listing's 20 000 assets most are unchanged, and nothing more is asked about them.
        self._listed.remember(key, self._file(entry))
        return self._tags.shown(entry)

    def _films(self, keys: Sequence[str]) -> Iterable[FilmEntry]:
        return ()

    def _fetch(self, item: Item, need: Need) -> Source:
        path = None
        if self._options.path_map:
            # Another process may have listed it.
            path = self._local_path(item, self._remembered(item) or self._asked(item))
        if item.media is Media.VIDEO:
            if need.poster:
                with suppress(Unreadable):
                    return self._client.preview(item.key)
            return path or self._client.video_file(item.key)
        return path or self._client.preview(item.key)

    def _original(self, item: Item, listed: ListedFile | None) -> tuple[ServerRequest, str]:
        raise AssertionError("metadata comes from Immich: a key need not give originals")

    def _writer(self) -> Writer[Any, Any]:
        raise AssertionError("edits go through `ImmichSender`")

    def _file(self, entry: Entry) -> ListedFile:
        return assets.listed_file(entry, people=self._options.people)

    def _asked(self, item: Item) -> ListedFile:
        """Return the file of an asset, which is asked for, if it is still as it was listed."""
        entry = self._client.assets([item.key]).get(item.key)
        if entry is None or not assets.is_shown(entry, archived=True):
            raise ItemGone(NOT_ON_SERVER)
        if assets.revision(entry) != item.revision:
            raise ItemGone(FILE_CHANGED)
        file = self._file(entry)
        self._listed.remember(item.key, file)
        return file
