"""What the user wants of a model that is to be learned, and of the frames that are looked at."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from tigertag.contracts import Sampling, SamplingMethod
from tigertag.genres.backbones import Asked

FRAMES = Sampling(max_frames=60, exact=True)
"""How frames are chosen where no library says it: trailers are short enough to see all of them."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What is wanted of `Sampling`; None: as usual there."""

    by: SamplingMethod | None = None
    interval_s: float | None = None
    max_frames: int | None = None
    exact: bool | None = None

    def over(self, usual: Sampling) -> Sampling:
        """Return the usual sampling, but for what is wanted otherwise."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(usual, **{name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Wanted:
    """See `genre learn`. `frames` are usually chosen as the library's scans do, else `FRAMES`."""

    name: str
    backbone: Asked = field(default_factory=Asked)
    frames: Frames = field(default_factory=Frames)
    min_examples: int = 50
    precision: float = 0.7
    words: Path | None = None
