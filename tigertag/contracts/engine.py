"""What an engine must and may do, and what comes of asking it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tigertag.contracts.frames import Sampling
from tigertag.contracts.use import RunContext
from tigertag.model import Label, Media, Sample


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can take, and from what confidence on it is to be believed by default.

    `short_side_px` is the size it wants, `local` says that nothing leaves the machine.
    `units_per_item`: calls of a quota that an item takes; from 1 on the engine is a paid one.
    `cost_usd`: what an item costs, about; None where that is not known. `further_frame_usd`: what
    each frame of a video but the first adds to that. `each`: the least confidence of single words,
    which stands in place of `min_confidence`; either may be `NEVER`. `sampling`, `footage`: how the
    frames were chosen that its model has learned from, and of what, as `Library.footage` has it;
    None where that is not known or does not matter. `notice`: one line that is shown beside it,
    unless it keeps one under `NOTICE`. `unusable`: why it cannot be used until the program is
    started again, and what to do, in one line; it is then neither opened nor asked, and what it
    said before still counts as it did.
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
    cost_usd: float | None = 0.0
    further_frame_usd: float = 0.0
    each: Mapping[str, float] = field(default_factory=dict)
    sampling: Sampling | None = None
    footage: str | None = None
    notice: str = ""
    unusable: str = ""

    @property
    def paid(self) -> bool:
        """Whether asking takes from a quota or costs money."""
        return self.units_per_item > 0

    def cost_usd_of(self, media: Media) -> float | None:
        """Return what such an item costs, about, a video with as many frames as are looked at."""
        if self.cost_usd is None or media is not Media.VIDEO:
            return self.cost_usd
        return self.cost_usd + (self.max_frames - 1) * self.further_frame_usd


@dataclass(frozen=True, slots=True)
class Labelled:
    """The engine looked. No labels: it found nothing. See `Answer` for `remainder`, `frames`."""

    sample: str
    labels: tuple[Label, ...]
    model: str
    remainder: float | None = None
    cost_usd: float = 0.0
    took_s: float = 0.0
    failed_frames: tuple[float, ...] = ()
    frames: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine could not answer for this sample; the others are not touched by it."""

    sample: str
    reason: str
    retryable: bool


Outcome = Labelled | Failed


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


@runtime_checkable
class Checkable(Protocol):
    """An engine that can be tried."""

    def check(self) -> str:
        """Try it without spending anything; say in one line what was found.

        Raises `EngineError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrolment did: pictures sent and removed, and a line for each that was refused."""

    added: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()


@runtime_checkable
class Enrolling(Protocol):
    """An engine that has to teach a service something before it is asked, such as faces."""

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        """Bring the service up to date, by difference, one process at a time.

        Called at the start of each scan, after `open`, `by_itself`: then it does not remove all
        that there is. Raises `EngineError`.
        """
        ...
