"""The sections: views of a user that hold photos, films or episodes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import text

_TYPES = {
    "photos": ("Photo", "Video"),
    "homevideos": ("Photo", "Video"),
    "movies": ("Movie",),
    "tvshows": ("Episode",),
}
_MIXED = ("Photo", "Video", "Movie", "Episode")
_FOLDERS = frozenset({"CollectionFolder", "UserView", "Folder"})


@dataclass(frozen=True, slots=True)
class View:
    """A section of the server's, and the types of the items in it that are looked at."""

    id: str
    title: str
    types: Sequence[str]


def view(entry: Entry) -> View | None:
    """Return the view; None for music, collections and all else that has no pictures of its own.

    A folder of mixed content has no collection type.
    """
    kind = text(entry, "CollectionType").lower()
    types = _TYPES.get(kind, ())
    if not kind and text(entry, "Type") in _FOLDERS:
        types = _MIXED
    key = text(entry, "Id")
    return View(key, text(entry, "Name"), types) if types and key else None
