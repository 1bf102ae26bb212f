"""The engine that asks a vision model about each sample at once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from tigertag.contracts import Call, Failed, Host, Labelled, Outcome, RunContext
from tigertag.engines.http.concurrency import ConcurrencyLimiter, RequestPool
from tigertag.engines.http.errors import Fault, settle_failed
from tigertag.engines.http.outage import OutageDetector, plain
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.batch import DeferredVision
from tigertag.engines.openai.faults import FormatInUse, may_be_one_pictures
from tigertag.engines.openai.model import AT_ONCE, VisionModel
from tigertag.engines.openai.options import Options
from tigertag.engines.openai.request import VisionRequest
from tigertag.errors import Unavailable
from tigertag.model import Sample

_MOST_UNREADABLE = 5
_PREPARING = 4
"""How many samples are encoded or read while as many as may be are asked about."""


class Vision(VisionModel):
    """A model that is asked about one sample a call. Keeps to `Engine` and `FormerlyDeferred`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        super().__init__(id, options, host)
        self.deferred = DeferredVision(id, options, host)
        self._limiter = ConcurrencyLimiter(AT_ONCE)
        self._pool = RequestPool(id, AT_ONCE + _PREPARING)
        self._unreadable = 0
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
        self._outage = OutageDetector(self.service, may_be_one_pictures)

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
        if isinstance(request, Failed):
            raise AssertionError("a plain picture is one")
        self._attempt(request, run)

    def _attempt(self, request: VisionRequest, run: RunContext) -> Outcome:
        """Ask once, or once more in each format that the server turns out not to know."""
        while True:
            used = self._format.current
            call = self._reserve(request, run)
            body = self.requests.body(request, used)
            try:
                with self._limiter.slot():
                    answer = self.client.complete(body)
            except Fault as fault:
                settle_failed(call, fault)
                if self._format.replace(used, fault):
                    continue
                raise self.service.error(fault) from fault.__cause__
            return self._outcome(request, call, Completion.parse(answer))

    def _reserve(self, request: VisionRequest, run: RunContext) -> Call:
        return run.calls.reserve(
            request.sample,
            host=self.host,
            size_bytes=request.size_bytes,
            units=self.units,
            cost_usd=request.bound_usd,
        )

    def _outcome(
        self, request: VisionRequest, call: Call, completion: Completion | None
    ) -> Outcome:
        cost_usd = self.cost_usd(completion.usage if completion else None)
        call.settle(units=self.units, cost_usd=cost_usd)
        if completion:
            self._outage.answered(request.sample)
        self._unreadable = 0 if completion else self._unreadable + 1
        if self._unreadable >= _MOST_UNREADABLE:
            self._unreadable = 0
            raise Unavailable(
                f"{self.service.label} gave {_MOST_UNREADABLE} answers in a row that cannot be"
                " read; earlier results are kept, TigerTag tries again later."
            )
        model = self.options.model
        return read(request.sample, completion, model=model, cost_usd=cost_usd or 0.0)
