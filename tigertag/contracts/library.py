"""What a library must do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from tigertag.errors import LibraryError
from tigertag.model import Edit, Field, Item, Metadata, Section, Shown


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed of an item.

    `short_side_px` 0: no pixels. `poster`: of a video, a picture that stands for it will do.
    `metadata`: what the file says of itself, see `KnowingMetadata`.
    """

    short_side_px: int
    max_frames: int = 1
    poster: bool = False
    metadata: bool = False


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
    `look_again_s`: nothing is wrong, but that cannot be known before so long from now (see
    `VerifyingLater`); what is not `sent` then has to be sent again. `stamp`: that of the item right
    before it was sent. If only a part of the edit was sent, the rest is planned again.
    """

    key: str
    after: Shown | None
    reason: str = ""
    sent: bool = False
    look_again_s: float | None = None
    stamp: str | None = None


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

        Where no pixels are needed: the file, if it is on this machine, else b"".
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
class VerifyingLater(Protocol):
    """A library whose server may drop, a while later, tags that it has accepted.

    Its edits stay *sent* until a reading settles them. Optional for a library.
    """

    def settles(self, before: Shown, now: Shown) -> bool:
        """Whether `now` shows for good what became of an edit of what was shown `before`.

        `before` has the stamp that the edit's outcome gave (`EditOutcome.stamp`). An edit may have
        been cut off right before it was sent: a reading without a trace of it settles it, too.
        """
        ...

    def dropped(self, item: Item) -> LibraryError:
        """Return why nothing more is written once tags of an item were dropped twice."""
        ...


@runtime_checkable
class Advising(Protocol):
    """A library that can tell what its owner should know of how it is set up.

    Optional for a library.
    """

    def advice(self) -> Sequence[str]:
        """Return a line for each: what is missing, not needed or switched off, and what to do.

        Raises `LibraryError`.
        """
        ...


@runtime_checkable
class NotingWrites(Protocol):
    """A library that does more than its owner may expect when it writes. Optional for a library."""

    @property
    def writing_note(self) -> str:
        """What to know before tags are written for the first time."""
        ...


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


@runtime_checkable
class OnLocalDisk(Protocol):
    """A library whose files each machine reads on a disk of its own. Optional for a library."""

    def not_here(self, section: Section, keys: Sequence[str]) -> str:
        """Say why this machine does not seem to have the section's files; "": it has.

        `keys`: a few items that are known; none are known before the first listing. Cheap.
        """
        ...


@runtime_checkable
class Locating(Protocol):
    """A library that knows in which folders its sections are. Optional for a library."""

    def sections_at(self, path: str) -> Sequence[str]:
        """Return the ids of the sections whose folders contain a path, as the source names it.

        Asks for nothing: it goes by what `Library.sections` has read.
        """
        ...


class Watch(Protocol):
    """Looks for changes until it is closed. Thread-safe."""

    @property
    def problem(self) -> str:
        """Why changes are not noticed, or not all of them; "": they are."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Watching(Protocol):
    """A library that may notice changes itself. Optional for a library."""

    @property
    def watch_write(self) -> str:
        """What a scan of what has changed does: "preview" or "apply"; "": do not watch."""
        ...

    def watch(self, changed: Callable[[Section], None]) -> Watch:
        """Call `changed`, on another thread, when there may be a new photo or video in a section.

        Never raises: what cannot be watched is the watch's problem.
        """
        ...


@runtime_checkable
class FootageChoice(Protocol):
    """A library with a setting FOOTAGE. Optional for a library."""

    @property
    def footage_values(self) -> Mapping[str, str]:
        """The values of that setting, by the `Library.footage` that each gives."""
        ...


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What an item is.

    `key`: the item's. `film`: what tells its film, or its show, from others; all episodes of a show
    have the same. `genres`: as the server spells them, of the item, or of its show; `bearer`: the
    key of the item that has them. `year`: when it came out. `field`: as what `TagRef` names those
    genres, so that the ledger tells which of them TigerTag wrote.
    """

    key: str
    film: str
    title: str
    genres: tuple[str, ...]
    bearer: str
    year: int | None = None
    field: Field = Field.GENRE


@runtime_checkable
class Cataloguing(Protocol):
    """A library that knows genres."""

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        """Yield what each of the items is; one that is not there any more is left out.

        Reads in full, changes nothing. Raises `LibraryError`.
        """
        ...


@runtime_checkable
class KnowingMetadata(Protocol):
    """A library that tells an item's metadata where what it fetches is not the item's own file.

    Optional for a library.
    """

    def metadata(self, item: Item) -> Metadata:
        """Return what is known, by one small request at most.

        Raises `ItemError` or `LibraryError`.
        """
        ...


@runtime_checkable
class PlacingGenres(Protocol):
    """A library that may put genres elsewhere than all other tags."""

    @property
    def genre_field(self) -> Field | None:
        """Where genres go on items that leave a choice; None: to `Library.field`."""
        ...
