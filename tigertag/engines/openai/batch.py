"""The engine that asks in batches: half the price, up to a day."""

import json
import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from tigertag.contracts import Collected, Failed, Prepared, Progress
from tigertag.engines.http.errors import Fault
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.engine import VisionModel
from tigertag.engines.openai.faults import (
    WEB_PAGE,
    is_about_content,
    is_lasting,
    redacted,
    text_of,
)
from tigertag.engines.openai.request import RequestFormat
from tigertag.errors import EngineError, RefusesAll
from tigertag.model import Sample

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import Batch, BatchError

MARK: Final = "tigertag"
"""The metadata that holds the token, and what the names of uploads begin with."""
REMEMBERED_S: Final = 30 * 86_400.0
"""How far back a batch and its files are looked for: so long does the service keep them."""
LINES_AT_A_TIME: Final = 200

_ENDED = frozenset({"completed", "expired", "cancelled"})
_NOT_DONE = frozenset({"batch_expired", "batch_cancelled"})
_MAY_PASS = ("token_limit", "rate_limit", "quota", "server_error", "internal", "unavailable")
_NO_BATCH_API = frozenset({404, 405, 501})
_ENDED_ALREADY = frozenset({400, 404, 409})
_MOST_REASONS = 3
_PAGE = 100
_OK, _GONE = 200, 404

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RefusedLine(Collected):
    """A line that was refused, and would be again: for what it holds, or as all others are."""


