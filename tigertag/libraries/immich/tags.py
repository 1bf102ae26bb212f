"""The user's tags on Immich by their ids: as they show on an asset, and as they are made.

Parallel `PUT /tags` hang a server of 3.1 for good: each holds one of its ten connections to the
database and waits for a second one. They are sent one at a time by all of TigerTag's processes, and
never again by themselves where no answer came.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import RLock

from tigertag.contracts import PluginState
from tigertag.errors import ItemError, LibraryUnavailable
from tigertag.libraries.immich.assets import revision
from tigertag.libraries.immich.known import KnownTags, TagUse
from tigertag.libraries.immich.names import TagNames
from tigertag.libraries.immich.server import ImmichClient, objects
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.errors import RefusedByServer
from tigertag.libraries.mediaserver.json_client import Entry, text
from tigertag.model import Field, Shown, TagRef, fold
from tigertag.net import wait
from tigertag.sequences import batched

logger = logging.getLogger(__name__)

_LEASE = "make-tags"
_LEASE_S = 10.0
_LOOK_S = 0.25
_LONGEST_WAIT_S = 60.0
_MOST_MADE = 100
_TIMEOUT_S = (5.0, 30.0)
_TAGS_FRESH_S = 60.0
_KNOWN_FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class ShownByImmich(Shown):
    """What Immich shows of an asset.

    `values`: its tags with all of their levels, by id, in the order of `tags`. `path`: where
    the server has its file, `library_id`: the external library that it is of; "": it was uploaded.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    library_id: str = ""


