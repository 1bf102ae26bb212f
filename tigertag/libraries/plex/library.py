"""The Plex library: listed page by page, fetched as small as serves, tagged in sets."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal
from xml.etree.ElementTree import Element

from pydantic import SecretStr, field_validator

from tigertag.contracts import Host, Need, Notes, NotRead, Source
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import (
    FILE_CHANGED,
    NOT_ON_SERVER,
    RefusedByServer,
    not_found_as,
)
from tigertag.libraries.mediaserver.files import ListedFile
from tigertag.libraries.mediaserver.library import FilmEntry, MediaServerLibrary
from tigertag.libraries.mediaserver.listing import MAX_BATCH, entries
from tigertag.libraries.mediaserver.options import MappedFolder, ServerOptions
from tigertag.libraries.plex import items
from tigertag.libraries.plex.items import ItemType, PlexFile, PlexVersion, RollUp
from tigertag.libraries.plex.listed_files import listed_file
from tigertag.libraries.plex.server import PlexClient, PlexErrors, headers, section_path
from tigertag.libraries.plex.tags import PlexWriter, ShownByPlex, shown
from tigertag.media.files import VIDEO_EXTENSIONS
from tigertag.model import Field, Item, Media, Section
from tigertag.sequences import batched

logger = logging.getLogger(__name__)

PAGE_SIZE = 400
_SENDABLE = re.compile(r"[!-~]+")
_ON_THIS_SERVER = "/library/parts/"


class Options(ServerOptions):
    """The options of a Plex library, besides those of `ServerOptions`.

    `field`: where tags go on films and shows; `genre_field`: where genres go, None: there, too.
    `footage`: what is looked at of a film. `roll_up`: how far tags of episodes go up.
    """

    example: ClassVar[str] = "http://plex:32400"

    token: SecretStr
    field: Literal["label", "genre", "collection"] = "label"
    genre_field: Literal["label", "genre", "collection"] | None = None
    footage: Literal["main", "trailer"] = "main"
    roll_up: RollUp = "none"

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        if not _SENDABLE.fullmatch(token.get_secret_value()):
            raise ValueError("it is no token of Plex")
        return token

    def min_bytes_for(self, type: ItemType) -> int:
        return self.min_bytes_of(film=type in (items.FILM, items.EPISODE))


class PlexLibrary(MediaServerLibrary[PlexClient, Element]):
    """Photos, clips, films and shows on a Plex Media Server. See `contracts.Library`."""

    _options: Options
    _errors: PlexErrors

    def __init__(self, id: str, options: Options, host: Host) -> None:
        super().__init__(id, options, host, PlexErrors(id, options.url))
        self.field = Field(options.field)
        self.genre_field = Field(options.genre_field) if options.genre_field else None
        self.footage = "trailer" if options.footage == "trailer" else ""
        self._section_types: dict[str, str] = {}
        self._section_folders: dict[str, tuple[MappedFolder, ...]] = {}

    @property
    def footage_values(self) -> Mapping[str, str]:
        return {"": "main", "trailer": "trailer"}

    def sections_at(self, path: str) -> Sequence[str]:
        return [
            section
            for section, folders in self._section_folders.items()
            if any(folder.relative(f"{path}/") is not None for folder in folders)
        ]

    def leaves_out(self, item: Item) -> bool:
        if item.media is Media.GROUP:
            return self._options.roll_up == "none"
        return super().leaves_out(item)

    def _headers(self) -> Mapping[str, str]:
        return headers(self.id, self._options.token.get_secret_value())

    def _connect(self) -> PlexClient:
        return PlexClient(self._options.url, self._session, self._errors)

    def _sections(self) -> Sequence[Section]:
        """Return the sections of photos, films and shows; what is in each is remembered."""
        directories = [
            directory
            for directory in self._client.root("/library/sections").findall("Directory")
            if directory.get("type") in items.SECTION_TYPES
        ]
        self._section_types = {each.get("key", ""): each.get("type", "") for each in directories}
        self._section_folders = {
            each.get("key", ""): tuple(map(_folder, each.iterfind("Location[@path]")))
            for each in directories
        }
        return [
            Section(self.id, directory.get("key", ""), directory.get("title", ""))
            for directory in directories
        ]

    def _type_of(self, section: Section) -> str:
        """Return what is in a section: photo, movie or show. Raises `LibraryError`."""
        if section.id not in self._section_types:
            self._sections()
        if section.id not in self._section_types:
            raise self._errors.section_gone(section.title)
        return self._section_types[section.id]

    def _items(self, section: Section, since: datetime | None, notes: Notes) -> Iterator[Item]:
        """Yield what is in a section, or what the server added since; then the groups of that."""
        section_type = self._type_of(section)
        groups: dict[str, None] = {}
        for type in items.SECTION_TYPES[section_type]:
            for item in self._items_of_type(section, type, since, notes):
                groups |= dict.fromkeys(item.within)
                yield item
        roll_up = self._options.roll_up if section_type == "show" else "none"
        for type in items.GROUP_TYPES[roll_up]:
            if since is None:
                yield from self._items_of_type(section, type, None, notes)
            else:
                yield from self._groups(section, type, list(groups), notes)

    def _items_of_type(
        self, section: Section, type: ItemType, since: datetime | None, notes: Notes
    ) -> Iterator[Item]:
        earliest_s = 0.0 if since is None else since.timestamp()
        listing = entries(
            partial(self._client.listing_page, section_path(section.id, type.number, since)),
            page_size=PAGE_SIZE,
            cut_short=partial(self._errors.listing_cut_short, section.title),
        )
        with not_found_as(self._errors.section_gone(section.title)):
            for entry in listing:
                item = self._item(section, type, entry, notes)
                if item is not None and items.touched_at_s(entry) >= earliest_s:
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
        item = items.listed_item(
            section,
            entry,
            type=type,
            min_bytes=self._options.min_bytes_for(type),
            roll_up=self._options.roll_up,
            notes=notes,
        )
        if item is not None and type.media is not Media.GROUP:
            listed = listed_file(entry)
            useful = listed is not None and (self._options.path_map or listed.says_more)
            self._listed.remember(item.key, listed if useful else None)
        return item

    def _full(self, keys: Sequence[str]) -> Mapping[str, Element]:
        return self._client.metadata(keys)

    def _shown(self, entry: Element) -> ShownByPlex | NotRead:
        type = items.type_of(entry)
        if type is None:
            reason = "Its key now belongs to something that TigerTag does not tag."
            return NotRead(entry.get("ratingKey", ""), reason)
        return shown(entry, type, wanted=self.field, genres=self.genre_field)

    def _films(self, keys: Sequence[str]) -> Iterator[FilmEntry]:
        return filter(None, map(items.film_entry, self._client.metadata(keys).values()))

    def _writer(self) -> PlexWriter:
        return PlexWriter(self._client)

    def _original(self, item: Item, listed: ListedFile | None) -> tuple[ServerRequest, str]:
        """The key of the part is in the revision, and ends as the file's name does."""
        key = PlexFile.of_revision(item.revision).key
        return ServerRequest(key), key

    def _fetch(self, item: Item, need: Need) -> Source:
        match item.media:
            case Media.PHOTO:
                return self._photo(item, need)
            case Media.VIDEO:
                return self._video(item, need)
            case Media.GROUP:
                return self._group(item, need)

    def _photo(self, item: Item, need: Need) -> Source:
        listed = PlexFile.of_revision(item.revision)
        return self._local_photo(item) or self._client.picture(
            _scaled(listed.key, need.short_side_px), ServerRequest(listed.key, {"download": "1"})
        )

    def _local_photo(self, item: Item) -> Path | None:
        """Return a photo's file on this machine; None where no mapped folder has it."""
        if not self._options.path_map:
            return None
        listed = self._remembered(item)
        if listed is None:
            # Another process may have listed it.
            entry = self._entry(item)
            listed = None if entry is None else listed_file(entry)
        if listed is None or listed.revision != item.revision:
            return None
        return self._local_path(item, listed)

    def _video(self, item: Item, need: Need) -> Source:
        """Return a video's best version, or the poster if that will do."""
        entry = self._entry(item)
        type = None if entry is None else items.type_of(entry)
        if entry is None or type is None:
            raise ItemGone(NOT_ON_SERVER)
        if items.revision(entry, type) != item.revision:
            raise ItemGone(FILE_CHANGED)
        if need.poster and (poster := self._poster(entry, need)):
            return poster
        trailer = self._trailer(item.key) if self.footage and type is items.FILM else []
        version = items.best(trailer) or items.best(items.versions(entry))
        if version is None:
            raise Unreadable("It has no file on the server.")
        file = version.file
        path = self._options.local_file(file.path, file.size_bytes, VIDEO_EXTENSIONS)
        return path or self._client.video(ServerRequest(file.key))

    def _trailer(self, key: str) -> list[PlexVersion]:
        """Return the versions of a film's first trailer that is a file of this server."""
        try:
            extras = self._client.root(f"/library/metadata/{key}/extras")
        except RefusedByServer as exc:
            logger.debug("no extras of %s: %s", key, exc)
            return []
        for extra in extras.iterfind("*[@subtype='trailer']"):
            own = [
                each for each in items.versions(extra) if each.file.key.startswith(_ON_THIS_SERVER)
            ]
            if own:
                return own
        return []

    def _group(self, item: Item, need: Need) -> bytes:
        entry = self._entry(item)
        if entry is None:
            raise ItemGone(NOT_ON_SERVER)
        poster = self._poster(entry, need) if need.poster else None
        if poster is None:
            raise Unreadable("It has no video of its own; its tags come from what it contains.")
        return poster

    def _entry(self, item: Item) -> Element | None:
        return self._client.metadata([item.key]).get(item.key)

    def _poster(self, entry: Element, need: Need) -> bytes | None:
        key = entry.get("thumb", "")
        if not key.startswith("/"):
            return None
        return self._client.small_picture(_scaled(key, need.short_side_px))


def _folder(location: Element) -> MappedFolder:
    """A folder of a section, as the server names it."""
    return MappedFolder(location.get("path", "").replace("\\", "/").rstrip("/"), "")


def _scaled(key: str, short_side_px: int) -> ServerRequest:
    """Ask for a JPEG, upright, not enlarged, both sides at least as long as is needed."""
    side = str(short_side_px)
    query = {"url": key, "width": side, "height": side, "minSize": "1", "upscale": "0"}
    return ServerRequest("/photo/:/transcode", {**query, "format": "jpeg"})
