"""What a library must do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tigertag.model import Edit, Item, Section, Shown


@dataclass(frozen=True, slots=True)
class Need:
    """What the engines of a chunk need of an item."""

    short_side_px: int
    max_frames: int = 1


Source = Path | bytes
"""A picture: a file that may be read, or its bytes."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """The tags of this item could not be read; nothing may be written to it."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """What came of an edit: what the library shows after it, or why that is not known.

    `sent`: it was sent, but what came of it could not be read; the next reading will tell.
    """

    key: str
    after: Shown | None
    reason: str = ""
    sent: bool = False


class Library(Protocol):
    """A media source. Thread-safe once open."""

    @property
    def id(self) -> str: ...

    def open(self) -> None:
        """Reach the source. Idempotent. Raises `LibraryError`."""

    def sections(self) -> Sequence[Section]: ...

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the section's items, lazily, opening none. Raises `LibraryError`.

        What ends without an error is the whole section: items that are missing in it are gone.
        """
        ...

    def fetch(self, item: Item, need: Need) -> AbstractContextManager[Source]:
        """Give the smallest picture that serves. Raises `ItemError` or `LibraryError`."""
        ...

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        """Yield one result an item, read in full. Raises `LibraryError`."""
        ...

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make each edit, exactly as given, read it back and yield one outcome for it.

        Idempotent. Raises `LibraryError` when none of the remaining edits can be made.
        """
        ...
