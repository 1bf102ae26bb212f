"""What a library must do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tigertag.model import Edit, Field, Item, Section, Shown


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed of an item.

    `poster`: of a video, a picture that stands for it will do.
    """

    short_side_px: int
    max_frames: int = 1
    poster: bool = False


class Stream(Protocol):
    """A file that is read where it is, part by part, as `io.RawIOBase` reads.

    Raises `ItemError` or `LibraryError`, too.
    """

    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...
    def close(self) -> None: ...


Source = Path | bytes | Stream
"""A picture or a video: a file that may be read, a picture's bytes, or a video elsewhere."""


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

    @property
    def field(self) -> Field:
        """Where tags go on items that leave a choice; `Shown.field` tells it of each item."""
        ...

    @property
    def identity(self) -> str:
        """What tells this source from another that is set up under the same name; "": nothing does.

        Known once open.
        """
        ...

    @property
    def footage(self) -> str:
        """What is looked at of videos instead of their own file, such as "trailer"; "": nothing."""
        ...

    def open(self) -> None:
        """Reach the source. Idempotent. Raises `LibraryError`."""

    def sections(self) -> Sequence[Section]: ...

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        """Yield the section's items, lazily, opening none. Raises `LibraryError`.

        What ends without an error is the whole section: items that are missing in it are gone.
        With `since`: at least those that were added since. A group comes after what is in it.
        """
        ...

    def fetch(self, item: Item, need: Need) -> AbstractContextManager[Source]:
        """Give the smallest picture that serves: of a video, the video, unless a poster will do.

        Raises `ItemError` or `LibraryError`.
        """
        ...

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        """Yield one result an item, read in full. Raises `LibraryError`."""
        ...

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        """Make each edit, exactly as given, read it back and yield one outcome for it.

        Idempotent. Raises `LibraryError` when none of the remaining edits can be made.
        """
        ...