class TagIndex:
    """All tags of the user. Thread-safe. Raises `LibraryError`."""

    def __init__(
        self, client: Callable[[], ImmichClient], names: TagNames, state: PluginState
    ) -> None:
        self.names = names
        self._client = client
        self._state = state
        self._known = KnownTags(state)
        self._changing = RLock()
        self._values: Mapping[str, str] = {}
        self._read_at_s = float("-inf")
        self._ids_by_value: Mapping[str, Sequence[str]] = {}

    def refresh(self, *, older_than_s: float = 0.0) -> None:
        """Read all tags: what was deleted is gone, what was renamed has its new name."""
        with self._changing:
            if time.monotonic() - self._read_at_s < older_than_s:
                return
            entries = self._client().entries(ServerRequest("/tags"))
            self._take_values(_values(entries))
            self._read_at_s = time.monotonic()
            self._known.refresh()

    def shown(self, asset: Entry) -> ShownByImmich:
        """Return what an asset that was read in full shows."""
        self._known.refresh(older_than_s=_KNOWN_FRESH_S)
        values = _values(objects(asset.get("tags")))
        if not values.keys() <= self._values.keys():
            # Tags were made, or came back, since all were read.
            self._read_at_s = float("-inf")
        words = (self._word(id, value) for id, value in values.items())
        others = (each for id, each in values.items() if self._known.of(id, each) is None)
        return ShownByImmich(
            text(asset, "id"),
            tuple(TagRef(Field.TAG, word) for word in words),
            stamp=text(asset, "updatedAt"),
            revision=revision(asset),
            paths=tuple(others),
            values=values,
            path=text(asset, "originalPath"),
            library_id=text(asset, "libraryId"),
        )

    def is_used(self, id: str) -> bool:
        """Whether TigerTag has put this tag on something."""
        return id in self._known

    def exists(self, id: str) -> bool:
        """Whether the tag was there when all were read last."""
        return id in self._values

    def make(self, words: Iterable[str]) -> None:
        """Make the tags of those of these words that have none yet, and can be tags."""
        self.refresh(older_than_s=_TAGS_FRESH_S)
        if missing := self._missing(words):
            with self._changing, self._alone():
                # Another process may have made them meanwhile.
                self.refresh()
                for batch in batched(self._missing(missing), _MOST_MADE):
                    self._upsert(batch)

    def use(self, word: str) -> str:
        """Return the id of the tag that stands for a word, which `make` has made.

        What it is used for is kept before anything gets it. Raises `ItemError` where the word
        cannot be a tag.
        """
        with self._changing:
            id, value = self._find(word), self.names.value(word)
            if id is None:
                raise ItemError(f"Immich did not make the tag “{word}”; scan again.")
            if id not in self._known and value and not self.names.is_elsewhere(word):
                self._known.keep(id, TagUse(word, value))
            return id

    def _missing(self, words: Iterable[str]) -> list[str]:
        missing = []
        for word in dict.fromkeys(words):
            with suppress(ItemError):
                if self._find(word) is None:
                    missing.append(word)
        return missing

    def _find(self, word: str) -> str | None:
        """Return the id of the tag for a word; None: there is none yet. Raises `ItemError`."""
        value = self.names.value(word)
        # Whatever its owner calls it now.
        for id in self._known.ids(word, value or ""):
            if id in self._values:
                return id
        # Also one with levels, of the owner's, that is put back where a write has lost it.
        for id in self._ids_by_value.get(fold(self.names.full(word)), ()):
            if id not in self._known and self._word(id, self._values[id]) == word:
                return id
        if self.names.is_elsewhere(word):
            raise ItemError(f"The tag “{word[1:]}” is no longer in Immich, so it was not put back.")
        if value is None:
            raise ItemError(self.names.problem(word))
        alike = self._ids_by_value.get(fold(value))
        if not alike:
            return None
        id = min(alike, key=lambda id: (self._values[id] != value, self._values[id]))
        other = self._known.of(id, self._values[id])
        if other is not None and fold(other.word) != fold(word):
            raise ItemError(
                f"“{word}” is, in Immich, the tag that TigerTag uses for “{other.word}”. Make one"
                " word of them by a rule."
            )
        return id

    def _word(self, id: str, value: str) -> str:
        use, shown = self._known.of(id, value), self.names.shown(value)
        return shown if use is None or fold(use.word) == fold(shown) else use.word

    def _upsert(self, words: Sequence[str]) -> None:
        """Make tags, and see which there are where that failed: no answer says they were not made.

        Of names that differ in case alone, the first one is made.
        """
        by_fold: dict[str, str] = {}
        for word in words:
            value = self._as_spelled(self.names.value(word) or "")
            by_fold.setdefault(fold(value), value)
        values = list(by_fold.values())
        try:
            self._put(values)
        except RefusedByServer:
            # Somebody else may have made one of them in the same moment.
            self.refresh()
            if missing := set(values) - set(self._values.values()):
                self._put(sorted(missing))
        except LibraryUnavailable:
            self.refresh()
            if not set(values) <= set(self._values.values()):
                raise

    def _put(self, values: Sequence[str]) -> None:
        """The answer has an order of its own: what is doubled is merged, what is empty left out."""
        logger.info("making %d tags", len(values))
        made = self._client().json("PUT", "/tags", {"tags": list(values)}, timeout=_TIMEOUT_S)
        self._take_values({**self._values, **_values(objects(made))})

    def _take_values(self, values: Mapping[str, str]) -> None:
        ids: dict[str, list[str]] = {}
        for id, value in values.items():
            ids.setdefault(fold(value), []).append(id)
        self._ids_by_value = ids
        self._values = values

    def _as_spelled(self, value: str) -> str:
        """Return a value with its first levels as a tag that is there already spells them."""
        levels = value.split("/")
        there = {fold(each): each for each in sorted(self._values.values(), reverse=True)}
        for count in range(len(levels) - 1, 0, -1):
            branch = "/".join(levels[:count])
            if branch in self._values.values():
                return value
            if fold(branch) in there:
                return "/".join([there[fold(branch)], *levels[count:]])
        return value

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else make tags: no thread, and no other process of TigerTag."""
        until_s = time.monotonic() + _LONGEST_WAIT_S
        while time.monotonic() < until_s:
            with self._state.alone(_LEASE, lease_s=_LEASE_S) as is_alone:
                if is_alone:
                    yield
                    return
            if not wait(_LOOK_S):
                break
        raise LibraryUnavailable(
            "Another process of TigerTag is making tags in Immich. Everything so far is kept; try"
            " again later."
        )


def _values(tags: Iterable[Entry]) -> dict[str, str]:
    return {text(tag, "id"): text(tag, "value") for tag in tags}
