"""What an engine must and may do, what it may ask while it works, and what comes of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeGuard, runtime_checkable

from tigertag.errors import QuotaExhausted
from tigertag.model import Label, Media, Sample

SamplingMethod = Literal["scenes", "interval", "keyframes"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a video engines see.

    `scenes`: one from the middle of each shot; `interval`: one each `interval_s`; `keyframes`: of
    the frames that are stored whole. Never more than `max_frames`, spread over the video.
    `scene_threshold` is that of PySceneDetect's ContentDetector. `exact`: shots are found by
    looking at every frame, not at the keyframes first.
    """

    by: SamplingMethod = "scenes"
    interval_s: float = 5.0
    max_frames: int = 10
    scene_threshold: float = 27.0
    exact: bool = False

    @property
    def name(self) -> str:
        """What an answer about a video depends on, besides the engine."""
        match self.by:
            case "scenes":
                how = f"-{self.scene_threshold:g}{'-exact' if self.exact else ''}"
            case "interval":
                how = f"-{self.interval_s:g}"
            case "keyframes":
                how = ""
        return f"{self.by}{how}-{self.max_frames}"


@dataclass(frozen=True, slots=True)
class LeastConfidences:
    """From what confidence on words are to be believed; `each` in place of `default`."""

    default: float
    each: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can take, and from what confidence on it is to be believed by default.

    `short_side_px` is the size it wants, 0 where it looks at no pixels; `metadata` says that it
    wants `Sample.metadata`, which only a `local` engine gets: nothing leaves the machine there.
    `gpu`: it runs on a GPU alone, so that only a machine with one can ask it.
    `units_per_item`: calls of a quota that an item takes; from 1 on the engine is a paid one.
    `cost_usd`: what an item costs, about; None where that is not known. `further_frame_usd`: what
    each frame of a video but the first adds to that. `price_share`: the share of the usual price
    that it charges, below 1 in batches. `each`: the least confidence of single words,
    which stands in place of `min_confidence`; either may be `NEVER`. `withheld`: words that it says
    and that are no tags by themselves, whatever the user sets as MIN_CONFIDENCE. `models`: the
    least confidences of the models that it may have, by `Labelled.model`. `sampling`,
    `footage`: how the frames were chosen that its model has learned from, and of what, as
    `Library.footage` has it; None where that is not known or does not matter. `notice`: one line
    that is shown beside it, unless it keeps one under `NOTICE`. `unusable`: why it cannot be used
    until the program is started again, and what to do, in one line; it is then neither opened nor
    asked, and what it said before still counts as it did.
    """

    media: frozenset[Media]
    short_side_px: int
    max_frames: int = 1
    max_batch: int = 32
    max_concurrency: int = 1
    local: bool = False
    gpu: bool = False
    metadata: bool = False
    units_per_item: int = 0
    min_confidence: float = 0.5
    max_tags: int = 10
    cost_usd: float | None = 0.0
    further_frame_usd: float = 0.0
    price_share: float = 1.0
    each: Mapping[str, float] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    models: Mapping[str, LeastConfidences] = field(default_factory=dict)
    sampling: Sampling | None = None
    footage: str | None = None
    notice: str = ""
    unusable: str = ""

    @property
    def paid(self) -> bool:
        """Whether asking takes from a quota or costs money."""
        return self.units_per_item > 0

    @property
    def gets_metadata(self) -> bool:
        """Whether it is given what files say of themselves: no service learns where a photo was."""
        return self.metadata and self.local

    def cost_usd_of(self, media: Media) -> float | None:
        """Return what such an item costs, about, a video with as many frames as are looked at."""
        if self.cost_usd is None or media is not Media.VIDEO:
            return self.cost_usd
        return self.cost_usd + (self.max_frames - 1) * self.further_frame_usd


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a network made of a sample: pictures that look alike have vectors that point alike.

    `network`: what it depends on; only vectors of the same one can be compared. `vector`: of length
    1, in half precision, little-endian.
    """

    network: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Labelled:
    """The engine looked. No labels: it found nothing. See `Answer` for `remainder`, `frames`.

    `fingerprint`: of what really answered, from an engine that may take another model between two
    scans; "" stands for the engine's own. `embedding`: what its network made of the sample on the
    way, if it gives that.
    """

    sample: str
    labels: tuple[Label, ...]
    model: str
    remainder: float | None = None
    cost_usd: float = 0.0
    took_s: float = 0.0
    failed_frames: tuple[float, ...] = ()
    frames: tuple[float, ...] = ()
    fingerprint: str = ""
    embedding: Embedding | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine could not answer for this sample; the others are not touched by it."""

    sample: str
    reason: str
    retryable: bool


Outcome = Labelled | Failed


class Call(Protocol):
    """A call of a service, reserved in the ledger of use; what is not settled counts as spent."""

    def settle(self, *, units: int, cost_usd: float | None) -> None:
        """Say what it took: 0 and 0 where it is certain that it was not counted.

        `cost_usd` None: nobody knows; the bound that was reserved stays.
        """


class Calls(Protocol):
    """The ledger of use, the budgets and the egress log of one engine. Thread-safe."""

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> Call:
        """Reserve a call before it is made, and again for each retry; at most this it may take.

        It is the entry of the egress log, too: a picture of this size leaves for this host.
        `sample` is the sample's id, or the name of a picture that is of no library. Raises
        `QuotaExhausted` when the budget does not allow it: then nothing may be sent.
        """
        ...


class _Settled:
    def settle(self, *, units: int, cost_usd: float | None) -> None:
        """Nothing is counted."""


class NoCalls:
    """For engines that stay on the machine: what they do is counted nowhere."""

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> Call:
        if units or cost_usd:
            raise QuotaExhausted("No budget is kept here, so nothing that is paid for is asked.")
        return _Settled()


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an engine may ask while it works. `cancelled`: begin no more calls."""

    cancelled: Callable[[], bool] = lambda: False
    calls: Calls = field(default_factory=NoCalls)


