"""The sections of a library on Immich: the timeline, each external library, and chosen albums."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from tigertag.contracts import PluginState
from tigertag.libraries.immich import external, listing
from tigertag.libraries.immich.assets import ARCHIVE, TIMELINE, is_own, is_shown
from tigertag.libraries.immich.options import ImmichOptions
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.model import Section
from tigertag.text import did_you_mean

_TIMELINE, _LIBRARY, _ALBUM = "timeline", "library-", "album-"


class ImmichSections:
    """An asset is an item of one section: of the first album that it is in, or else by its file.

    Only the albums that the settings name are sections. Raises `LibraryError`.
    """

    def __init__(self, library: str, options: ImmichOptions, state: PluginState) -> None:
        self._library = library
        self._options = options
        self._external = external.ExternalLibraries(state)

    def all(self, client: ImmichClient) -> list[Section]:
        titles = self._external.titles(client)
        libraries = [self._section(_LIBRARY + id, title) for id, title in titles.items()]
        return [self._section(_TIMELINE, "Timeline"), *libraries, *self._albums(client)]

    def assets(
        self, client: ImmichClient, section: Section, since: datetime | None, *, people: bool
    ) -> Iterator[Entry]:
        """Yield what is in a section, also what is not processed yet.

        `since`: what was added or changed since; all of an album, which an older photo may have
        been put into.
        """
        albums = self._albums(client)
        search = self._search(client, section, albums)
        elsewhere = self._in_albums(client, section, albums)
        if since is not None and not section.id.startswith(_ALBUM):
            search = {**search, "updatedAfter": listing.timestamp(since.astimezone(UTC))}
        for entry in self._own(client, {**search, "withExif": True, "withPeople": people}):
            if text(entry, "id") not in elsewhere and _is_in(section, entry):
                yield entry

    def _section(self, id: str, title: str) -> Section:
        return Section(self._library, id, title)

    def _albums(self, client: ImmichClient) -> list[Section]:
        """Return the albums that the settings name, in their order."""
        if not self._options.albums:
            return []
        albums = client.entries(ServerRequest("/albums"))
        named: dict[Section, None] = {}
        for name in self._options.albums:
            for album in albums:
                id, title = text(album, "id"), text(album, "albumName")
                if name.casefold() in (id.casefold(), title.casefold()):
                    named[self._section(_ALBUM + id, title)] = None
                    break
            else:
                hint = did_you_mean(name, [text(album, "albumName") for album in albums])
                raise client.errors.no_album(name, hint)
        return list(named)

    def _own(self, client: ImmichClient, search: listing.Search) -> Iterator[Entry]:
        """Yield the user's own assets, but for those that are hidden, locked or thrown away."""
        archived = self._options.include_archived
        visibilities = (TIMELINE, ARCHIVE) if archived else (TIMELINE,)
        for entry in listing.assets(client, search, visibilities):
            if is_own(entry, client.id) and is_shown(entry, archived=archived):
                yield entry

    def _search(
        self, client: ImmichClient, section: Section, albums: Collection[Section]
    ) -> listing.Search:
        """Return what finds a section's assets. Raises `LibraryError` where it is gone.

        No search finds uploads alone: `libraryId` null is no filter.
        """
        if section.id.startswith(_ALBUM):
            if section.id not in {album.id for album in albums}:
                raise client.errors.section_gone(section.title)
            return {"albumIds": [section.id.removeprefix(_ALBUM)]}
        if section.id.startswith(_LIBRARY):
            library = section.id.removeprefix(_LIBRARY)
            if not external.has_assets(client, library):
                raise client.errors.section_gone(section.title)
            return {"libraryId": library}
        return {}

    def _in_albums(
        self, client: ImmichClient, section: Section, albums: Collection[Section]
    ) -> Collection[str]:
        """Return the ids of what is in an album that comes before this section."""
        ids: set[str] = set()
        chosen = {name.casefold() for name in self._options.sections}
        for album in albums:
            if album.id == section.id:
                break
            if not chosen or not chosen.isdisjoint((album.id, album.title.casefold())):
                search = {"albumIds": [album.id.removeprefix(_ALBUM)]}
                ids |= {text(entry, "id") for entry in self._own(client, search)}
        return ids


def _is_in(section: Section, entry: Entry) -> bool:
    """Whether an asset is in this section, whatever the server makes of the search for it."""
    if section.id.startswith(_ALBUM):
        return True
    library = text(entry, "libraryId")
    return section.id == (_LIBRARY + library if library else _TIMELINE)
