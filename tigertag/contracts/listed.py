"""What a library may tell about a listing besides its items."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from tigertag.model import Item, Section

_MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 200


class LeftOutReason(StrEnum):
    """Why something is not listed."""

    EXCLUDED_FOLDER = "excluded_folder"
    EXCLUDED_FILE = "excluded_file"
    NOMEDIA = "nomedia"
    TOO_SMALL = "too_small"
    RAW = "raw"
    JPEG_XL = "jpeg_xl"
    OTHER_FORMAT = "other_format"
    UNREADABLE_FOLDER = "unreadable_folder"
    UNREADABLE_FILE = "unreadable_file"
    LINK = "link"
    LONG_PATH = "long_path"
    NO_FILE = "no_file"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many files or folders were left out for one reason, and a few of them."""

    reason: LeftOutReason
    count: int
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """What is noted while a section is listed; its size is bounded, but for `unread`.

    `unread`: keys of items that could not be looked up, or, with a slash at the end, what the keys
    of all items in a folder that could not be read begin with. They are not gone.
    `mounts`: folders in which something was listed and that are file systems of their own.
    """

    unread: list[str] = field(default_factory=list)
    mounts: set[str] = field(default_factory=set)
    _counts: dict[LeftOutReason, int] = field(default_factory=dict)
    _examples: dict[LeftOutReason, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: LeftOutReason, example: str) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + 1
        examples = self._examples.setdefault(reason, [])
        if len(examples) < _MOST_EXAMPLES:
            examples.append(example[:_LONGEST_EXAMPLE])

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(
            LeftOut(reason, self._counts[reason], tuple(self._examples[reason]))
            for reason in LeftOutReason
            if reason in self._counts
        )


class NotedItems(Iterator[Item]):
    """Items with notes on what is left out, which grow as it is gone through.

    `Library.items` may return it in place of a bare iterator.
    """

    def __init__(self, items: Iterable[Item], notes: Notes) -> None:
        self._items = iter(items)
        self.notes = notes

    def __next__(self) -> Item:
        return next(self._items)


@runtime_checkable
class Excluding(Protocol):
    """A library whose settings leave items out. Optional for a library."""

    def leaves_out(self, item: Item) -> bool:
        """Whether an item that was listed before is left out now by the library's settings."""
        ...


@runtime_checkable
class Mounted(Protocol):
    """A library on file systems that may not be mounted. Optional for a library."""

    def not_mounted(self, section: Section, mounts: Sequence[str]) -> str:
        """Say which of the `Notes.mounts` of an earlier listing is not mounted now; "": none."""
        ...
