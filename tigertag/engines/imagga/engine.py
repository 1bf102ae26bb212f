"""Imagga as an engine: a picture is uploaded, tagged by the upload's id, and deleted there."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from threading import Event, Lock
from typing import Final

from tigertag.contracts import (
    Call,
    Capabilities,
    Failed,
    Host,
    Labelled,
    Outcome,
    RunContext,
    evenly,
)
from tigertag.engines.imagga.account import Account, found
from tigertag.engines.imagga.asking import NOT_FOUND, Asking
from tigertag.engines.imagga.client import MOST_AT_ONCE, Client, Refused
from tigertag.engines.imagga.options import Options
from tigertag.engines.imagga.usage import Usage
from tigertag.errors import EngineError, ModelError, Unavailable
from tigertag.model import Media, Sample
from tigertag.net import holding
from tigertag.net.patience import is_cancelled
from tigertag.remote.afterwards import Afterwards
from tigertag.remote.crew import Crew
from tigertag.remote.gate import Gate
from tigertag.remote.jpeg import jpeg
from tigertag.remote.once import LATER, Passing
from tigertag.remote.stumbling import Stumbling, may_be_of_one, plain, stumbled

SHORT_SIDE_PX: Final = 300
MIN_CONFIDENCE: Final = 0.4
CAUTIOUS: Final = 2
_FORBIDDEN: Final = 403
_TOO_MANY_MALFORMED: Final = 5

logger = logging.getLogger(__name__)


def build(id: str, options: Options, host: Host) -> "Imagga":
    """Return the engine. Does no I/O."""
    return Imagga(id, options, host)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What `open` makes: threads that ask, and threads that tidy up."""

    crew: Crew
    afterwards: Afterwards


