"""An Emby or Jellyfin library over a fake server, and its owner."""

from pathlib import Path
from typing import Any

from tests.mediabrowser import KEY, MediaServer
from tests.unit.libraries.server_place import OTHER, PHOTO, ServerPlace, refs
from tigertag.contracts import EditOutcome, Host
from tigertag.libraries.mediabrowser import emby, jellyfin
from tigertag.libraries.mediabrowser.library import MediaBrowserLibrary
from tigertag.model import Edit, Field, Item, Section

VERSIONS = (("emby", "4.8"), ("jellyfin", "10.10"), ("jellyfin", "10.11"), ("jellyfin", "12"))
JELLYFINS = tuple(one for one in VERSIONS if one[0] == "jellyfin")
FILM: dict[str, Any] = {
    "Overview": "A film.",
    "Genres": ["Drama", "Comedy"],
    "Studios": [{"Name": "Ours", "Id": f"{7:032x}"}],
    "ProviderIds": {"Tmdb": "42"},
    "CommunityRating": 7.5,
    "ProductionYear": 1999,
    "PremiereDate": "1999-03-31T00:00:00.0000000Z",
    "OfficialRating": "PG-13",
    "LockedFields": ["Name"],
    "LockData": True,
    "ForcedSortName": "film 1",
    "ProductionLocations": ["Norway"],
    "Taglines": ["So it goes."],
    "People": [{"Name": "Ann", "Role": "Herself", "Type": "Actor"}],
}
"""What a film of Jellyfin's may hold that an edit can wipe."""


class Place(ServerPlace):
    """The owner of a server with one view of photos and home videos, "Photos"."""

    library: MediaBrowserLibrary
    field = Field.TAG
    secret = KEY
    listing_path = "/Items?"
    reading_path = "Ids="
    file_path = "/Download"

    def __init__(self, media: MediaServer, **options: Any) -> None:
        super().__init__()
        self.media = self.server = media
        self.log = media.log
        self.section = media.add_view("Photos", "homevideos")
        self.keys: dict[str, str] = {}
        self.library = self.built(**options)

    def built(self, **options: Any) -> MediaBrowserLibrary:
        given = {"url": self.media.url, "api_key": self.media.key} | options
        plugin: Any = emby if self.media.emby else jellyfin
        made: MediaBrowserLibrary = plugin.build(
            "box", plugin.Options.model_validate(given), Host(Path(), self.http)
        )
        return made

    def become(self, id: str) -> None:
        self.media.id = id

    def ignore_ranges(self) -> None:
        self.media.habits.ranges = False

    def add_photo(self, name: str, **told: Any) -> None:
        self.keys[name] = self.media.add_photo(self.section, name, PHOTO, **told)

    def add_film(self, name: str, view: str = "", **told: Any) -> None:
        """Add a film of 11 MB to a section of films."""
        view = view or self.media.add_view("Films", "movies")
        told.setdefault("versions", [(b"\0" * 11_000_000, 1920, 1080)])
        self.keys[name] = self.media.add(view, "Movie", name, **told)

    def change_photo(self, name: str) -> None:
        self.media.replace_photo(self.keys[name], OTHER)

    def remove_photo(self, name: str) -> None:
        self.media.remove(self.keys[name])

    def tag(self, name: str, *words: str) -> None:
        self.media.tag(self.keys[name], *words)

    def tags(self, name: str) -> list[str]:
        """What the server keeps."""
        return self.media.tags(self.keys[name])

    def values(self, name: str) -> dict[str, Any]:
        """The metadata that the server keeps."""
        return self.media.items[self.keys[name]].told

    def sections(self) -> dict[str, Section]:
        return {one.title: one for one in self.library.sections()}

    def listed(self, title: str = "Photos") -> list[Item]:
        return list(self.library.items(self.sections()[title]))

    def titles(self, title: str = "Photos") -> list[str]:
        return [item.title for item in self.listed(title)]

    def edit(self, name: str, *, adds: tuple[str, ...] = (), removes: tuple[str, ...] = ()) -> Edit:
        return Edit(self.item(name), refs(adds), refs(removes))


def words(outcome: EditOutcome) -> list[str]:
    assert outcome.after is not None, outcome.reason
    return [tag.name for tag in outcome.after.tags]
