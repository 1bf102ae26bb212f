"""What a plugin must, may and gets.

A plugin is one module with `Options`, a pydantic model that forbids extra fields, and
`build(id, options, host)`, which returns an `Engine` or a `Library` and does no I/O.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tigertag.model import Edit, Item, Label, Media, Sample, Section, Shown

if TYPE_CHECKING:
    from requests import Session


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can take, and from what confidence on it is to be believed by default.

    `short_side_px` is the size it wants, `local` says that nothing leaves the machine.
    """

    media: frozenset[Media]
    short_side_px: int
    max_frames: int = 1
    max_batch: int = 32
    max_concurrency: int = 1
    local: bool = False
    units_per_item: int = 0
    min_confidence: float = 0.5
    max_tags: int = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """The engine looked. No labels: it found nothing. See `Answer` for `remainder`."""

    sample: str
    labels: tuple[Label, ...]
    model: str
    remainder: float | None = None
    cost_usd: float = 0.0
    took_s: float = 0.0
    failed_frames: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine could not answer for this sample; the others are not touched by it."""

    sample: str
    reason: str
    retryable: bool


Outcome = Labelled | Failed


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an engine may ask while it works."""

    cancelled: Callable[[], bool] = lambda: False


class Http(Protocol):
    """The host's HTTP: timeouts, retries and the mapping of errors are its business."""

    def download(
        self,
        url: str,
        to: Path,
        *,
        sha256_prefix: str = "",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> None: ...

    def session(self, *, headers: Mapping[str, str] | None = None) -> "Session":
        """Return a new session that sends these headers with each request. Thread-safe.

        It has timeouts, and sends GET, HEAD, OPTIONS, PUT and DELETE again where that may help; an
        answer comes back whatever its status, and what `requests` raises comes through. A header
        whose name looks secret is not sent on to another host. Give it no secret in a URL.
        """
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """What every plugin is given."""

    models: Path
    http: Http


class Engine(Protocol):
    """A tagger. Thread-safe once open."""

    @property
    def id(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...

    def open(self) -> None:
        """Load the model. Slow, idempotent, changes nothing outside. Raises `EngineError`."""

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """Yield exactly one outcome a sample, in any order, early. Raises `EngineError`."""
        ...

    def close(self) -> None: ...


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
