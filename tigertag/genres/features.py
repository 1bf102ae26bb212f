"""Features: the embeddings of a video's frames and how it is cut, pooled into one vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import Unreadable
from tigertag.inference.backbone import Embedder
from tigertag.media.video import is_dull
from tigertag.model import Frame

Pooling = Literal["mean", "full"]
"""`mean`: what a picture has, too. `full`: with it deviation, maximum and how it is cut."""

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHOT_STATISTICS: Final = 4
SHORT_SHOT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Features:
    """The embeddings of its frames, and how it is cut.

    `frames`: float16 [frames, dimensions], at least one frame. `times_s`: when each is shown; empty
    for a picture, which has one frame. `shots_s`: how long its shots are; empty where that is not
    known.
    """

    frames: NDArray[Any]
    times_s: tuple[float, ...] = ()
    shots_s: tuple[float, ...] = ()

    @property
    def is_video(self) -> bool:
        return bool(self.times_s)


def of_video(
    embedder: Embedder, frames: Sequence[Frame], shots_s: tuple[float, ...] = ()
) -> Features:
    """Return the features of a video, at least one frame of it; `shots_s` as in `Features`.

    Raises `Unreadable`: there is nothing on any of the frames; else as `Embedder.embed` does.
    """
    if all(map(is_dull, frames)):
        raise Unreadable("There is nothing to see in it: it is black, white or plain.")
    times_s = tuple(frame.at_s for frame in frames if frame.at_s is not None)
    return Features(_embedded(embedder, frames), times_s, shots_s)


def of_picture(embedder: Embedder, frame: Frame) -> Features:
    """Return the features of a picture. Raises as `Embedder.embed` does."""
    return Features(_embedded(embedder, [frame]))


def _embedded(embedder: Embedder, frames: Sequence[Frame]) -> NDArray[np.float16]:
    return embedder.embed(frame.pixels for frame in frames).astype(np.float16)


def pooled_width(pooling: Pooling, dimensions: int) -> int:
    """Return the length of a pooled vector."""
    return dimensions if pooling == "mean" else 3 * dimensions + SHOT_STATISTICS


def embedding_width(pooling: Pooling, width: int) -> int:
    """Return the length of the embeddings behind pooled vectors of this width."""
    return width if pooling == "mean" else (width - SHOT_STATISTICS) // 3


def pooled(features: Features, pooling: Pooling) -> Vectors:
    """Return mean, standard deviation and maximum over frames, then the shot statistics.

    float32 [width]; `mean`: the mean alone. What is not known is NaN: deviation and maximum of a
    single frame, the statistics of unknown shots. Raises `Unreadable`: there are no frames, or
    numbers in them are missing.
    """
    frames = _frames(features)
    mean: Floats = frames.mean(axis=0)
    if pooling == "mean":
        return mean.astype(np.float32)
    if len(frames) == 1:
        spread = highest = np.full(frames.shape[1], np.nan)
    else:
        spread, highest = frames.std(axis=0), frames.max(axis=0)
    parts = mean, spread, highest, _shot_statistics(features.shots_s)
    return np.concatenate(parts).astype(np.float32)


def without_each(features: Features, pooling: Pooling) -> Vectors:
    """Return what `pooled` gives without the first frame, without the second and so on.

    float32 [frames, width]; there are at least two frames. Raises `Unreadable` as `pooled` does.
    """
    frames = _frames(features)
    count, dimensions = frames.shape
    means: Floats = (frames.sum(axis=0) - frames) / (count - 1)
    if pooling == "mean":
        return means.astype(np.float32)
    spread = highest = np.full((count, dimensions), np.nan)
    if count > 2:
        spread, highest = _spread_without(frames, means), _highest_without(frames)
    shots = np.tile(_shot_statistics(features.shots_s), (count, 1))
    return np.concatenate([means, spread, highest, shots], axis=1).astype(np.float32)


def _shot_statistics(shots_s: tuple[float, ...]) -> Floats:
    """Return four numbers about the cut of a video; NaN where its shots are not known.

    log(1 + shots a minute), mean and standard deviation of the logarithm of their lengths in
    seconds, and the share of the time that passes in shots under `SHORT_SHOT_S`.
    """
    lengths_s = np.array([length_s for length_s in shots_s if length_s > 0], np.float64)
    if not len(lengths_s):
        return np.full(SHOT_STATISTICS, np.nan)
    total_s, logarithms = lengths_s.sum(), np.log(lengths_s)
    a_minute = 60 * len(lengths_s) / total_s
    short = lengths_s[lengths_s < SHORT_SHOT_S].sum() / total_s
    return np.array([np.log1p(a_minute), logarithms.mean(), logarithms.std(), short])


def _frames(features: Features) -> Floats:
    frames: Floats = np.asarray(features.frames, np.float64)
    if frames.ndim != 2 or not frames.size or not np.isfinite(frames).all():
        raise Unreadable("The backbone gave no numbers for it.")
    return frames


def _spread_without(frames: Floats, means: Floats) -> Floats:
    """Return the standard deviations without each frame, from sums about the mean of all."""
    middle, others = frames.mean(axis=0), len(frames) - 1
    squares = (frames - middle) ** 2
    variances: Floats = (squares.sum(axis=0) - squares) / others - (means - middle) ** 2
    spread: Floats = np.sqrt(variances.clip(min=0.0))
    return spread


def _highest_without(frames: Floats) -> Floats:
    """Return the maxima without each frame: of the highest frame itself, the second highest."""
    second, highest = np.partition(frames, len(frames) - 2, axis=0)[-2:]
    without: Floats = np.where(frames == highest, second, highest)
    return without
