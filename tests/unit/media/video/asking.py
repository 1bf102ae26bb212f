"""Asking for frames the way tests do."""

from collections.abc import Callable
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
WAYS = [INTERVAL, KEYFRAMES, SCENES, EXACT]


def frames(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> tuple[Frame, ...]:
    return video.frames(source, sampling, **({"short_side_px": 96, "most": 50} | how))


def times(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> list[float | None]:
    return [frame.at_s for frame in frames(source, sampling, **how)]


def numbers(source: Source, sampling: Sampling = INTERVAL, **how: Any) -> list[int]:
    return [films.number(frame.pixels) for frame in frames(source, sampling, **how)]


def refusal(source: Source, sampling: Sampling = INTERVAL) -> ItemError:
    with pytest.raises(Unreadable) as caught:
        frames(source, sampling)
    assert "\n" not in str(caught.value)
    return caught.value
