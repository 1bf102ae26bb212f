"""Asking about each sample at once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from tigertag.contracts import Call, Capabilities, Failed, Host, Labelled, Outcome, RunContext
from tigertag.engines.openai_vision.batch import DeferredVision
from tigertag.engines.openai_vision.completion import Completion, parsed
from tigertag.engines.openai_vision.core import AT_ONCE, Core
from tigertag.engines.openai_vision.dialect import Learnt
from tigertag.engines.openai_vision.faults import Fault
from tigertag.engines.openai_vision.options import Options
from tigertag.engines.openai_vision.reading import read
from tigertag.engines.openai_vision.request import Request
from tigertag.errors import EngineError, QuotaExhausted, Unavailable
from tigertag.model import Sample
from tigertag.remote.crew import Crew
from tigertag.remote.gate import Gate
from tigertag.remote.stumbling import Stumbling, plain

_MOST_ODD = 5
_GETTING_READY = 4
"""How many samples are encoded or read while as many as may be are asked about."""


class Vision:
    """A model that is asked about one sample a call. Keeps to `Engine` and `FormerlyDeferred`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self.deferred = DeferredVision(id, options, host)
        self._core = Core(id, options, host)
        self._gate = Gate(AT_ONCE)
        self._crew = Crew(id, AT_ONCE + _GETTING_READY)
        self._learnt = Learnt()
        self._stumbling = Stumbling()
        self._odd = 0

    @property
    def fingerprint(self) -> str:
        return self._core.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        return self._core.capabilities()

    def open(self) -> None:
        """See `Engine`."""
        self._core.open()

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. Eight calls at most are under way, all batches together."""
        self._core.client  # noqa: B018
        return self._crew.tag(batch, self._ask, run)

    def close(self) -> None:
        """See `Engine`. Waits for the calls that are under way."""
        self._crew.close()
        self._core.close()
        self.deferred.close()
        self._learnt = Learnt()
        self._stumbling = Stumbling()

    def check(self) -> str:
        """See `Checkable`."""
        return self._core.check()

    def _ask(self, sample: Sample, run: RunContext) -> Outcome:
        request = self._core.requests.made(sample)
        if isinstance(request, Failed):
            return request
        since_s = time.monotonic()
        faults: list[Fault] = []
        attempt = partial(self._attempt, request, run, faults)
        try:
            outcome = self._core.http.patiently(attempt, cancelled=run.cancelled)
        except EngineError as exc:
            if type(exc) not in (EngineError, Unavailable):
                raise
            if not self._is_alone(faults, sample, run, since_s=since_s):
                raise
            return self._refused(sample, faults)
        if isinstance(outcome, Labelled):
            return replace(outcome, took_s=time.monotonic() - since_s)
        return outcome

    def _is_alone(
        self, faults: Sequence[Fault], sample: Sample, run: RunContext, *, since_s: float
    ) -> bool:
        """Whether the last fault is met by this sample, and others are answered for."""
        if not faults or not faults[-1].may_be_of_one or run.cancelled():
            return False
        if not faults[-1].is_lasting:
            # The server may have gone down only just now, over this picture.
            since_s = time.monotonic()
        probe = partial(self._is_plain_one_taken, sample, run)
        return self._stumbling.others_are_answered(probe, since_s=since_s)

    def _is_plain_one_taken(self, sample: Sample, run: RunContext) -> bool:
        request = self._core.requests.made(plain(sample.id))
        if isinstance(request, Failed):
            raise AssertionError("a plain picture is one")
        try:
            self._attempt(request, run, [])
        except (Unavailable, QuotaExhausted):
            raise
        except EngineError:
            return False
        return True

    def _refused(self, sample: Sample, faults: Sequence[Fault]) -> Failed:
        label, last = self._core.meanings.label, faults[-1]
        how = "refused it" if last.is_lasting else f"failed over it {len(faults)} times"
        reason = (
            f"{label} {how} ({last}), and answers for other pictures. It is asked again when the"
            " picture changes, or by a forced scan."
        )
        return Failed(sample.id, reason, retryable=False)

    def _attempt(self, request: Request, run: RunContext, faults: list[Fault]) -> Outcome:
        """Ask once, or once more in each dialect that the server turns out not to know."""
        while True:
            spoken = self._learnt.now
            call = self._reserved(request, run)
            body = self._core.requests.body(request, spoken)
            try:
                with self._gate.entered():
                    answer = self._core.client.complete(body)
            except Fault as fault:
                if fault.costs_nothing:
                    call.settle(units=0, cost_usd=0.0)
                if self._learnt.learn(spoken, fault):
                    continue
                faults.append(fault)
                raise self._core.meanings.error(fault) from fault.__cause__
            return self._settled(request, call, parsed(answer))

    def _reserved(self, request: Request, run: RunContext) -> Call:
        return run.calls.reserve(
            request.sample,
            host=self._core.host,
            size_bytes=request.size_bytes,
            units=self._core.units,
            cost_usd=request.bound_usd,
        )

    def _settled(self, request: Request, call: Call, completion: Completion | None) -> Outcome:
        known, usage = self._core.known, completion.usage if completion else None
        cost_usd = known.price.cost_usd(usage) if known and usage else None
        if known and known.price.is_free:
            cost_usd = 0.0
        call.settle(units=self._core.units, cost_usd=cost_usd)
        if completion:
            self._stumbling.answered()
        self._odd = 0 if completion else self._odd + 1
        if self._odd >= _MOST_ODD:
            self._odd = 0
            raise Unavailable(
                f"{self._core.meanings.label} sent {_MOST_ODD} answers in a row that are none; what"
                " was answered is kept. It is asked again later."
            )
        model = self._core.options.model
        return read(request.sample, completion, model=model, cost_usd=cost_usd or 0.0)
