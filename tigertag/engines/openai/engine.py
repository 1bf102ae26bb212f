"""A vision model of a service, and the engine that asks it about each sample at once."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from math import floor, log10
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from tigertag.contracts import (
    Call,
    Capabilities,
    DeferredEngine,
    Failed,
    Host,
    Labelled,
    Outcome,
    RunContext,
)
from tigertag.engines.http.concurrency import ConcurrencyLimiter, RequestPool
from tigertag.engines.http.errors import Fault, Service, settle_failed
from tigertag.engines.http.outage import OutageDetector, plain
from tigertag.engines.openai import prices
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.faults import meaning
from tigertag.engines.openai.options import Options, Prompt
from tigertag.engines.openai.prices import TokenUsage
from tigertag.engines.openai.request import MAX_FRAMES, FormatInUse, RequestBuilder, VisionRequest
from tigertag.errors import EngineError, ModelError, Unavailable
from tigertag.model import Media, Sample
from tigertag.net import holding

if TYPE_CHECKING:
    from tigertag.engines.openai.client import OpenAIClient

T = TypeVar("T")

AT_ONCE: Final = 8
_PREPARING = 4
"""How many samples are encoded or read while as many as may be are asked about."""
MIN_CONFIDENCE: Final = 0.6

_SHOWN = 5


class VisionModel:
    """The part of an engine that does not depend on when it asks. Thread-safe once open."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self.options = options
        self.http = host.http
        self.stem = f"ENGINE_{id.upper()}_"
        address = urlsplit(options.address)
        self.host = address.hostname or ""
        self.service = Service(
            "OpenAI" if options.is_openai else address.netloc,
            meaning,
            credentials=f"{self.stem}API_KEY",
            address=f"{self.stem}BASE_URL, which mostly ends in /v1",
            request=f"{self.stem}MODEL",
            model=options.model,
        )
        self.prompt = Prompt(options.language, options.prompt_file)
        self._lock = threading.Lock()
        self._client: OpenAIClient | None = None

    @property
    def fingerprint(self) -> str:
        """See `Engine`; the same whether it asks now or in batches.

        Where the prompt cannot be read it says so; `open` then raises.
        """
        try:
            digest = self.prompt.digest
        except EngineError:
            digest = "unreadable"
        return f"openai:{self.options.model}:{self.options.detail}:{digest}"

    @property
    def capabilities(self) -> Capabilities:
        typical_usd = self._typical_usd()
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=self.requests.short_side_px,
            max_frames=MAX_FRAMES,
            max_concurrency=AT_ONCE,
            units_per_item=self.units,
            min_confidence=MIN_CONFIDENCE,
            cost_usd=None if typical_usd is None else typical_usd * self.price_share,
            further_frame_usd=self.requests.picture_usd * self.price_share,
            price_share=self.price_share,
        )

    @cached_property
    def price(self) -> prices.ModelPrice | None:
        """The model's price; None where it is not known, or the table cannot be read."""
        try:
            return prices.find(self.options.model, self.options.prices)
        except EngineError:
            return None

    @property
    def price_share(self) -> float:
        """What share of the price is charged."""
        return 1.0

    @cached_property
    def requests(self) -> RequestBuilder:
        return RequestBuilder(self.options, self.prompt, self.price)

    @cached_property
    def units(self) -> int:
        """What a call takes of a quota: nothing where it costs nothing."""
        return 0 if self.price and self.price.is_free else 1

    @property
    def client(self) -> "OpenAIClient":
        """The connection. Raises `EngineError` where it is not open."""
        if self._client is None:
            raise EngineError(f"Engine {self.id} is not open.")
        return self._client

    def open(self) -> None:
        """See `Engine`. Checks files, key and model, as far as can be told for nothing."""
        with holding(self._lock):
            if self._client is not None:
                return
            prices.find(self.options.model, self.options.prices)
            self.prompt.digest  # noqa: B018
            # The SDK takes long to import, and may not be installed.
            from tigertag.engines.openai.client import OpenAIClient

            key = self.options.api_key.get_secret_value()
            self._client = OpenAIClient(self.options.address, key)
            try:
                self.ask_repeatedly(self.check_service)
            except BaseException:
                self._hang_up()
                raise

    def close(self) -> None:
        """See `Engine`. Closes the connections; `open` makes new ones."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def check(self) -> str:
        """See `Checkable`. Opens the engine."""
        self.open()
        label, model, price = self.service.label, self.options.model, self._price_sentence()
        if not self.options.is_openai:
            try:
                models = self.ask_repeatedly(self.client.models)
            except EngineError:
                return f"{label} answers, but does not list its models; {price}"
            # Ollama lists `model:latest` for what is asked for as `model`.
            if model not in models and f"{model}:latest" not in models:
                shown = ", ".join(models[:_SHOWN]) or "none"
                more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
                raise ModelError(
                    f"{label} answers, but {model} is not among its models: {shown}{more}."
                )
        return f"{label}: {model} is there; {price}"

    def ask_repeatedly(self, ask: Callable[[], T]) -> T:
        """Ask what may be asked twice. Raises `EngineError`."""

        def attempt() -> T:
            with self.service.translating():
                return ask()

        return self.http.retry(attempt)

    def check_service(self) -> None:
        """Look for the model; not every key may look, nor does every server list its models."""
        try:
            self.client.has(self.options.model)
        except Fault as fault:
            if fault.status in (401, 403) and fault.mentions("scope", "insufficient permission"):
                return
            is_own = not self.options.is_openai
            if not (is_own and fault.status in (400, 404, 405, 422, 501, 502)):
                raise

    def cost_usd(self, usage: TokenUsage | None) -> float | None:
        """What an answer cost, by the tokens counted; None where that is not known."""
        if self.price is None:
            return None
        if self.price.is_free:
            return 0.0
        return self.price.cost_usd(usage) * self.price_share if usage else None

    def _typical_usd(self) -> float | None:
        try:
            return self.requests.typical_usd()
        except EngineError:
            return None

    def _price_sentence(self) -> str:
        price, typical_usd = self.price, self._typical_usd()
        if price is None or typical_usd is None:
            return f"its price is not known ({self.stem}PRICES can tell it)."
        if price.is_free:
            return "it costs nothing."
        return (
            f"${price.input:.2f}/{price.output:.2f} per million tokens (as of {price.as_of}),"
            f" about ${_two_digits(typical_usd * self.price_share)} a picture."
        )


class Vision(VisionModel):
    """A model that is asked about one sample a call. Keeps to `Engine` and `FormerlyDeferred`."""

    def __init__(self, id: str, options: Options, host: Host, deferred: DeferredEngine) -> None:
        super().__init__(id, options, host)
        self.deferred = deferred
        self._limiter = ConcurrencyLimiter(AT_ONCE, host.slots)
        self._pool = RequestPool(id, AT_ONCE + _PREPARING)
        self._forget()

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. Eight calls at most are under way, all batches together."""
        self.client  # noqa: B018
        return self._pool.tag(batch, self._ask, run)

    def close(self) -> None:
        """See `Engine`. Waits for the calls that are under way."""
        self._pool.close()
        super().close()
        self.deferred.close()
        self._forget()

    def _forget(self) -> None:
        self._format = FormatInUse()
        self._outage = OutageDetector(self.service)

    def _ask(self, sample: Sample, run: RunContext) -> Outcome:
        request = self.requests.build(sample)
        if isinstance(request, Failed):
            return request
        since_s = time.monotonic()
        attempt = partial(self._attempt, request, run)
        ask = partial(self.http.retry, attempt, cancelled=run.cancelled)
        outcome = self._outage.outcome(sample.id, ask, partial(self._probe, sample, run))
        if isinstance(outcome, Labelled):
            return replace(outcome, took_s=time.monotonic() - since_s)
        return outcome

    def _probe(self, sample: Sample, run: RunContext) -> None:
        request = self.requests.build(plain(sample.id))
        assert isinstance(request, VisionRequest)
        self._attempt(request, run)

    def _attempt(self, request: VisionRequest, run: RunContext) -> Outcome:
        """Ask once, or once more in each format that the server turns out not to know."""
        while True:
            used = self._format.current
            call = run.calls.reserve(
                request.sample,
                host=self.host,
                size_bytes=request.size_bytes,
                units=self.units,
                cost_usd=request.bound_usd,
            )
            try:
                with self._limiter.slot():
                    answer = self.client.complete(self.requests.body(request, used))
            except Fault as fault:
                settle_failed(call, fault)
                if self._format.replace(used, fault):
                    continue
                raise self.service.error(fault) from fault.__cause__
            except Unavailable as exc:
                settle_failed(call, exc)
                raise
            return self._outcome(request, call, Completion.parse(answer))

    def _outcome(
        self, request: VisionRequest, call: Call, completion: Completion | None
    ) -> Outcome:
        cost_usd = self.cost_usd(completion.usage if completion else None)
        call.settle(units=self.units, cost_usd=cost_usd)
        if completion:
            self._outage.answered()
        else:
            self._outage.unreadable()
        model = self.options.model
        return read(request.sample, completion, model=model, cost_usd=cost_usd or 0.0)


def _two_digits(value: float) -> str:
    """Return a small number with the first two digits that are not 0."""
    return f"{value:.{max(2, 1 - floor(log10(value)))}f}"
