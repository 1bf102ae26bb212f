"""The engine that asks in batches: half the price, up to a day."""

import json
import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tigertag.contracts import Collected, Failed, Prepared, Progress
from tigertag.engines.http.errors import Fault
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.engine import VisionModel
from tigertag.engines.openai.faults import WEB_PAGE, is_about_content, is_lasting, redacted
from tigertag.engines.openai.request import RequestFormat
from tigertag.errors import EngineError, RefusesAll
from tigertag.model import Sample

if TYPE_CHECKING:
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

    def open(self) -> None:
        """See `Engine`. Finds out now, not when a batch is full, whether there is a Batch API."""
        if self.is_open:
            return
        super().open()
        try:
            self._ask(lambda: next(self.client.batches(), None))
        except BaseException:
            self.close()
            raise

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
        file = self._ask(lambda: self._uploaded(lines, token))
        # An answer may have been lost: before each try the batch is looked for.
        return self._ask(lambda: self._found(token) or self.client.start(file, {MARK: token}))

    def find(self, token: str) -> str | None:
        """See `DeferredEngine`. Looks through the batches of the last 30 days."""
        return self._ask(lambda: self._found(token))

    def poll(self, batch: str) -> Progress:
        """See `DeferredEngine`. What expired or was cancelled has ended: some of it may be done."""
        label, status = self.service.label, self._ask(lambda: self._batch(batch))
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
        status = self._ask(lambda: self._batch(batch))
        seen = set[str]()
        for file in _results(status) if status else ():
            for line in self._lines(file):
                collected = self._collected(line)
                if collected is not None and collected.sample not in seen:
                    seen.add(collected.sample)
                    yield collected

    def cancel(self, batch: str) -> None:
        """See `DeferredEngine`. One that has ended is left as it is."""
        self._ask(lambda: _unless(_ENDED_ALREADY, partial(self.client.cancel, batch)))

    def clear(self, batch: str, token: str) -> None:
        """See `DeferredEngine`. `batch` may be "": then only what was uploaded is deleted."""
        status = self._ask(lambda: self._batch(batch)) if batch else None
        files = {status.input_file_id, *_results(status)} if status else set[str]()
        files |= set(self._ask(lambda: self._uploads(token)))
        for file in sorted(filter(None, files)):
            self._ask(partial(self._delete, file))

    def _ask(self, ask: Callable[[], T]) -> T:
        """Ask what may be asked twice. Raises `EngineError`."""
        self.client  # noqa: B018

        def attempt() -> T:
            try:
                return ask()
            except Fault as fault:
                if fault.status in _NO_BATCH_API:
                    raise EngineError(
                        f"{self.service.label} has no Batch API; set {self.stem}MODE=now."
                    ) from None
                raise

        return self.ask_repeatedly(attempt)

    def _found(self, token: str) -> str | None:
        since = time.time() - REMEMBERED_S
        for batch in self.client.batches():
            if isinstance(batch.metadata, dict) and batch.metadata.get(MARK) == token:
                return batch.id
            if (_count(batch, "created_at") or since) < since:
                break
        return None

    def _batch(self, batch: str) -> "Batch | None":
        try:
            return self.client.batch(batch)
        except Fault as fault:
            if fault.status == _GONE and fault.text != WEB_PAGE:
                return None
            raise

    def _uploaded(self, lines: Path, token: str) -> str:
        for file in self._uploads(token):
            self._delete(file)
        return self.client.upload(lines, _file_name(token))

    def _uploads(self, token: str) -> list[str]:
        return list(self.client.uploads(_file_name(token), REMEMBERED_S))

    def _delete(self, file: str) -> None:
        _unless({_GONE}, partial(self.client.delete, file))

    def _lines(self, file: str) -> Iterator[bytes]:
        """Yield the lines of a file at the service; read on where a connection was cut."""
        reader = _LineReader(self, file)
        try:
            while block := self.ask_repeatedly(reader.next_block):
                yield from block
        finally:
            reader.hang_up()

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


class _LineReader:
    """Reads a file block by block; after a fault it goes on behind the last block.

    Lines end with a line feed and nothing else: what else ends a line in Unicode may stand within
    JSON.
    """

    def __init__(self, engine: DeferredVision, file: str) -> None:
        self._engine = engine
        self._file = file
        self._read = 0
        self._rest: Generator[bytes] | None = None

    def next_block(self) -> list[bytes]:
        """Return some lines, none at the end, or where the file is gone. Raises `Fault`."""
        try:
            if self._rest is None:
                self._rest = self._lines()
            block = list(islice(self._rest, LINES_AT_A_TIME))
        except Fault as fault:
            self.hang_up()
            if fault.status != _GONE:
                raise
            logger.warning("engine %s: file %s of a batch is gone", self._engine.id, self._file)
            return []
        self._read += len(block)
        return block

    def hang_up(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.close()

    def _lines(self) -> Generator[bytes]:
        with self._engine.client.content(self._file) as blocks:
            yield from islice(_split(blocks), self._read, None)


def _split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


def _unless(statuses: "frozenset[int] | set[int]", ask: Callable[[], None]) -> None:
    """Ask; a fault with one of these statuses does not matter."""
    try:
        ask()
    except Fault as fault:
        if fault.status not in statuses:
            raise


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
