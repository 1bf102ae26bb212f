"""Asking in batches: half the price, up to a day."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tigertag.contracts import Capabilities, Collected, Failed, Host, Prepared, Progress
from tigertag.engines.openai_vision.core import Core
from tigertag.engines.openai_vision.dialect import Dialect
from tigertag.engines.openai_vision.faults import WEB_PAGE, Fault, redacted
from tigertag.engines.openai_vision.lines import Lines, Refusal, collected
from tigertag.engines.openai_vision.options import Options
from tigertag.errors import EngineError, RefusesAll
from tigertag.model import Sample

if TYPE_CHECKING:
    from openai.types import Batch, BatchError

MAX_LINES: Final = 50_000
MAX_BYTES: Final = 200_000_000
MARK: Final = "tigertag"
"""The metadata that holds the token, and what the names of uploads begin with."""
REMEMBERED_S: Final = 30 * 86_400.0
"""How far back a batch and its files are looked for: so long does the service keep them."""

_ENDED = frozenset({"completed", "expired", "cancelled"})
_PASSES = ("token_limit", "rate_limit", "quota", "server_error", "internal", "unavailable")
_NO_SUCH = frozenset({404, 405, 501})
_ENDED_ALREADY = frozenset({400, 404, 409})
_REASONS = 3

T = TypeVar("T")


class DeferredVision:
    """A model that is asked by batches. Keeps to `DeferredEngine`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._core = Core(id, options, host)

    @property
    def fingerprint(self) -> str:
        """See `Engine`. That of asking at once: the answers are the same."""
        return self._core.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        return self._core.capabilities(share=self._share)

    @property
    def host(self) -> str:
        return self._core.host

    @property
    def max_lines(self) -> int:
        return MAX_LINES

    @property
    def max_bytes(self) -> int:
        return MAX_BYTES

    def open(self) -> None:
        """See `Engine`. A server without the Batch API is told now, not when a batch is full."""
        if self._core.open():
            try:
                self._asked(lambda: next(self._core.client.batches(), None))
            except BaseException:
                self._core.close()
                raise

    def close(self) -> None:
        """See `Engine`."""
        self._core.close()

    def check(self) -> str:
        """See `Checkable`."""
        self.open()
        return self._core.check()

    def prepare(self, sample: Sample) -> Prepared | Failed:
        """See `DeferredEngine`."""
        request = self._core.requests.made(sample)
        if isinstance(request, Failed):
            return request
        told = {
            "custom_id": sample.id,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": self._core.requests.body(request, Dialect()),
        }
        line = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        return Prepared(sample.id, line, request.size_bytes, request.bound_usd * self._share)

    def submit(self, lines: Path, token: str) -> str:
        """See `DeferredEngine`. A token that has a batch gets no second one, however that ended.

        What an earlier try uploaded under this token is deleted, and uploaded anew.
        """
        found = self.find(token)
        if found is not None:
            return found
        file = self._asked(lambda: self._uploaded(lines, token))
        return self._asked(lambda: self._found(token) or self._started(file, token))

    def find(self, token: str) -> str | None:
        """See `DeferredEngine`. Looks through the batches of the last 30 days."""
        return self._asked(lambda: self._found(token))

    def poll(self, batch: str) -> Progress:
        """See `DeferredEngine`. What expired or was cancelled has ended: some of it may be done."""
        found = self._asked(lambda: self._batch(batch))
        if found is None:
            return Progress("gone", reason=f"{self._label} does not know the batch any more.")
        counts = found.request_counts
        done, total = (
            _count(counts, "completed") + _count(counts, "failed"),
            _count(counts, "total"),
        )
        if found.status == "failed":
            reason, again = _why(found)
            return Progress(
                "failed", done, total, f"{self._label} refused the batch: {reason}.", again
            )
        if found.status in _ENDED:
            return Progress("ended", done, total)
        return Progress("running", done, total)

    def collect(self, batch: str) -> Iterator[Collected]:
        """See `DeferredEngine`. What expired or was cancelled unasked has no outcome."""
        held: list[Collected] = []
        answers = False
        for line in self._lines(batch):
            answers = answers or _is_answered(line)
            if isinstance(line, Refusal) and not answers:
                held.append(line)
                continue
            if answers:
                yield from held
                held.clear()
            yield line
        if len(held) > 1 and isinstance(held[0].outcome, Failed):
            raise RefusesAll(
                f"{self._label} refused every picture of a batch. {held[0].outcome.reason} Check"
                f" {self._core.stem}MODEL, then scan again."
            )
        yield from held

    def _lines(self, batch: str) -> Iterator[Collected]:
        found = self._asked(lambda: self._batch(batch))
        seen = set[str]()
        for file in _results(found) if found else ():
            for line in Lines(self._core, file):
                one = collected(line, self._core)
                if one is not None and one.sample not in seen:
                    seen.add(one.sample)
                    yield one

    def cancel(self, batch: str) -> None:
        """See `DeferredEngine`. One that has ended is left as it is."""

        def cancel() -> None:
            try:
                self._core.client.cancel(batch)
            except Fault as fault:
                if fault.status not in _ENDED_ALREADY:
                    raise

        self._asked(cancel)

    def clear(self, batch: str, token: str) -> None:
        """See `DeferredEngine`. `batch` may be "": then only what was uploaded is deleted."""
        found = self._asked(lambda: self._batch(batch)) if batch else None
        files = {found.input_file_id, *_results(found)} if found else set[str]()
        files |= set(self._asked(lambda: self._uploads(token)))
        for file in sorted(filter(None, files)):
            self._asked(partial(self._deleted, file))

    @property
    def _share(self) -> float:
        return self._core.known.batch if self._core.known else 1.0

    @property
    def _label(self) -> str:
        return self._core.meanings.label

    def _asked(self, ask: Callable[[], T]) -> T:
        """Ask what may be asked twice. Raises `EngineError`."""

        def attempt() -> T:
            try:
                return ask()
            except Fault as fault:
                if fault.status in _NO_SUCH:
                    raise self._without_batches() from None
                raise

        self._core.client  # noqa: B018
        return self._core.asked(attempt)

    def _without_batches(self) -> EngineError:
        return EngineError(f"{self._label} has no Batch API; set {self._core.stem}MODE=now.")

    def _found(self, token: str) -> str | None:
        since = time.time() - REMEMBERED_S
        for one in self._core.client.batches():
            if isinstance(one.metadata, dict) and one.metadata.get(MARK) == token:
                return one.id
            if (_count(one, "created_at") or since) < since:
                break
        return None

    def _batch(self, batch: str) -> "Batch | None":
        try:
            return self._core.client.batch(batch)
        except Fault as fault:
            if fault.status == 404 and fault.text != WEB_PAGE:
                return None
            raise

    def _uploaded(self, lines: Path, token: str) -> str:
        for file in self._uploads(token):
            self._deleted(file)
        return self._core.client.upload(lines, _name(token))

    def _started(self, file: str, token: str) -> str:
        return self._core.client.start(file, {MARK: token})

    def _uploads(self, token: str) -> list[str]:
        return [
            one.id for one in self._core.client.uploads(REMEMBERED_S) if one.name == _name(token)
        ]

    def _deleted(self, file: str) -> None:
        try:
            self._core.client.delete(file)
        except Fault as fault:
            if fault.status != 404:
                raise


