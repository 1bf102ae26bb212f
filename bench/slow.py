"""A local engine that takes its time for each picture, and cannot be interrupted (a plugin)."""

import time
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from bench.instant import Instant
from tigertag.contracts import Capabilities, Engine, Host, Outcome, RunContext
from tigertag.model import Media, Sample


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    item_s: float


class Slow(Instant):
    """Sleeps before it says what `Instant` says."""

    fingerprint = "slow-1"
    capabilities = Capabilities(
        frozenset({Media.PHOTO}), short_side_px=8, local=True, min_confidence=0.4
    )

    def __init__(self, id: str, item_s: float) -> None:
        super().__init__(id)
        self._item_s = item_s

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            time.sleep(self._item_s)
            yield from super().tag([sample], run)


def build(id: str, options: Options, host: Host) -> Engine:
    return Slow(id, options.item_s)
