"""A Plex library over a fake server, and its owner."""

from typing import Any

from tests.plex import PlexServer
from tests.unit.libraries.library_contract import items
from tests.unit.libraries.plex.films import film
from tests.unit.media.pictures import encoded, halves
from tigertag.contracts import EditOutcome, NotRead
from tigertag.libraries.plex import Options, PlexLibrary
from tigertag.model import Edit, Field, Item, Shown, TagRef
from tigertag.net import Http, Patience

PHOTO = encoded(halves(), "JPEG")
OTHER = encoded(halves(80, 80), "JPEG")
HASTE = Patience(connect_s=2.0, read_s=2.0, attempts=3, first_wait_s=0.001, longest_wait_s=0.01)


FILM = film()
OTHER_FILM = film((30, 200, 30))
_SECTIONS = {"clip": "photo", "photo": "photo", "movie": "movie", "episode": "show"}


class PlexPlace:
    """The owner of a Plex server with one section, "Photos", of items of one type."""

    def __init__(self, plex: PlexServer, *, kind: str = "photo", **options: Any) -> None:
        self.plex = plex
        self.kind = kind
        self.field = Field.TAG if _SECTIONS[kind] == "photo" else Field.LABEL
        self.section = plex.add_section("Photos", kind=_SECTIONS[kind])
        self.parent: int | None = None
        if kind == "episode":
            self.show = plex.add_show(self.section, "The 100")
            self.parent = plex.add_season(self.show, 1)
        self.http = Http(HASTE)
        self.library = self.built(**options)
        self.keys: dict[str, int] = {}

    def built(self, **options: Any) -> PlexLibrary:
        given = {"url": self.plex.url, "token": self.plex.token, "min_bytes": 0} | options
        return PlexLibrary("box", Options.model_validate(given), self.http)

    def close(self) -> None:
        self.http.close()

    def add_photo(self, name: str, *, album: int | None = None, file: str = "") -> None:
        source, parent = PHOTO if self.kind == "photo" else FILM, album or self.parent
        self.keys[name] = self.plex.add(
            self.section, name, self.kind, source, parent=parent, file=file
        )

    def change_photo(self, name: str) -> None:
        self.plex.replace_photo(self.keys[name], OTHER if self.kind == "photo" else OTHER_FILM)

    def remove_photo(self, name: str) -> None:
        self.plex.remove_photo(self.keys[name])

    def tag(self, name: str, *words: str) -> None:
        self.plex.tag(self.keys[name], *words)

    def tags(self, name: str) -> list[str]:
        """What the server keeps."""
        return self.plex.tags(self.keys[name])

    def item(self, name: str) -> Item:
        return items(self)[name]

    def read(self, name: str) -> Shown | NotRead:
        (read,) = self.library.read_tags([self.item(name)])
        return read

    def shown(self, name: str) -> Shown:
        read = self.read(name)
        assert isinstance(read, Shown)
        return read

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

    def send(self, *edits: Edit) -> list[EditOutcome]:
        return list(self.library.send(edits))

    def asked(self, start: str) -> list[str]:
        """The requests that begin like this."""
        return [line for line in self.plex.log if line.startswith(start)]


def refs(words: tuple[str, ...], field: Field = Field.TAG) -> tuple[TagRef, ...]:
    return tuple(TagRef(field, word) for word in words)
