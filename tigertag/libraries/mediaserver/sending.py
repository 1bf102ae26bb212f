"""Edits on their way to a media server: read → what is left to do → write → read back."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Protocol, TypeVar
from unicodedata import category

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.mediaserver.errors import RefusedByServer
from tigertag.libraries.mediaserver.listing import Recent
from tigertag.model import Edit, Item, Shown, TagRef

READ_FRESH_S = 10.0
"""How old a reading may be for `send` to start from it instead of reading again.

What has changed since the reading is not seen. Only the tags and locks that an edit names are at
stake, for no other is ever sent; Jellyfin, which needs the whole item, reads it again right before
each write (see `mediabrowser.jellyfin`).
"""
_MOST_READINGS = 1_000

T = TypeVar("T", bound=Hashable)
S = TypeVar("S", bound=Shown)
S_contra = TypeVar("S_contra", bound=Shown, contravariant=True)
C = TypeVar("C", bound="TagChange")


class ChangedDuringWrite(ItemError):
    """More of an item has changed than its tags; that says nothing of other items."""


class UnsafeWrite(LibraryError):
    """A write changed more than the tags, so that no more may be made.

    `reason`: what came of the item. `restored`: it is again as it was.
    """

    def __init__(self, message: str, *, reason: str, restored: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.restored = restored


@dataclass(frozen=True, slots=True)
class TagChange:
    """What is left to do to an item's tags; the removes are spelled as the server does."""

    adds: tuple[TagRef, ...]
    removes: tuple[TagRef, ...]

    def shows_in(self, after: Shown) -> bool:
        """Whether any of it was done."""
        present = {tag.word for tag in after.tags}
        added = any(tag.word in present for tag in self.adds)
        return added or any(tag not in after.tags for tag in self.removes)


@dataclass(frozen=True, slots=True)
class PendingEdit(Generic[C]):
    """An edit, and what is left of it to do."""

    edit: Edit
    change: C

    @property
    def key(self) -> str:
        return self.edit.item.key


class Writer(Protocol[S_contra, C]):
    """What one kind of server needs to be written to, for one call of `contracts.Library.send`."""

    def problem(self, edit: Edit) -> str:
        """Return why the server cannot keep an edit, whatever its item is; "" where it can."""
        ...

    def change(self, edit: Edit, shown: S_contra) -> C | None:
        """Return what is left to do of an edit; None where nothing is. Raises `ItemError`."""
        ...

    def groups(self, pending: Sequence[PendingEdit[C]]) -> Iterable[Sequence[PendingEdit[C]]]:
        """Return the edits as they are written together."""
        ...

    def write(self, group: Sequence[PendingEdit[C]]) -> None:
        """Write a group.

        Raises `ItemError` or `RefusedByServer`: these items only. Of `ChangedDuringWrite` and
        `RefusedByServer`, the tags may be written all the same. Raises another `LibraryError`: no
        more can be written.
        """
        ...


class Reader(Generic[S]):
    """Reads items in full, and keeps what was read for `READ_FRESH_S`. Thread-safe."""

    def __init__(self, read: Callable[[Sequence[Item]], Iterable[S | NotRead]]) -> None:
        self._read = read
        self._recent = Recent[tuple[float, S]](_MOST_READINGS)

    def read(self, items: Sequence[Item]) -> Iterator[S | NotRead]:
        asked_at_s = time.monotonic()
        for reading in self._read(items):
            value = None if isinstance(reading, NotRead) else (asked_at_s, reading)
            self._recent.remember(reading.key, value)
            yield reading

    def by_key(self, items: Sequence[Item]) -> dict[str, S | NotRead]:
        return {reading.key: reading for reading in self.read(items)}

    def fresh_by_key(self, items: Sequence[Item]) -> dict[str, S | NotRead]:
        """Return a reading of each item, from the server only where the last one is too old.

        A reading serves once: what is written after it makes it out of date.
        """
        fresh: dict[str, S | NotRead] = {}
        oldest_s = time.monotonic() - READ_FRESH_S
        for item in items:
            read_at_s, reading = self._recent.take(item.key) or (0.0, None)
            if reading is not None and read_at_s >= oldest_s:
                fresh[item.key] = reading
        stale = [item for item in items if item.key not in fresh]
        return fresh | (self.by_key(stale) if stale else {})


