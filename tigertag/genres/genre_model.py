"""A model in use: what it says of features, and which moments speak for that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.features import Features
from tigertag.genres.manifest import BACKBONE, Manifest
from tigertag.genres.pooling import pooled, without_each
from tigertag.inference.head import Head

APART_S: Final = 2.0
"""Moments that are nearer than this are one."""
LEAST_DROP: Final = 1e-5
"""What is less than this is rounding."""
_LEAST: Final = 1e-7


class GenreModel:
    """A genre model, loaded. Thread-safe.

    `fingerprint` tells it from every other. `folder` is where its files lie.
    """

    def __init__(self, manifest: Manifest, fingerprint: str, head: Head, folder: Path) -> None:
        self.manifest = manifest
        self.fingerprint = fingerprint
        self.head = head
        self.folder = folder

    @property
    def genres(self) -> tuple[str, ...]:
        """Their names, in the order of the probabilities."""
        return self.manifest.names

    @property
    def backbone(self) -> Path | None:
        """The file of its own backbone; None: it uses one that TigerTag knows."""
        return self.folder / BACKBONE if self.manifest.backbone.own else None

    def probabilities(self, several: Sequence[Features]) -> NDArray[np.float64]:
        """Return the probability of each genre, [several, genres].

        Raises `Unreadable`: one of them holds no numbers; `ModelError`: they are of another
        backbone.
        """
        if not several:
            return np.empty((0, len(self.genres)))
        pooling = self.manifest.pooling
        return self.head.probabilities(np.stack([pooled(one, pooling) for one in several]))

    def telling_times(self, features: Features, *, most: int = 3) -> tuple[tuple[float, ...], ...]:
        """Return for each genre the seconds that speak most for it, the most telling first.

        A frame speaks for a genre when its logit is lower without it. At least `APART_S` lie
        between two; a picture has none. Raises as `probabilities` does.
        """
        if not features.is_video:
            return ((),) * len(self.genres)
        if len(features.frames) < 2:
            return (features.times_s[:most],) * len(self.genres)
        without = self.head.probabilities(without_each(features, self.manifest.pooling))
        drops = _logits(self.probabilities([features])) - _logits(without)
        times_s = features.times_s
        return tuple(_telling(drops[:, n], times_s, most) for n in range(len(self.genres)))


def _telling(
    drops: NDArray[np.float64], times_s: tuple[float, ...], most: int
) -> tuple[float, ...]:
    told: list[float] = []
    for frame in np.argsort(-drops, kind="stable").tolist():
        if drops[frame] < LEAST_DROP or len(told) == most:
            break
        if all(abs(times_s[frame] - other_s) >= APART_S for other_s in told):
            told.append(times_s[frame])
    return tuple(told)


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    within = probabilities.clip(_LEAST, 1 - _LEAST)
    logits: NDArray[np.float64] = np.log(within) - np.log1p(-within)
    return logits
