"""An Immich library over a fake server, and its owner."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.immich import KEY, ImmichServer
from tests.unit.libraries.immich.writers import EXTRACTION_S, PACE
from tests.unit.libraries.server_place import OTHER, PHOTO, ServerPlace
from tigertag.contracts import Host, PluginState
from tigertag.contracts.host import PluginStateInMemory
from tigertag.libraries import immich
from tigertag.libraries.immich import ImmichLibrary
from tigertag.model import Field, Item, Section

VERSIONS = ("3.1", "3.2")
_FIRST_TAKEN = 1_700_000_000.0


class Place(ServerPlace):
    """The owner of an Immich user's photos, which are uploads where nothing else is said."""

    library: ImmichLibrary
    server: ImmichServer
    field = Field.TAG
    secret = KEY
    listing_path = "/search/metadata"
    reading_path = "GET /api/assets/"
    file_path = "/thumbnail"
    section = None
    cut_short = "listed only 0 of the 10 assets of a page"

    def __init__(self, server: ImmichServer, **options: Any) -> None:
        super().__init__()
        self.server = server
        self.log = server.log
        server.extraction_s = EXTRACTION_S
        self.state: PluginState = PluginStateInMemory()
        self.keys: dict[str, str] = {}
        self.library = self.built(**options)

    def built(self, **options: Any) -> ImmichLibrary:
        given = {"url": self.server.url, "api_key": self.server.key} | options
        host = Host(Path(), self.http, self.state)
        return ImmichLibrary("box", immich.Options.model_validate(given), host, pace=PACE)

    def reopen(self, **options: Any) -> None:
        """Go on as another process with other options."""
        self.library = self.built(**options)
        self.library.open()

    def become(self, id: str) -> None:
        """Let the key be that of another server's user."""
        user, key = self.server.users[self.server.owner], self.server.keys[self.server.key]
        self.server.users[id] = replace(user, id=id)
        self.server.keys[self.server.key] = replace(key, owner=id)

    def ignore_ranges(self) -> None:
        self.server.ranges = False

    def add_photo(self, name: str, library: str | None = None, **fields: Any) -> None:
        """Add a photo that was taken a minute after the one before it."""
        fields = {"taken": _FIRST_TAKEN + 60.0 * len(self.keys)} | fields
        self.keys[name] = self.server.add_photo(library, name, PHOTO, **fields)

    def change_photo(self, name: str) -> None:
        self.server.replace_photo(self.keys[name], OTHER)

    def remove_photo(self, name: str) -> None:
        self.server.remove(self.keys[name])

    def tag(self, name: str, *words: str) -> None:
        self.server.untag(self.keys[name], *self.tags(name))
        self.server.settle()
        self.server.tag(self.keys[name], *words)
        self.server.settle()

    def tags(self, name: str) -> list[str]:
        """What the server keeps."""
        return self.server.tags(self.keys[name])

    def sections(self) -> dict[str, Section]:
        return {section.title: section for section in self.library.sections()}

    def listed(self, title: str = "Timeline") -> list[Item]:
        return list(self.library.items(self.sections()[title]))

    def titles(self, title: str = "Timeline") -> list[str]:
        return [item.title for item in self.listed(title)]
