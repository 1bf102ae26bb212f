"""A Plex library over a fake server, and its owner."""

from pathlib import Path
from typing import Any

from tests.plex import TOKEN, PlexServer
from tests.unit.libraries.plex.films import film
from tests.unit.libraries.server_place import OTHER, PHOTO, ServerPlace, refs
from tigertag.contracts import Host
from tigertag.libraries.plex import Options, PlexLibrary
from tigertag.model import Edit, Field

FILM = film()
OTHER_FILM = film((30, 200, 30))
_SECTIONS = {"clip": "photo", "photo": "photo", "movie": "movie", "episode": "show"}


class PlexPlace(ServerPlace):
    """The owner of a Plex server with one section, "Photos", of items of one type."""

    library: PlexLibrary
    secret = TOKEN
    listing_path = "/all"
    reading_path = "GET /library/metadata/"
    file_path = "/library/parts/"

    def __init__(self, plex: PlexServer, *, kind: str = "photo", **options: Any) -> None:
        super().__init__()
        self.plex = self.server = plex
        self.log = plex.log
        self.kind = kind
        self.field = Field.TAG if _SECTIONS[kind] == "photo" else Field.LABEL
        self.section = plex.add_section("Photos", kind=_SECTIONS[kind])
        self.parent: int | None = None
        if kind == "episode":
            self.show = plex.add_show(self.section, "The 100")
            self.parent = plex.add_season(self.show, 1)
        self.library = self.built(**options)
        self.keys: dict[str, int] = {}

    def built(self, **options: Any) -> PlexLibrary:
        given = {"url": self.plex.url, "token": self.plex.token, "min_bytes": 0} | options
        return PlexLibrary("box", Options.model_validate(given), Host(Path(), self.http))

    def become(self, id: str) -> None:
        self.plex.machine = id

    def ignore_ranges(self) -> None:
        self.plex.fail("whole", at=self.file_path)

    def add_photo(self, name: str, *, album: int | None = None, file: str = "") -> None:
        source, parent = PHOTO if self.kind == "photo" else FILM, album or self.parent
        self.keys[name] = self.plex.add(
            self.section, name, self.kind, source, parent=parent, file=file
        )

    def add_film(self, name: str) -> None:
        self.add_photo(name)

    def change_photo(self, name: str) -> None:
        self.plex.replace_photo(self.keys[name], OTHER if self.kind == "photo" else OTHER_FILM)

    def remove_photo(self, name: str) -> None:
        self.plex.remove_photo(self.keys[name])

    def tag(self, name: str, *words: str) -> None:
        self.plex.tag(self.keys[name], *words)

    def tags(self, name: str) -> list[str]:
        """What the server keeps."""
        return self.plex.tags(self.keys[name])

    def edit(
        self,
        name: str,
        *,
        adds: tuple[str, ...] = (),
        removes: tuple[str, ...] = (),
        locked: bool | None = None,
    ) -> Edit:
        locks = frozenset({self.field}) if locked else frozenset[Field]()
        return Edit(
            self.item(name),
            refs(adds, self.field),
            refs(removes, self.field),
            None if locked is None else locks,
        )
