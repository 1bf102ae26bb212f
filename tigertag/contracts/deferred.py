"""Engines that answer in hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeGuard, runtime_checkable

from tigertag.contracts.engine import Capabilities, Engine, Failed, Outcome
from tigertag.model import Sample


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


class DeferredEngine(Protocol):
    """A tagger that answers in hours: its requests are gathered, sent as one batch, collected.

    Thread-safe once open. `host` is where the pictures go. A batch has at most `max_lines` and
    `max_bytes`.
    """

    @property
    def id(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def host(self) -> str: ...
    @property
    def max_lines(self) -> int: ...
    @property
    def max_bytes(self) -> int: ...

    def open(self) -> None:
        """See `Engine`."""

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

    def close(self) -> None: ...


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
