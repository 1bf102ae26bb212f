"""What differs between the two servers, and what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import MediaFile

LISTED = ("Path", "MediaSources", "Etag", "Width", "Height", "PrimaryImageAspectRatio")
READ = (
    *("Tags", "Path", "MediaSources", "Etag", "Settings", "Genres", "Studios", "Overview"),
    *("OriginalTitle", "Taglines", "ProviderIds", "ProductionLocations", "CustomRating"),
    *("DateCreated", "People"),
)
"""What has to be asked for by name, besides what is always told."""
CATALOGUED = ("Genres", "ProviderIds")


@dataclass(frozen=True, slots=True)
class Change:
    """What is left to be done to an item's tags, in the server's spelling."""

    key: str
    title: str
    adds: tuple[str, ...]
    removes: tuple[str, ...]


class Writer(Protocol):
    """Changes the tags of items for one call of `contracts.Library.send`."""

    def write(self, change: Change) -> None:
        """Make a change.

        Raises `ItemError`: this item only; `Changed`, though its tags may be written. Raises
        `Refused`: the server refused it, though some of it may have been done. Raises
        `LibraryError`: no more can be made.
        """


class Dialect(Protocol):
    """How one of the two servers is spoken to."""

    @property
    def product(self) -> str: ...

    @property
    def users(self) -> Call: ...

    @property
    def listed_fields(self) -> Sequence[str]: ...

    @property
    def read_fields(self) -> Sequence[str]: ...

    @property
    def catalogued_fields(self) -> Sequence[str]: ...

    @property
    def whole(self) -> Mapping[str, str]:
        """The query that keeps a listing from hiding films behind the collections they are in."""
        ...

    def headers(self, library: str, key: str) -> dict[str, str]: ...

    def bases(self, url: str) -> Sequence[str]:
        """Return the addresses at which the server may answer, the likeliest first."""
        ...

    def check(self, public: Entry, wording: Wording) -> None:
        """Look at what anyone may ask. Raises `LibraryError` for another server."""

    def views(self, user: str) -> Call: ...

    def picture(self, key: str, short_side_px: int, ratio: float | None) -> Call:
        """Ask for an item's picture, small. `ratio`: its width by its height, if it is known."""
        ...

    def stream(self, key: str, file: MediaFile) -> Call:
        """Ask for a video's file as it is."""
        ...

    def tags(self, entry: Entry) -> list[str]: ...

    def refreshed(self, entry: Entry) -> str:
        """See `model.Shown.refreshed`."""
        ...

    @property
    def unstorable(self) -> str:
        """The characters that no tag may hold, beside those that no server keeps."""
        ...

    def writer(
        self, server: Server, user: str, wording: Wording, *, stop: "Stop", version: str
    ) -> Writer: ...


class Stop:
    """Stops all writing of a library that is under way. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._met: set[str] = set()
        self.merges = False
        """Whether the server was seen to make one value of two that are alike."""

    def pull(self) -> None:
        with self._lock:
            self._count += 1
            self._met.clear()

    def count(self) -> int:
        return self._count

    def met_before(self, names: Sequence[str]) -> bool:
        """Whether one of these was told before, since it was pulled last: they are remembered."""
        with self._lock:
            met = not self._met.isdisjoint(names)
            self._met.update(names)
            return met


def names(values: Any, of: str = "") -> list[str]:
    """Return the texts of a list, or the texts that its objects have under `of`."""
    if not isinstance(values, list):
        return []
    found = [one.get(of) if of and isinstance(one, dict) else one for one in values]
    return [one for one in found if isinstance(one, str) and one]