class DeferredVision(VisionModel):
    """A model that is asked by batches. Keeps to `DeferredEngine` and `Checkable`."""

    max_lines: Final = 50_000
    max_bytes: Final = 200_000_000

    @property
    def price_share(self) -> float:
        return self.price.batch if self.price else 1.0

    def prepare(self, sample: Sample) -> Prepared | Failed:
        """See `DeferredEngine`."""
        request = self.requests.build(sample)
        if isinstance(request, Failed):
            return request
        entry = {
            "custom_id": sample.id,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": self.requests.body(request, RequestFormat()),
        }
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        bound_usd = request.bound_usd * self.price_share
        return Prepared(sample.id, line, request.size_bytes, bound_usd)

    def submit(self, lines: Path, token: str) -> str:
        """See `DeferredEngine`. A token that has a batch gets no second one, however that ended.

        What an earlier try uploaded under this token is deleted, and uploaded anew.
        """
        batch = self.find(token)
        if batch is not None:
            return batch
        file = self.ask_repeatedly(lambda: self._uploaded(lines, token))
        # An answer may have been lost: before each try the batch is looked for.
        return self._ask(lambda sdk: _found(sdk, token) or _started(sdk, file, token))

    def find(self, token: str) -> str | None:
        """See `DeferredEngine`. Looks through the batches of the last 30 days."""
        return self._ask(lambda sdk: _found(sdk, token))

    def poll(self, batch: str) -> Progress:
        """See `DeferredEngine`. What expired or was cancelled has ended: some of it may be done."""
        label, status = self.service.label, self._status(batch)
        if status is None:
            return Progress("gone", reason=f"{label} does not know the batch any more.")
        counts = status.request_counts
        done = _count(counts, "completed") + _count(counts, "failed")
        total = _count(counts, "total")
        if status.status == "failed":
            reason, again = _why_failed(status)
            return Progress("failed", done, total, f"{label} refused the batch: {reason}.", again)
        return Progress("ended" if status.status in _ENDED else "running", done, total)

    def collect(self, batch: str) -> Iterator[Collected]:
        """See `DeferredEngine`. What expired or was cancelled unasked has no outcome."""
        held: list[Collected] = []
        answers = False
        for collected in self._each_collected(batch):
            answers = answers or _is_answered(collected)
            if isinstance(collected, RefusedLine) and not answers:
                held.append(collected)
                continue
            if answers:
                yield from held
                held.clear()
            yield collected
        if len(held) > 1 and isinstance(held[0].outcome, Failed):
            raise RefusesAll(
                f"{self.service.label} refused every picture of a batch. {held[0].outcome.reason}"
                f" Check {self.stem}MODEL, then scan again."
            )
        yield from held

    def _each_collected(self, batch: str) -> Iterator[Collected]:
        status = self._status(batch)
        seen = set[str]()
        for file in _results(status) if status else ():
            for line in self._lines(file):
                collected = self._collected(line)
                if collected is not None and collected.sample not in seen:
                    seen.add(collected.sample)
                    yield collected

    def cancel(self, batch: str) -> None:
        """See `DeferredEngine`. One that has ended is left as it is."""
        self._ask(lambda sdk: sdk.batches.cancel(batch), unless=_has_ended)

    def clear(self, batch: str, token: str) -> None:
        """See `DeferredEngine`. `batch` may be "": then only what was uploaded is deleted."""
        status = self._status(batch) if batch else None
        files = {status.input_file_id, *_results(status)} if status else set[str]()
        files |= set(self._ask(lambda sdk: _uploads(sdk, token)))
        for file in sorted(filter(None, files)):
            self.ask_repeatedly(partial(self._delete, file))

    def check_service(self) -> None:
        """Find out now, not when a batch is full, whether there is a Batch API."""
        super().check_service()
        self._once(lambda sdk: next(_batches(sdk), None))

    def _ask(
        self, ask: Callable[["OpenAI"], T], *, unless: Callable[[Fault], bool] | None = None
    ) -> T:
        """Ask what may be asked twice. Raises `EngineError`."""
        return self.ask_repeatedly(lambda: self._once(ask, unless=unless))

    def _once(
        self, ask: Callable[["OpenAI"], T], *, unless: Callable[[Fault], bool] | None = None
    ) -> T:
        """Ask once; raise `Fault`, or return None for one that `unless` lets pass."""
        try:
            with self.client.sdk() as sdk:
                return ask(sdk)
        except Fault as fault:
            if unless is not None and unless(fault):
                return cast(T, None)
            if fault.status in _NO_BATCH_API:
                raise EngineError(
                    f"{self.service.label} has no Batch API; set {self.stem}MODE=now."
                ) from None
            raise

    def _status(self, batch: str) -> "Batch | None":
        def retrieve(sdk: "OpenAI") -> "Batch | None":
            status = sdk.batches.retrieve(batch)
            text_of(status, "status")
            return status

        return self._ask(retrieve, unless=lambda fault: _is_gone(fault) and fault.text != WEB_PAGE)

    def _uploaded(self, lines: Path, token: str) -> str:
        for earlier in self._once(lambda sdk: _uploads(sdk, token)):
            self._delete(earlier)
        with lines.open("rb") as content:
            upload = (_file_name(token), content, "application/jsonl")
            return self._once(
                lambda sdk: text_of(sdk.files.create(file=upload, purpose="batch"), "id")
            )

    def _delete(self, file: str) -> None:
        self._once(lambda sdk: sdk.files.delete(file), unless=_is_gone)

    def _lines(self, file: str) -> Iterator[bytes]:
        """Yield the lines of a file at the service; read on where a connection was cut."""
        read = 0
        rest: Generator[bytes] | None = None

        def next_block() -> list[bytes]:
            nonlocal rest
            rest = rest or self._lines_behind(read, file)
            try:
                return list(islice(rest, LINES_AT_A_TIME))
            except Fault as fault:
                rest = None
                if not _is_gone(fault):
                    raise
                logger.warning("engine %s: file %s of a batch is gone", self.id, file)
                return []

        try:
            while block := self.ask_repeatedly(next_block):
                read += len(block)
                yield from block
        finally:
            if rest is not None:
                rest.close()

    def _lines_behind(self, count: int, file: str) -> Generator[bytes]:
        with (
            self.client.sdk() as sdk,
            sdk.files.with_streaming_response.content(file) as response,
        ):
            yield from islice(_split(response.iter_bytes()), count, None)

    def _collected(self, line: bytes) -> Collected | None:
        """Return what a line says of its sample; None where it says nothing."""
        try:
            entry = json.loads(line)
            sample, response, error = entry["custom_id"], entry.get("response"), entry.get("error")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            logger.warning("engine %s: a line of a batch cannot be read, skipped", self.id)
            return None
        if not isinstance(sample, str):
            logger.warning("engine %s: a line of a batch names no sample, skipped", self.id)
            return None
        if isinstance(response, dict):
            return self._answered(sample, response.get("status_code"), response.get("body"))
        if _code(error) in _NOT_DONE:
            return Collected(sample, None, 0, 0.0)
        failed = Failed(sample, f"It was not answered: {_message(error)}.", retryable=True)
        return Collected(sample, failed, 0, 0.0)

    def _answered(self, sample: str, status: Any, body: Any) -> Collected:
        if status != _OK:
            error = body.get("error") if isinstance(body, dict) else None
            text = _message(error)
            fault = Fault(text, status if isinstance(status, int) else None, _code(error))
            lasts = is_lasting(fault)
            reason = f"It was answered with {status}: {text}."
            kind = RefusedLine if lasts and not is_about_content(fault) else Collected
            return kind(sample, Failed(sample, reason, retryable=not lasts), 0, 0.0)
        completion = Completion.parse(body)
        cost_usd = self.cost_usd(completion.usage if completion else None)
        outcome = read(sample, completion, model=self.options.model, cost_usd=cost_usd or 0.0)
        return Collected(sample, outcome, self.units, cost_usd)


