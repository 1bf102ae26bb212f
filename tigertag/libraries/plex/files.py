"""The files of photos that are on this machine as well: remembered from the listing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from tigertag.libraries.plex.parts import Part
from tigertag.media.formats import EXTENSIONS
from tigertag.media.paths import Mapped, local
from tigertag.model import Item

_MOST = 100_000


class Files:
    """Where the server has its files, of the items listed last. Thread-safe."""

    def __init__(self, mappings: Sequence[Mapped]) -> None:
        self._mappings = mappings
        self._known: dict[str, Part] = {}
        self._lock = Lock()

    def remember(self, key: str, part: Part) -> None:
        if self._mappings:
            with self._lock:
                self._known.pop(key, None)
                self._known[key] = part
                if len(self._known) > _MOST:
                    del self._known[next(iter(self._known))]

    def find(self, item: Item, there: Part, ask: Callable[[str], Part | None]) -> Path | None:
        """Return an item's file as it is here; None where none of the mapped folders has it.

        `ask` gets an item's part from the server, where another process has done the listing.
        """
        if not self._mappings:
            return None
        part = self._known.get(item.key)
        if part is None or part.revision != item.revision:
            part = ask(item.key)
        if part is None or part.revision != item.revision:
            return None
        path = local(self._mappings, part.file, size_bytes=there.size_bytes)
        return path if path is not None and path.suffix.lower() in EXTENSIONS else None
