"""What asking now and asking in batches share: the settings, and the service they speak of."""

import threading
from collections.abc import Callable
from functools import cached_property
from math import floor, log10
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from tigertag.contracts import Capabilities, Host
from tigertag.engines.openai_vision import prices
from tigertag.engines.openai_vision.faults import Fault, Meanings
from tigertag.engines.openai_vision.options import Options
from tigertag.engines.openai_vision.prompt import Prompt
from tigertag.engines.openai_vision.request import MAX_FRAMES, Requests
from tigertag.errors import EngineError, ModelError
from tigertag.model import Media
from tigertag.net import holding

if TYPE_CHECKING:
    from tigertag.engines.openai_vision.client import Client

T = TypeVar("T")

AT_ONCE: Final = 8
MIN_CONFIDENCE: Final = 0.6

_SHOWN = 5


class Core:
    """A model of a service. Thread-safe once open."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self.options = options
        self.http = host.http
        self.stem = f"ENGINE_{id.upper()}_"
        address = urlsplit(options.address)
        self.host = address.hostname or ""
        label = "OpenAI" if options.is_openai else address.netloc
        self.meanings = Meanings(label, self.stem, options.model)
        self.prompt = Prompt(options.language, options.prompt_file)
        self._lock = threading.Lock()
        self._client: Client | None = None

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where the prompt cannot be read it says so; `open` then raises."""
        try:
            digest = self.prompt.digest
        except EngineError:
            digest = "unreadable"
        return f"openai:{self.options.model}:{self.options.detail}:{digest}"

    @cached_property
    def known(self) -> prices.Known | None:
        """The model's price; None where nobody knows it, or the table cannot be read."""
        try:
            return prices.known(self.options.model, self.options.prices)
        except EngineError:
            return None

    @cached_property
    def requests(self) -> Requests:
        return Requests(self.options, self.prompt, self.known)

    @cached_property
    def units(self) -> int:
        """What a call takes of a quota: nothing where it costs nothing."""
        return 0 if self.known and self.known.price.is_free else 1

    def capabilities(self, *, share: float = 1.0) -> Capabilities:
        """See `Engine`; `share` of the price is taken."""
        typical_usd = self._typical_usd()
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=self.requests.short_side_px,
            max_frames=MAX_FRAMES,
            max_concurrency=AT_ONCE,
            units_per_item=self.units,
            min_confidence=MIN_CONFIDENCE,
            cost_usd=None if typical_usd is None else typical_usd * share,
            further_frame_usd=self.requests.picture_usd * share,
        )

    @property
    def client(self) -> "Client":
        """The connection. Raises `EngineError` where it is not open."""
        if self._client is None:
            raise EngineError(f"Engine {self.id} is not open.")
        return self._client

    def open(self) -> bool:
        """Connect, and make sure of files, key and model, as far as can be told for nothing.

        Tells whether it was not open yet.
        """
        with holding(self._lock):
            if self._client is not None:
                return False
            prices.known(self.options.model, self.options.prices)
            self.prompt.digest  # noqa: B018
            client = self._connected()
            try:
                self._look(client)
            except BaseException:
                client.close()
                raise
            self._client = client
            return True

    def close(self) -> None:
        """Let go of the connections; `open` makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def check(self) -> str:
        """See `Checkable`. Opens the engine. A server's `:latest` need not be named (Ollama)."""
        self.open()
        label, model = self.meanings.label, self.options.model
        if self.options.is_openai:
            return f"{label}: {model} is there; {self._priced()}"
        try:
            listed = self.asked(self.client.models)
        except EngineError:
            return f"{label} answers, but does not list its models; {self._priced()}"
        if model in listed or f"{model}:latest" in listed:
            return f"{label}: {model} is there; {self._priced()}"
        shown = ", ".join(listed[:_SHOWN]) or "none"
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        raise ModelError(f"{label} answers, but {model} is not among its models: {shown}{more}.")

    def asked(self, ask: Callable[[], T]) -> T:
        """Ask what may be asked twice. Raises what comes of it as `EngineError`."""

        def attempt() -> T:
            try:
                return ask()
            except Fault as fault:
                raise self.meanings.error(fault) from fault.__cause__

        return self.http.retry(attempt)

    def _connected(self) -> "Client":
        from tigertag.engines.openai_vision.client import Client

        return Client(self.options.address, self.options.api_key.get_secret_value())

    def _look(self, client: "Client") -> None:
        def look() -> None:
            try:
                client.has(self.options.model)
            except Fault as fault:
                if not self._says_little(fault):
                    raise

        self.asked(look)

    def _says_little(self, fault: Fault) -> bool:
        """Whether asking may work all the same: not every key may look, nor every server list."""
        if fault.status in (401, 403):
            return fault.mentions("scope", "insufficient permission")
        return not self.options.is_openai and fault.status in (400, 404, 405, 422, 501, 502)

    def _typical_usd(self) -> float | None:
        try:
            return self.requests.typical_usd()
        except EngineError:
            return None

    def _priced(self) -> str:
        known, typical_usd = self.known, self._typical_usd()
        if known is None or typical_usd is None:
            return f"its price is not known ({self.stem}PRICES can tell it)."
        price = known.price
        if price.is_free:
            return "it costs nothing."
        share = known.batch if self.options.mode == "batch" else 1.0
        return (
            f"${price.input:.2f}/{price.output:.2f} per million tokens (as of {known.as_of}),"
            f" about ${_two_digits(typical_usd * share)} a picture."
        )


def _two_digits(value: float) -> str:
    """Return a small number with the first two digits that are not 0."""
    return f"{value:.{max(2, 1 - floor(log10(value)))}f}"
