"""What is asked of Imagga about one sample, attempt by attempt."""

import time
from collections.abc import Callable

from tigertag.contracts import Call, Failed, Labelled, Outcome
from tigertag.engines.imagga.client import Client, Refused
from tigertag.engines.imagga.labels import labels
from tigertag.engines.imagga.options import Options
from tigertag.errors import EngineError, Unavailable
from tigertag.model import Sample
from tigertag.remote.once import LATER, Passing

NOT_FOUND = 404
_TWICE = 2


class Asking:
    """One sample on its way. `uploaded` is the picture's id there, "" while there is none.

    `reserve` reserves a call by which so many bytes leave.
    """

    def __init__(
        self,
        client: Client,
        options: Options,
        sample: Sample,
        picture: bytes,
        reserve: Callable[[int], Call],
    ) -> None:
        self._client = client
        self._options = options
        self._sample = sample
        self._picture = picture
        self._reserve = reserve
        self._malformed = 0
        self._lost = False
        self.uploaded = ""

    def attempt(self) -> Outcome:
        """Upload the picture if it is not there, and have it tagged.

        Raises `Unavailable` where another attempt may help, and what `Client` raises.
        """
        call = self._reserve(0 if self.uploaded else len(self._picture))
        try:
            self.uploaded = self.uploaded or self._client.upload(self._picture)
        except (EngineError, Refused):
            call.settle(units=0, cost_usd=0.0)
            raise
        began = time.monotonic()
        result = self._tagged(call)
        call.settle(units=1, cost_usd=0.0)
        return self._outcome(result, took_s=time.monotonic() - began)

    def upload(self) -> None:
        """Upload the picture and no more, which Imagga does not count."""
        call = self._reserve(len(self._picture))
        try:
            self.uploaded = self._client.upload(self._picture)
        finally:
            call.settle(units=0, cost_usd=0.0)

    def _tagged(self, call: Call) -> dict[str, object]:
        """Return the answer. A call that may have been counted stays reserved."""
        try:
            return self._client.tags(self.uploaded)
        except (EngineError, Refused) as exc:
            if not (isinstance(exc, Passing) and exc.in_doubt):
                call.settle(units=0, cost_usd=0.0)
            if isinstance(exc, Refused) and exc.status == NOT_FOUND and not self._lost:
                self._lost, self.uploaded = True, ""
                said = "Imagga has lost an upload; what was answered is kept."
                raise Unavailable(f"{said} {LATER}") from exc
            raise

    def _outcome(self, result: dict[str, object], *, took_s: float) -> Outcome:
        at_s = self._sample.frames[0].at_s
        found = labels(result, self._options.language, at_s=at_s)
        if found is not None:
            model = self._options.tagger or "imagga"
            frames = () if at_s is None else (at_s,)
            return Labelled(self._sample.id, found, model, took_s=took_s, frames=frames)
        self._malformed += 1
        if self._malformed < _TWICE:
            raise Unavailable(f"Imagga gave an answer without tags. {LATER}")
        reason = "Imagga gave an answer without tags, twice; try again later."
        return Failed(self._sample.id, reason, retryable=True)
