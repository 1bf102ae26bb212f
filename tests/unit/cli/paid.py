"""An engine that is paid for (a plugin by dotted name): what it says and does is set for it."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from tigertag.contracts import Capabilities, Engine, Host, Labelled, Outcome, RunContext
from tigertag.errors import AuthFailed, Unavailable
from tigertag.model import Label, Media, Sample

HOST = "paid.test"
_COST = 0.02
_COST = 0.02


class Options(BaseModel):
    """`priced` False: nobody knows what it costs. `down`: so often it cannot be reached."""

    model_config = ConfigDict(extra="forbid")
    priced: bool = True
    refused: bool = False
    down: int = 0


class Paid:
    """Takes a call for each picture, and says "sun"."""

    fingerprint = "paid-1"

    def __init__(self, id: str, options: Options) -> None:
        self.id = id
        self._options = options
        self._down = options.down
        self.capabilities = Capabilities(
            frozenset({Media.PHOTO}),
            8,
            units_per_item=1,
            cost_usd=_COST if options.priced else None,
        )

    def open(self) -> None:
        if self._options.refused:
            raise AuthFailed("Its key was refused; set ENGINE_CLOUD_API_KEY. Nothing was sent.")

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            if self._down:
                self._down -= 1
                raise Unavailable("It cannot be reached.")
            call = run.calls.reserve(sample.id, host=HOST, size_bytes=1200, units=1, cost_usd=_COST)
            call.settle(units=1, cost_usd=_COST)
            yield Labelled(sample.id, (Label("sun", 0.9),), "paid", cost_usd=_COST)

    def close(self) -> None:
        """Nothing is held."""


def build(id: str, options: Options, host: Host) -> Engine:
    return Paid(id, options)