class _AnyEngine(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...

    def open(self) -> None:
        """Load the model. Slow, idempotent, changes nothing outside. Raises `EngineError`."""

    def close(self) -> None: ...


class Engine(_AnyEngine, Protocol):
    """A tagger. Thread-safe once open."""

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """Yield exactly one outcome a sample, in any order, early. Raises `EngineError`."""
        ...


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
class Keyed(Protocol):
    """An engine whose fingerprint hides something with a key that its installation keeps."""

    def take_key(self) -> None:
        """Take the key from `Host.state`, where the first process puts one.

        Called when the database is there, before any scan. Raises `StoreError`.
        """
        ...


@runtime_checkable
class Enrolling(Protocol):
    """An engine that has to teach a service something before it is asked, such as faces."""

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        """Bring the service up to date, by difference, one process at a time.

        Called at the start of each scan, after `open`, `by_itself`: then it does not remove all
        that there is. Raises `EngineError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class PersonStatus:
    """A person's pictures: named in the file, sent by TigerTag, and all that the service knows."""

    name: str
    in_file: int
    ours: int
    there: int


@runtime_checkable
class KnowingFaces(Enrolling, Protocol):
    """An engine that enrols the people of a file."""

    @property
    def id(self) -> str: ...

    def open(self) -> None:
        """See `Engine`."""

    def check_people(self) -> tuple[list[str], list[str]]:
        """Check the file and each picture; send nothing.

        Returns a line for each thing that is wrong, and for each that is merely odd. Raises
        `EngineError`.
        """
        ...

    def people(self) -> list[PersonStatus]:
        """Return the people of the file and those that the service knows. Raises `EngineError`."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request of a batch: one line, with its end, and what it may cost at most."""

    sample: str
    line: bytes
    size_bytes: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. `again`: it failed as a whole, and another try may help.

    `state` "gone": the service does not know it any more.
    """

    state: Literal["running", "ended", "failed", "gone"]
    done: int = 0
    total: int = 0
    reason: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one request of a batch, and what it took.

    `outcome` None: the service says that it was not worked on. `cost_usd` None: nobody knows; the
    bound that was reserved stays.
    """

    sample: str
    outcome: Outcome | None
    units: int
    cost_usd: float | None


class DeferredEngine(_AnyEngine, Protocol):
    """A tagger that answers in hours: its requests are gathered, sent as one batch, collected.

    Thread-safe once open. `host` is where the pictures go. A batch has at most `max_lines` and
    `max_bytes`.
    """

    @property
    def host(self) -> str: ...
    @property
    def max_lines(self) -> int: ...
    @property
    def max_bytes(self) -> int: ...

    def prepare(self, sample: Sample) -> Prepared | Failed:
        """Return the request for a sample, under its id. Sends nothing."""
        ...

    def submit(self, lines: Path, token: str) -> str:
        """Send a batch marked with a token; return the service's name for it.

        Raises `EngineError`: then it may have been taken all the same, `find` tells.
        """
        ...

    def find(self, token: str) -> str | None:
        """Return the batch that was submitted with this token, if there is one."""
        ...

    def poll(self, batch: str) -> Progress: ...

    def collect(self, batch: str) -> Iterator[Collected]:
        """Yield what is known of each request, in any order; what is missing counts as spent.

        Raises `RefusesAll` where each was refused for the same reason, which is no picture's.
        """
        ...

    def cancel(self, batch: str) -> None:
        """Ask the service to stop; what it has finished can still be collected."""

    def clear(self, batch: str, token: str) -> None:
        """Delete what the service keeps of a batch; idempotent."""


@runtime_checkable
class FormerlyDeferred(Protocol):
    """An engine that answers at once, and can still collect what it had sent in batches."""

    @property
    def deferred(self) -> DeferredEngine: ...


AnyEngine = Engine | DeferredEngine


def is_deferred(engine: AnyEngine) -> TypeGuard[DeferredEngine]:
    """Whether the engine answers in hours."""
    return hasattr(engine, "submit")


def deferred_side(engine: AnyEngine | None) -> DeferredEngine | None:
    """Return what can collect the engine's batches; None where nothing can."""
    if engine is None or is_deferred(engine):
        return engine
    return engine.deferred if isinstance(engine, FormerlyDeferred) else None


def is_prompt(engine: AnyEngine) -> TypeGuard[Engine]:
    """Whether the engine answers at once."""
    return not is_deferred(engine)
