"""An engine that says the same ten words of every picture (a plugin by dotted name)."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from tigertag.contracts import Capabilities, Engine, Host, Labelled, Outcome, RunContext
from tigertag.model import Label, Media, Sample

WORDS = tuple(f"word {number}" for number in range(10))


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wordy:
    """Says `WORDS`."""

    fingerprint = "wordy-1"
    capabilities = Capabilities(
        frozenset({Media.PHOTO}), short_side_px=8, local=True, min_confidence=0.7
    )

    def __init__(self, id: str) -> None:
        self.id = id

    def open(self) -> None:
        """Nothing is loaded."""

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            yield Labelled(sample.id, tuple(Label(word, 0.9) for word in WORDS), "wordy")

    def close(self) -> None:
        """Nothing is held."""


def build(id: str, options: Options, host: Host) -> Engine:
    return Wordy(id)
