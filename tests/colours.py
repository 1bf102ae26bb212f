"""An engine that names colours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Capabilities, Embedding, Failed, Labelled, Outcome, RunContext
from tigertag.model import Label, Media, Sample

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@dataclass
class ColourEngine:
    """Says which colour a picture has. Counts what it is asked; fails as it is told to."""

    id: str = "colour"
    fingerprint: str = "colour-1"
    local: bool = True
    asked: list[str] = field(default_factory=list)
    opened: int = 0
    raises: dict[str, Exception] = field(default_factory=dict)
    fails: dict[str, Failed] = field(default_factory=dict)
    extra: tuple[Label, ...] = ()
    units: int = 0
    cost_usd: float | None = 0.0
    confidence: float = 0.9
    embeds: bool = False

    @property
    def capabilities(self) -> Capabilities:
        media = frozenset({Media.PHOTO})
        return Capabilities(
            media,
            8,
            local=self.local,
            units_per_item=self.units,
            min_confidence=0.5,
            cost_usd=self.cost_usd,
        )

    def open(self) -> None:
        self.opened += 1
        if "open" in self.raises:
            raise self.raises["open"]

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            if run.cancelled():
                return
            pixels = np.asarray(sample.frames[0].pixels)
            colour = list(COLOURS)[int(np.argmax(pixels.mean((0, 1))))]
            if colour in self.raises:
                raise self.raises[colour]
            if self.units:
                call = run.calls.reserve(
                    sample.id, host="colours.test", size_bytes=100, units=self.units,
                    cost_usd=self.cost_usd or 0.0,
                )  # fmt: skip
                call.settle(units=self.units, cost_usd=self.cost_usd)
            self.asked.append(colour)
            if colour in self.fails:
                yield replace(self.fails[colour], sample=sample.id)
            else:
                yield Labelled(
                    sample.id,
                    (Label(colour, self.confidence), *self.extra),
                    "colour-model",
                    embedding=_embedding(pixels) if self.embeds else None,
                )

    def close(self) -> None:
        self.opened = 0


def _embedding(pixels: NDArray[np.uint8]) -> Embedding:
    """The direction of the average colour."""
    average = pixels.mean((0, 1))
    return Embedding("colours", (average / np.linalg.norm(average)).astype("<f2").tobytes())
