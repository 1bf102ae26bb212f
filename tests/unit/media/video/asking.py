"""Asking for frames the way tests do."""

from typing import Any

import pytest

from tests.unit.media import films
from tigertag.contracts import Sampling, Source
from tigertag.errors import ItemError, Unreadable
from tigertag.media import video
from tigertag.model import Frame

INTERVAL = Sampling(by="interval", interval_s=0.4, max_frames=50)
KEYFRAMES = Sampling(by="keyframes", max_frames=50)
SCENES = Sampling(by="scenes", max_frames=50)
EXACT = Sampling(by="scenes", max_frames=50, exact=True)
SAMPLINGS = [INTERVAL, KEYFRAMES, SCENES, EXACT]


def footage(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> video.Footage:
    return video.footage(source, sampling, **({"short_side_px": 96, "most": 50} | how))


def frames(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> tuple[Frame, ...]:
    return footage(source, sampling, **how).frames


def times(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> list[float | None]:
    return [frame.at_s for frame in frames(source, sampling, **how)]


def numbers(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> list[int]:
    return [films.number(frame.pixels) for frame in frames(source, sampling, **how)]


def refusal(source: Source, sampling: Sampling = INTERVAL) -> ItemError:
    with pytest.raises(Unreadable) as caught:
        frames(source, sampling)
    assert "\n" not in str(caught.value)
    return caught.value


class Counted:
    """Counts the packets that are decoded, and has the work stopped after so many."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.count = 0

    def __call__(self) -> bool:
        self.count += 1
        return self.count > self.most
