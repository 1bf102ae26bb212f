"""What is looked at of an item: a photo's picture, a video's file or poster."""

from collections.abc import Sequence
from functools import partial

from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone
from tigertag.libraries.mediabrowser.dialect import Dialect
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.known import Known, Photo, photo
from tigertag.libraries.mediabrowser.opening import Opened
from tigertag.libraries.mediabrowser.options import Options
from tigertag.libraries.mediabrowser.pictures import picture, scaled
from tigertag.libraries.mediabrowser.reading import in_full
from tigertag.libraries.mediabrowser.server import Entry
from tigertag.libraries.mediabrowser.sources import (
    MediaFile,
    best_file,
    is_there,
    ratio,
    revision,
)
from tigertag.libraries.mediaserver.paths import Mapped, here
from tigertag.media.formats import EXTENSIONS, VIDEO_EXTENSIONS
from tigertag.model import Item, Media
from tigertag.net.ranges import RangeReader


class Fetching:
    """Fetches items of one library. Thread-safe. Raises `ItemError` or `LibraryError`."""

    def __init__(self, dialect: Dialect, options: Options, wording: Wording, known: Known) -> None:
        self._dialect = dialect
        self._map: Sequence[Mapped] = options.path_map
        self._wording = wording
        self._known = known

    def fetch(self, opened: Opened, item: Item, need: Need) -> Source:
        if item.media is Media.PHOTO:
            return self._photo(opened, item, need)
        return self._video(opened, item, need)

    def _photo(self, opened: Opened, item: Item, need: Need) -> Source:
        known = self._known.find(item)
        if self._map:
            known = known or self._asked(opened, item)
            path = known and here(
                self._map, known.path, size_bytes=known.size_bytes, endings=EXTENSIONS
            )
            if path:
                return path
        shape = None if known is None else known.ratio
        small = self._dialect.picture(item.key, need.short_side_px, shape)
        return picture(opened.server, small, item.key)

    def _video(self, opened: Opened, item: Item, need: Need) -> Source:
        entry = self._entry(opened, item)
        if need.poster:
            small = self._dialect.picture(item.key, need.short_side_px, ratio(entry))
            poster = scaled(opened.server, small)
            if poster is not None:
                return poster
        file = best_file(entry)
        assert file is not None
        path = here(self._map, file.path, size_bytes=file.size_bytes, endings=VIDEO_EXTENSIONS)
        return path or self._stream(opened, item.key, file)

    def _stream(self, opened: Opened, key: str, file: MediaFile) -> RangeReader:
        return RangeReader(partial(opened.server.ranged, self._dialect.stream(key, file)))

    def _asked(self, opened: Opened, item: Item) -> Photo | None:
        """Ask for a photo that another process has listed."""
        return photo(self._entry(opened, item))

    def _entry(self, opened: Opened, item: Item) -> Entry:
        """Return the item in full, if it is still the one that was listed."""
        entry = in_full(opened, self._dialect, self._wording, [item.key]).get(item.key)
        if entry is None or not is_there(entry):
            raise ItemGone("It is no longer on the server.")
        if revision(entry) != item.revision:
            raise ItemGone("Its file is no longer there, or not as it was listed.")
        return entry
