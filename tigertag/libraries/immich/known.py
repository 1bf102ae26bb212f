"""What TigerTag uses tags of Immich for, by their ids.

From 3.2 on, the owner of a tag may rename it, and a word may have to be cleaned before it is a tag
("AC/DC" is "AC-DC" there). A tag that was used for a word goes on showing as that word.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tigertag.contracts import PluginState
from tigertag.model import fold

_NAME = "known/"


@dataclass(frozen=True, slots=True)
class TagUse:
    """The word that a tag is used for, and the value, with all levels, as which it was made."""

    word: str
    value: str


class KnownTags:
    """Kept in the library's state as `known/<id>`. Thread-safe, but for `keep`."""

    def __init__(self, state: PluginState) -> None:
        self._state = state
        self._by_id: dict[str, TagUse] = {}
        self._by_value: dict[str, TagUse] = {}
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._read_at_s = float("-inf")

    def refresh(self, *, older_than_s: float = 0.0) -> None:
        """Read what other processes have begun to use."""
        if time.monotonic() - self._read_at_s >= older_than_s:
            kept = self._state.under(_NAME)
            for name, use in kept.items():
                self._take(name.removeprefix(_NAME), TagUse(*json.loads(use)))
            self._read_at_s = time.monotonic()

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def of(self, id: str, value: str) -> TagUse | None:
        """Return what a tag is used for; one that was deleted may be back with another id."""
        return self._by_id.get(id) or self._by_value.get(fold(value))

    def ids(self, word: str, value: str) -> Sequence[str]:
        """Return the tags that were made as this value for this word, whatever they are now."""
        return self._ids.get((fold(word), fold(value)), ())

    def keep(self, id: str, use: TagUse) -> None:
        self._state.put(_NAME + id, json.dumps([use.word, use.value]))
        self._take(id, use)

    def _take(self, id: str, use: TagUse) -> None:
        if self._by_id.get(id) != use:
            self._by_id[id] = use
            self._by_value[fold(use.value)] = use
            self._ids.setdefault((fold(use.word), fold(use.value)), []).append(id)
