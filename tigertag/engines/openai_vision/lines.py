"""The files that a batch leaves: read line by line, each line an outcome or nothing."""

import json
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from tigertag.contracts import Collected, Failed
from tigertag.engines.openai_vision.completion import taken
from tigertag.engines.openai_vision.core import Core
from tigertag.engines.openai_vision.faults import Fault, redacted
from tigertag.engines.openai_vision.reading import read

AT_A_TIME: Final = 200

_NOT_DONE = frozenset({"batch_expired", "batch_cancelled"})
_OK, _GONE = 200, 404

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal(Collected):
    """A line that was refused, and would be again: for what it holds, or as all others are."""


class Lines:
    """The lines of a file at the service; a connection that is cut is taken up where it was.

    Lines end with a line feed and nothing else: what else ends a line in Unicode may stand within
    JSON.
    """

    def __init__(self, core: Core, file: str) -> None:
        self._core = core
        self._file = file
        self._read = 0
        self._coming: Generator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            while block := self._core.asked(self._block):
                yield from block
        finally:
            self._hang_up()

    def _block(self) -> list[bytes]:
        try:
            if self._coming is None:
                self._coming = self._rest()
            block = list(islice(self._coming, AT_A_TIME))
        except Fault as fault:
            self._hang_up()
            if fault.status != _GONE:
                raise
            logger.warning("engine %s: file %s of a batch is gone", self._core.id, self._file)
            return []
        self._read += len(block)
        return block

    def _rest(self) -> Generator[bytes]:
        with self._core.client.content(self._file) as blocks:
            yield from islice(_split(blocks), self._read, None)

    def _hang_up(self) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.close()


def _split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


def collected(line: bytes, core: Core) -> Collected | None:
    """Return what a line tells of its sample; None where it tells nothing."""
    try:
        told = json.loads(line)
        sample, response, error = told["custom_id"], told.get("response"), told.get("error")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        logger.warning("engine %s: a line of a batch cannot be read, skipped", core.id)
        return None
    if not isinstance(sample, str):
        logger.warning("engine %s: a line of a batch is nobody's, skipped", core.id)
        return None
    if isinstance(response, dict):
        return _answered(sample, response.get("status_code"), response.get("body"), core)
    code = str(error.get("code")) if isinstance(error, dict) else ""
    if code in _NOT_DONE:
        return Collected(sample, None, 0, 0.0)
    failed = Failed(sample, f"It was not answered: {_message(error)}.", retryable=True)
    return Collected(sample, failed, 0, 0.0)


def _answered(sample: str, status: Any, body: Any, core: Core) -> Collected:
    if status != _OK:
        error = body.get("error") if isinstance(body, dict) else None
        said = _message(error)
        code = str(error.get("code")) if isinstance(error, dict) else ""
        fault = Fault(said, status if isinstance(status, int) else None, code)
        lasts = fault.is_lasting
        failed = Failed(sample, f"It was answered with {status}: {said}.", retryable=not lasts)
        kind = Refusal if lasts and not fault.is_about_content else Collected
        return kind(sample, failed, 0, 0.0)
    completion, known = taken(body), core.known
    usage = completion.usage if completion else None
    cost_usd = known.price.cost_usd(usage) * known.batch if known and usage else None
    if known and known.price.is_free:
        cost_usd = 0.0
    outcome = read(sample, completion, model=core.options.model, cost_usd=cost_usd or 0.0)
    return Collected(sample, outcome, core.units, cost_usd)


def _message(error: Any) -> str:
    said = error.get("message") if isinstance(error, dict) else error
    return redacted(said).rstrip(".") if isinstance(said, str) and said else "no reason is given"
