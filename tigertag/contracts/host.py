"""What the host gives to every plugin."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from requests import Session

T = TypeVar("T")


class Http(Protocol):
    """The host's HTTP: timeouts, retries and the mapping of errors are its business."""

    def download(
        self,
        url: str,
        to: Path,
        *,
        sha256_prefix: str = "",
        size_bytes: int | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> None: ...

    def session(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: Collection[str] = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"),
        repeats_timeouts: bool = True,
    ) -> "Session":
        """Return a new session that sends these headers with each request. Thread-safe.

        It has timeouts, and sends requests of the methods in `repeatable` again where that may
        help, but for those that got no answer in time unless `repeats_timeouts`; an answer comes
        back whatever its status, and what `requests` raises comes through. A header whose name
        looks secret is not sent on to another host. Give it no secret in a URL.
        """
        ...

    def retry(
        self, attempt: Callable[[], T], *, cancelled: Callable[[], bool] = lambda: False
    ) -> T:
        """Call until it does not raise `Unavailable`: with full jitter, or after `retry_after_s`.

        The last error comes through, at once when `cancelled` or when the time that the server asks
        for is a long one.
        """
        ...


class PluginState(Protocol):
    """A small durable store of one engine or library: short texts by name. Thread-safe."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None: ...

    def drop(self, name: str) -> None: ...

    def under(self, prefix: str) -> dict[str, str]:
        """Return what is kept under names that begin with this."""
        ...

    def alone(self, name: str, *, lease_s: float) -> AbstractContextManager[bool]:
        """Hold a lease by this name, among all processes; False when another has it."""
        ...


class PluginStateInMemory:
    """A store for a program without a database: it keeps until the program ends."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = Lock()

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        self._values[name] = value

    def drop(self, name: str) -> None:
        self._values.pop(name, None)

    def under(self, prefix: str) -> dict[str, str]:
        return {name: value for name, value in self._values.items() if name.startswith(prefix)}

    @contextmanager
    def alone(self, name: str, *, lease_s: float) -> Iterator[bool]:
        with self._lock:
            yield True


class RequestSlots(Protocol):
    """Counts requests to an engine's service over all machines. Thread-safe."""

    def slot(self, limit: int, *, urgent: bool = False) -> AbstractContextManager[None]:
        """Wait until fewer than `limit` requests are under way, and count as one meanwhile.

        `urgent`: before all that wait and are not. Raises `Unavailable`, soon, when cancelled while
        it waits.
        """
        ...


Kept = PluginState
Forgetful = PluginStateInMemory
NOTICE = "notice"
"""The name under which an engine keeps one line that is shown beside it, such as its quota."""


@dataclass(frozen=True, slots=True)
class Host:
    """What every plugin is given. `state` is its own.

    `slots`: None where no other machine asks.
    """

    models: Path
    http: Http
    state: PluginState = field(default_factory=PluginStateInMemory)
    slots: RequestSlots | None = None

    @property
    def kept(self) -> PluginState:
        """`state` by its former name, for plugins that were written before."""
        return self.state