def _name(token: str) -> str:
    return f"{MARK}-{token}.jsonl"


def _count(told: object, name: str) -> int:
    """Return a number that a server may have left out: the SDK does not check."""
    value = getattr(told, name, None)
    return value if isinstance(value, int) else 0


def _is_answered(line: Collected) -> bool:
    """Whether the service has looked at what a line holds, be it to find that it says nothing."""
    failed = isinstance(line.outcome, Failed) and line.outcome.retryable
    return not (isinstance(line, Refusal) or line.outcome is None or failed)


def _results(batch: "Batch") -> tuple[str, ...]:
    """The files with what came of it, either of which a batch may be without."""
    return tuple(one for one in (batch.output_file_id, batch.error_file_id) if one)


def _why(batch: "Batch") -> tuple[str, bool]:
    """Say in one clause why a batch failed as a whole, and whether another try may help."""
    errors = (batch.errors.data if batch.errors else None) or []
    said = dict.fromkeys(map(_clause, errors))
    passes = bool(errors) and all(
        any(word in (one.code or "") for word in _PASSES) for one in errors
    )
    more = f" and {len(said) - _REASONS} more" if len(said) > _REASONS else ""
    return "; ".join(list(said)[:_REASONS]) + more or "no reason is given", passes


def _clause(error: "BatchError") -> str:
    where = f"line {error.line}: " if error.line else ""
    return where + redacted(error.message or error.code or "no reason is given").rstrip(".")
