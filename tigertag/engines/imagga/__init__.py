"""Imagga as an engine: a picture is uploaded, tagged by the upload's id, and deleted there."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from tigertag.engines.http.concurrency import BackgroundJobs, ConcurrencyLimiter, RequestPool
from tigertag.engines.http.errors import RequestRefused, ServiceUnavailable, settle_failed
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.engines.http.outage import OutageDetector, plain
from tigertag.engines.imagga.account import Account, AccountUsage
from tigertag.engines.imagga.client import (
    FORBIDDEN,
    MOST_AT_ONCE,
    NOT_FOUND,
    ImaggaClient,
    Options,
    labels,
)
from tigertag.errors import EngineError, ModelError, Unavailable
from tigertag.model import Media, Sample
from tigertag.net import holding, is_cancelled

__all__ = ["Imagga", "Options", "build"]

SHORT_SIDE_PX: Final = 300
MIN_CONFIDENCE: Final = 0.4
CAUTIOUS: Final = 2
_MALFORMED_TWICE: Final = 2

logger = logging.getLogger(__name__)


class Imagga:
    """The service as an engine. Keeps to `Engine` and `Checkable`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._http = host.http
        self._limiter = ConcurrencyLimiter(CAUTIOUS, host.slots)
        self._client = ImaggaClient(id, options, host.http, self._limiter)
        self._account = Account(host.state)
        self._outage = OutageDetector(self._client.service)
        self._lock, self._reading = Lock(), Lock()
        self._background = BackgroundJobs(id, MOST_AT_ONCE)
        self._pool: RequestPool | None = None
        self._closing = Event()

    @property
    def fingerprint(self) -> str:
        options = self._options
        parts = (options.api_url, options.tagger, options.language, options.limit, SHORT_SIDE_PX)
        return f"imagga:{sha256(repr(parts).encode()).hexdigest()}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=SHORT_SIDE_PX,
            max_concurrency=self._limiter.limit,
            units_per_item=1,
            min_confidence=MIN_CONFIDENCE,
        )

    def open(self) -> None:
        """See `Engine`. Reads how much is used, and how many calls at once are allowed."""
        with holding(self._lock):
            if self._pool is None:
                self._account.update(self._first_usage())
                most = min(self._account.usage.at_once or CAUTIOUS, MOST_AT_ONCE)
                self._limiter.allow(most)
                self._closing.clear()
                # A few more threads than requests: they encode while the others wait.
                self._pool = RequestPool(self.id, most + max(1, most // 2))

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. Each label is scored on its own; of a video one frame is sent."""
        pool = self._pool
        if pool is None:
            raise Unavailable(f"Engine {self.id} is not open.")
        yield from pool.tag(batch, self._ask, run)

    def check(self) -> str:
        """See `Checkable`. Raises `QuotaExhausted` where the month is used up."""
        usage = self._usage()
        self._account.update(usage)
        self._stop_if_used_up()
        at_once = "" if usage.at_once is None else f", {usage.at_once} at once"
        return f"Imagga: {usage.sentence('%-d %B %Y', more=at_once)}."

    def close(self) -> None:
        """Wait for what is under way, also for the deletes."""
        with self._lock:
            pool, self._pool = self._pool, None
            if pool is not None:
                pool.close()
                self._closing.set()
                self._background.close()
                self._account.show()

    def _ask(self, sample: Sample, run: RunContext) -> Outcome:
        self._stop_if_used_up()
        request = TagRequest(self._client, self._options, sample, run)

        def ask() -> Outcome:
            with self._sending(request):
                outcome = self._http.retry(request.attempt, cancelled=run.cancelled)
            if isinstance(outcome, Labelled):
                self._outage.answered()
            else:
                self._outage.unreadable()
            if self._account.count():
                self._background.submit(self._read_usage_again)
            return outcome

        def probe() -> None:
            plain_request = TagRequest(self._client, self._options, plain(sample.id), run)
            with self._sending(plain_request):
                # As far as the picture was refused: an upload costs nothing, a tagging does.
                if request.uploaded:
                    plain_request.attempt()
                else:
                    plain_request.upload()

        return self._outage.outcome(sample.id, ask, probe)

    @contextmanager
    def _sending(self, request: "TagRequest") -> Iterator[None]:
        """Delete the upload afterwards; raise what concerns all pictures as such."""
        tagger = self._options.tagger
        try:
            yield
        except RequestRefused as exc:
            if exc.fault.status == FORBIDDEN:
                self._read_usage_again()
                raise self._account.error() from exc
            if exc.fault.status == NOT_FOUND and tagger:
                raise ModelError(
                    f"Imagga has no tagger {tagger!r} (404); earlier results are kept. Check"
                    f" ENGINE_{self.id.upper()}_TAGGER."
                ) from exc
            if exc.fault.status == NOT_FOUND:
                raise self._client.service.unavailable(exc.fault) from exc
            raise
        finally:
            if request.uploaded:
                self._background.submit(partial(self._delete, request.uploaded))

    def _stop_if_used_up(self) -> None:
        if self._account.is_used_up:
            self._read_usage_again()
            if self._account.is_used_up:
                raise self._account.error()

    def _delete(self, upload: str) -> None:
        """Delete an upload if that can be done: its answer does not depend on it."""
        delete = partial(self._client.delete, upload)
        try:
            self._http.retry(delete, cancelled=self._closing.is_set)
        except EngineError as exc:
            logger.warning("engine %s: upload %s could not be deleted: %s", self.id, upload, exc)

    def _first_usage(self) -> AccountUsage:
        """Read the usage, or go on without it where Imagga can be reached."""
        try:
            return self._usage()
        except (ServiceUnavailable, RequestRefused) as exc:
            if exc.fault.status is None or is_cancelled():
                raise
            logger.warning("engine %s: the usage could not be read: %s", self.id, exc)
            return AccountUsage()

    def _read_usage_again(self) -> None:
        """Read the usage again, unless that has just been done, and if it can be read."""
        with holding(self._reading):
            if self._account.is_fresh:
                return
            try:
                self._account.update(self._client.usage())
            except EngineError as exc:
                logger.warning("engine %s: the usage could not be read: %s", self.id, exc)
                self._account.show()

    def _usage(self) -> AccountUsage:
        """Raises `EngineError`."""
        try:
            return self._http.retry(self._client.usage)
        except RequestRefused as exc:
            if exc.fault.status == FORBIDDEN:
                raise self._account.error() from exc
            raise


def build(id: str, options: Options, host: Host) -> Imagga:
    """Return the engine. Does no I/O."""
    return Imagga(id, options, host)


class TagRequest:
    """One sample on its way, attempt by attempt.

    `uploaded` is the id of its picture at Imagga, "" while there is none.
    """

    def __init__(
        self, client: ImaggaClient, options: Options, sample: Sample, run: RunContext
    ) -> None:
        self._client = client
        self._options = options
        self._sample = sample
        self._run = run
        (self._frame,) = evenly(sample.frames, 1)
        self._picture = to_jpeg(self._frame, short_side_px=SHORT_SIDE_PX)
        self._malformed = 0
        self._was_lost = False
        self.uploaded = ""

    def attempt(self) -> Outcome:
        """Upload the picture if it is not there, and have it tagged.

        Raises `Unavailable` where another attempt may help, and what the client raises.
        """
        call = self._reserve(0 if self.uploaded else len(self._picture))
        try:
            self.uploaded = self.uploaded or self._client.upload(self._picture)
        except EngineError:
            # Imagga counts taggings, not uploads.
            call.settle(units=0, cost_usd=0.0)
            raise
        since_s = time.monotonic()
        result = self._tags(call)
        call.settle(units=1, cost_usd=0.0)
        return self._outcome(result, took_s=time.monotonic() - since_s)

    def upload(self) -> None:
        """Upload the picture and no more, which Imagga does not count."""
        call = self._reserve(len(self._picture))
        try:
            self.uploaded = self._client.upload(self._picture)
        finally:
            call.settle(units=0, cost_usd=0.0)

    def _reserve(self, size_bytes: int) -> Call:
        host = self._client.host
        return self._run.calls.reserve(self._sample.id, host=host, size_bytes=size_bytes, units=1)

    def _tags(self, call: Call) -> dict[str, object]:
        try:
            return self._client.tags(self.uploaded)
        except EngineError as exc:
            settle_failed(call, exc)
            is_lost = isinstance(exc, RequestRefused) and exc.fault.status == NOT_FOUND
            if is_lost and not self._was_lost:
                self._was_lost, self.uploaded = True, ""
                raise Unavailable("Imagga has lost an upload; earlier results are kept.") from exc
            raise

    def _outcome(self, result: dict[str, object], *, took_s: float) -> Outcome:
        at_s = self._frame.at_s
        tags = labels(result, self._options.language, at_s=at_s)
        if tags is not None:
            model = self._options.tagger or "imagga"
            frames = () if at_s is None else (at_s,)
            return Labelled(self._sample.id, tags, model, took_s=took_s, frames=frames)
        self._malformed += 1
        if self._malformed < _MALFORMED_TWICE:
            raise Unavailable("Imagga gave an answer without tags; TigerTag tries again.")
        reason = "Imagga gave an answer without tags, twice; try again later."
        return Failed(self._sample.id, reason, retryable=True)
