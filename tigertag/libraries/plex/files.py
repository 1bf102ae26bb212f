"""The files of photos that are on this machine as well: remembered from the listing."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tigertag.libraries.mediaserver.paths import Mapped, here
from tigertag.libraries.mediaserver.recent import Recent
from tigertag.libraries.plex.parts import Part
from tigertag.media.formats import EXTENSIONS
from tigertag.model import Item


class Files:
    """Where the server has its files, of the items listed last. Thread-safe."""

    def __init__(self, mappings: Sequence[Mapped]) -> None:
        self._mappings = mappings
        self._known = Recent[Part]()

    def remember(self, key: str, part: Part) -> None:
        if self._mappings:
            self._known.remember(key, part)

    def find(self, item: Item, there: Part, ask: Callable[[str], Part | None]) -> Path | None:
        """Return an item's file as it is here; None where none of the mapped folders has it.

        `ask` gets an item's part from the server, where another process has done the listing.
        """
        if not self._mappings:
            return None
        part = self._known.find(item.key)
        if part is None or part.revision != item.revision:
            part = ask(item.key)
        if part is None or part.revision != item.revision:
            return None
        return here(self._mappings, part.file, size_bytes=there.size_bytes, endings=EXTENSIONS)