class Imagga:
    """The service as an engine. Keeps to `Engine` and `Checkable`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._http = host.http
        self._gate = Gate(CAUTIOUS)
        self._client = Client(id, options, host.http, self._gate)
        self._account = Account(host.kept)
        self._lock = Lock()
        self._reading = Lock()
        self._counting = Lock()
        self._closing = Event()
        self._ready: _Ready | None = None
        self._malformed = 0
        self._stumbling = Stumbling()

    @property
    def fingerprint(self) -> str:
        told = self._options
        parts = (told.api_url, told.tagger, told.language, told.limit, SHORT_SIDE_PX)
        return f"imagga:{sha256(repr(parts).encode()).hexdigest()}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=SHORT_SIDE_PX,
            max_concurrency=self._gate.most,
            units_per_item=1,
            min_confidence=MIN_CONFIDENCE,
        )

    def open(self) -> None:
        """See `Engine`. Reads how much is used, and how many calls at once are allowed."""
        with holding(self._lock):
            if self._ready is None:
                self._account.learn(self._first_reading())
                most = min(self._account.usage.at_once or CAUTIOUS, MOST_AT_ONCE)
                self._gate.allow(most)
                self._closing.clear()
                crew = Crew(self.id, most + max(1, most // 2))
                self._ready = _Ready(crew, Afterwards(self.id, most))

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. Each label is scored on its own; of a video one frame goes."""
        ready = self._ready
        if ready is None:
            raise Unavailable(f"Engine {self.id} is not open.")
        yield from ready.crew.tag(batch, partial(self._ask, ready), run)

    def check(self) -> str:
        """See `Checkable`. Raises `QuotaExhausted` where the month is used up."""
        usage = self._read_patiently()
        self._account.learn(usage)
        self._stop_if_used_up()
        return found(usage)

    def close(self) -> None:
        """Wait for what is under way, also for the deletes."""
        with self._lock:
            ready, self._ready = self._ready, None
            if ready is not None:
                ready.crew.close()
                self._closing.set()
                ready.afterwards.close()
                self._account.tell()

    def _ask(self, ready: _Ready, sample: Sample, run: RunContext) -> Outcome:
        self._stop_if_used_up()
        asking = self._asking(sample, run)
        since_s = time.monotonic()
        probe = partial(self._is_plain_one_taken, ready, asking, sample, run)
        try:
            outcome = self._http.patiently(asking.attempt, cancelled=run.cancelled)
        except Refused as exc:
            self._stop_if_not_of_the_picture(exc)
            return self._refused(exc, sample, probe, since_s=since_s)
        except Passing as exc:
            if run.cancelled() or not may_be_of_one(exc):
                raise
            # It may have gone down only just now, over this picture.
            if not self._stumbling.others_are_answered(probe, since_s=time.monotonic()):
                raise
            return Failed(sample.id, stumbled("Imagga", exc), retryable=False)
        finally:
            if asking.uploaded:
                ready.afterwards.do(partial(self._delete, asking.uploaded))
        self._stop_if_malformed(outcome)
        if isinstance(outcome, Labelled):
            self._stumbling.answered()
        if self._account.count():
            ready.afterwards.do(self._read_again)
        return outcome

    def _asking(self, sample: Sample, run: RunContext) -> Asking:
        sample = replace(sample, frames=evenly(sample.frames, 1))
        picture = jpeg(sample.frames[0], short_side_px=SHORT_SIDE_PX)

        def reserve(size_bytes: int) -> Call:
            host = self._client.host
            return run.calls.reserve(sample.id, host=host, size_bytes=size_bytes, units=1)

        return Asking(self._client, self._options, sample, picture, reserve)

    def _stop_if_not_of_the_picture(self, exc: Refused) -> None:
        if exc.status == _FORBIDDEN:
            self._read_again()
            raise self._account.error() from exc
        if exc.status == NOT_FOUND:
            raise self._not_found() from exc

    def _refused(
        self, exc: Refused, sample: Sample, probe: Callable[[], bool], *, since_s: float
    ) -> Failed:
        """Say what a refusal means: for this picture, or for all of them."""
        if not self._stumbling.others_are_answered(probe, since_s=since_s):
            raise EngineError(
                f"Imagga refuses every picture ({exc.status}{exc.why}); what was answered is kept."
                f" Check ENGINE_{self.id.upper()}_API_URL."
            ) from exc
        reason = f"Imagga refused the picture: {exc.status}{exc.why}."
        return Failed(sample.id, reason, retryable=False)

    def _is_plain_one_taken(
        self, ready: _Ready, refused: Asking, sample: Sample, run: RunContext
    ) -> bool:
        """Whether Imagga takes a plain picture as far as it refused another.

        That costs nothing where the upload was refused, else what a picture costs.
        """
        asking = self._asking(plain(sample.id), run)
        try:
            if refused.uploaded:
                asking.attempt()
            else:
                asking.upload()
        except Refused as exc:
            self._stop_if_not_of_the_picture(exc)
            return False
        finally:
            if asking.uploaded:
                ready.afterwards.do(partial(self._delete, asking.uploaded))
        return True

    def _not_found(self) -> EngineError:
        stem, tagger = f"ENGINE_{self.id.upper()}", self._options.tagger
        if tagger:
            return ModelError(
                f"Imagga knows no tagger {tagger!r} (404); what was answered is kept. Check"
                f" {stem}_TAGGER."
            )
        return Unavailable(
            f"{self._options.api_url} answered 404; what was answered is kept. Check"
            f" {stem}_API_URL."
        )

    def _stop_if_used_up(self) -> None:
        if self._account.used_up:
            self._read_again()
            if self._account.used_up:
                raise self._account.error()

    def _stop_if_malformed(self, outcome: Outcome) -> None:
        with self._counting:
            self._malformed = self._malformed + 1 if isinstance(outcome, Failed) else 0
            malformed = self._malformed
        if malformed >= _TOO_MANY_MALFORMED:
            raise Unavailable(
                f"Imagga gave {malformed} answers without tags in a row; what was answered"
                f" is kept. {LATER}"
            )

    def _delete(self, upload: str) -> None:
        """Delete an upload, if that can be done: what was said of it does not depend on it."""
        try:
            self._http.patiently(
                partial(self._client.delete, upload), cancelled=self._closing.is_set
            )
        except (EngineError, Refused) as exc:
            logger.warning("engine %s: upload %s could not be deleted: %s", self.id, upload, exc)

    def _first_reading(self) -> Usage:
        """Read the usage, or go on without it where Imagga can be reached."""
        try:
            return self._read_patiently()
        except Passing as exc:
            if exc.status is None or is_cancelled():
                raise
            logger.warning("engine %s: the usage could not be read: %s", self.id, exc)
            return Usage()

    def _read_again(self) -> None:
        """Read the usage anew, unless that has just been done, and if it can be read."""
        with holding(self._reading):
            if self._account.fresh:
                return
            try:
                self._account.learn(self._client.usage())
            except (EngineError, Refused) as exc:
                logger.warning("engine %s: the usage could not be read: %s", self.id, exc)
                self._account.tell()

    def _read_patiently(self) -> Usage:
        """Raises `EngineError`."""
        try:
            return self._http.patiently(self._client.usage)
        except Refused as exc:
            if exc.status == _FORBIDDEN:
                raise self._account.error() from exc
            raise Passing(
                f"Imagga does not tell the usage: it answered {exc.status}{exc.why}.",
                in_doubt=False,
                status=exc.status,
            ) from exc