class Sender(Generic[S, C]):
    """One call of `contracts.Library.send`."""

    def __init__(self, reader: Reader[S], writer: Writer[S, C], product: str) -> None:
        self._reader = reader
        self._writer = writer
        self._product = product
        self._problems: dict[str, ItemError] = {}

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        pending: list[PendingEdit[C]] = []
        problems = [(edit, self._writer.problem(edit)) for edit in edits]
        read = self._reader.fresh_by_key([edit.item for edit, problem in problems if not problem])
        for edit, problem in problems:
            key = edit.item.key
            shown = NotRead(key, problem) if problem else read[key]
            if isinstance(shown, NotRead):
                yield EditOutcome(key, None, shown.reason)
                continue
            try:
                change = self._writer.change(edit, shown)
            except ItemError as exc:
                yield EditOutcome(key, None, str(exc))
                continue
            if change is None:
                yield EditOutcome(key, shown)
            else:
                pending.append(PendingEdit(edit, change))
        yield from self._write(pending)

    def _write(self, pending: Sequence[PendingEdit[C]]) -> Iterator[EditOutcome]:
        """Write what is pending; what is not known to have been written has no outcome."""
        written: list[PendingEdit[C]] = []
        stopped: LibraryError | None = None
        for group in self._writer.groups(pending):
            try:
                self._write_group(group)
            except UnsafeWrite as exc:
                stopped = exc
                for item in group:
                    yield EditOutcome(item.key, None, exc.reason, sent=not exc.restored)
                break
            except LibraryError as exc:
                stopped = exc
                break
            written += group
        yield from self._read_back(written)
        if stopped is not None:
            raise stopped

    def _write_group(self, group: Sequence[PendingEdit[C]]) -> None:
        """Write a group; where the server refuses it for all of its items, each half of it."""
        try:
            self._writer.write(group)
        except ItemError as exc:
            self._problems |= dict.fromkeys((item.key for item in group), exc)
        except RefusedByServer as exc:
            if len(group) > 1:
                self._write_group(group[: len(group) // 2])
                self._write_group(group[len(group) // 2 :])
            else:
                reason = f"{self._product} refused the edit ({exc.status}); see its log."
                self._problems[group[0].key] = ItemError(reason)

    def _read_back(self, written: Sequence[PendingEdit[C]]) -> Iterator[EditOutcome]:
        """Yield what is shown now: whatever was answered, that is what came of an edit."""
        read = self._reader.by_key([item.edit.item for item in written])
        for item in written:
            key, after, problem = item.key, read[item.key], self._problems.get(item.key)
            if isinstance(problem, ChangedDuringWrite):
                yield EditOutcome(key, None, str(problem), sent=True)
            elif isinstance(after, NotRead):
                yield EditOutcome(key, None, str(problem or after.reason), sent=problem is None)
            elif problem and not item.change.shows_in(after):
                yield EditOutcome(key, None, str(problem))
            else:
                yield EditOutcome(key, after)


def is_storable(name: str) -> bool:
    """Whether a server can hold a tag: one that is not blank, of characters of text alone."""
    return bool(name.strip()) and all(category(char) not in ("Cc", "Cs") for char in name)


def to_remove(
    removes: Iterable[T], present: Sequence[T], *, word: Callable[[T], Hashable]
) -> list[T]:
    """Return which of the tags that are present are to be removed, spelled as they are.

    A tag is meant if it has the same spelling, or if it alone is of the same `word`: of two such as
    "straße" and "Strasse", of which the other was named, nobody knows whose they are.
    """
    by_word: dict[Hashable, set[T]] = {}
    for tag in present:
        by_word.setdefault(word(tag), set()).add(tag)
    meant: dict[T, None] = {}
    for tag in removes:
        candidates = by_word.get(word(tag), set())
        named = {tag} & candidates or (candidates if len(candidates) == 1 else set())
        meant |= dict.fromkeys(named)
    return list(meant)


def left_to_do(edit: Edit, shown: Shown) -> tuple[tuple[TagRef, ...], tuple[TagRef, ...]]:
    """Return what is left to add and to remove; the removes are spelled as the server does."""
    present = {tag.word for tag in shown.tags}
    adds = {tag.word: tag for tag in edit.adds if tag.word not in present}
    removes = to_remove(edit.removes, shown.tags, word=attrgetter("word"))
    return tuple(adds.values()), tuple(removes)
