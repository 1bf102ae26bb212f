"""An engine that names colours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tigertag.contracts import Capabilities, Failed, Labelled, Outcome, RunContext
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

    @property
    def capabilities(self) -> Capabilities:
        media = frozenset({Media.PHOTO})
        return Capabilities(media, 8, local=self.local, min_confidence=0.5)

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
            self.asked.append(colour)
            if colour in self.fails:
                yield replace(self.fails[colour], sample=sample.id)
            else:
                yield Labelled(sample.id, (Label(colour, 0.9), *self.extra), "colour-model")

    def close(self) -> None:
        self.opened = 0
