"""Photos that were listed last: what their next fetching would have to ask for."""

from dataclasses import dataclass

from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import main_file, ratio, revision
from tigertag.libraries.mediaserver.recent import Recent
from tigertag.model import Item


@dataclass(frozen=True, slots=True)
class Photo:
    """Where the server has a photo, and its width by its height."""

    revision: str
    path: str
    size_bytes: int | None
    ratio: float | None


def photo(entry: Entry) -> Photo | None:
    file = main_file(entry)
    if file is None:
        return None
    return Photo(revision(entry), file.path, file.size_bytes, ratio(entry))


class Known:
    """The photos listed last, by their keys. Thread-safe."""

    def __init__(self) -> None:
        self._photos = Recent[Photo]()

    def remember(self, key: str, entry: Entry) -> None:
        self._photos.remember(key, photo(entry))

    def find(self, item: Item) -> Photo | None:
        """Return the photo, if it is the same as when it was listed."""
        found = self._photos.find(item.key)
        return found if found is not None and found.revision == item.revision else None