def _split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines; only a line feed ends one: JSON may hold what else Unicode has for that."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


def _batches(sdk: "OpenAI") -> Iterator[tuple[str, "Batch"]]:
    """Yield the batches under their ids, the newest first."""
    return ((text_of(batch, "id"), batch) for batch in sdk.batches.list(limit=_PAGE))


def _found(sdk: "OpenAI", token: str) -> str | None:
    """Return the batch of a token, if there is one."""
    since = time.time() - REMEMBERED_S
    for id, batch in _batches(sdk):
        if isinstance(batch.metadata, dict) and batch.metadata.get(MARK) == token:
            return id
        if (_count(batch, "created_at") or since) < since:
            break
    return None


def _started(sdk: "OpenAI", file: str, token: str) -> str:
    batch = sdk.batches.create(
        input_file_id=file,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={MARK: token},
    )
    return text_of(batch, "id")


def _uploads(sdk: "OpenAI", token: str) -> list[str]:
    """Return the files that were sent for a batch of this token."""
    since, files = time.time() - REMEMBERED_S, list[str]()
    for file in sdk.files.list(purpose="batch", limit=_PAGE, order="desc"):
        if (_count(file, "created_at") or since) < since:
            break
        if getattr(file, "filename", "") == _file_name(token):
            files.append(text_of(file, "id"))
    return files


def _is_gone(fault: Fault) -> bool:
    return fault.status == _GONE


def _has_ended(fault: Fault) -> bool:
    return fault.status in _ENDED_ALREADY


def _file_name(token: str) -> str:
    return f"{MARK}-{token}.jsonl"


def _count(answer: object, name: str) -> int:
    """Return a number that a server may have left out: the SDK does not check."""
    value = getattr(answer, name, None)
    return value if isinstance(value, int) else 0


def _is_answered(collected: Collected) -> bool:
    """Whether the service has looked at what a line holds, be it to find that it says nothing."""
    outcome = collected.outcome
    failed = isinstance(outcome, Failed) and outcome.retryable
    return not (isinstance(collected, RefusedLine) or outcome is None or failed)


def _results(batch: "Batch") -> tuple[str, ...]:
    """The files with what came of it, either of which a batch may be without."""
    return tuple(file for file in (batch.output_file_id, batch.error_file_id) if file)


def _why_failed(batch: "Batch") -> tuple[str, bool]:
    """Say in one clause why a batch failed as a whole, and whether another try may help."""
    errors = (batch.errors.data if batch.errors else None) or []
    reasons = list(dict.fromkeys(map(_reason, errors)))
    may_pass = bool(errors) and all(
        any(word in (error.code or "") for word in _MAY_PASS) for error in errors
    )
    more = f" and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
    return "; ".join(reasons[:_MOST_REASONS]) + more or "no reason is given", may_pass


def _reason(error: "BatchError") -> str:
    where = f"line {error.line}: " if error.line else ""
    return where + redacted(error.message or error.code or "no reason is given").rstrip(".")


def _code(error: Any) -> str:
    return str(error.get("code")) if isinstance(error, dict) else ""


def _message(error: Any) -> str:
    text = error.get("message") if isinstance(error, dict) else error
    return redacted(text).rstrip(".") if isinstance(text, str) and text else "no reason is given"
