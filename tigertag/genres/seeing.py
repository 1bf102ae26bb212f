"""Frames become features: of a video in learning and in scans alike, of a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import Unreadable
from tigertag.genres.features import Features
from tigertag.inference.backbone import Embedder
from tigertag.media.video import is_dull
from tigertag.model import Frame


def of_video(
    embedder: Embedder, frames: Sequence[Frame], shots_s: tuple[float, ...] = ()
) -> Features:
    """Return what is seen of a video, at least one frame of it; `shots_s` as in `Features`.

    Raises `Unreadable`: there is nothing on any of the frames; else as `Embedder.embed` does.
    """
    if all(map(is_dull, frames)):
        raise Unreadable("There is nothing to see in it: it is black, white or plain.")
    times_s = tuple(frame.at_s for frame in frames if frame.at_s is not None)
    return Features(_embedded(embedder, frames), times_s, shots_s)


def of_picture(embedder: Embedder, frame: Frame) -> Features:
    """Return what is seen of a picture. Raises as `Embedder.embed` does."""
    return Features(_embedded(embedder, [frame]))


def _embedded(embedder: Embedder, frames: Sequence[Frame]) -> NDArray[np.float16]:
    return embedder.embed(frame.pixels for frame in frames).astype(np.float16)
