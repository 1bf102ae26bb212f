"""A genre model in use: its probabilities, the moments that speak for them, and its baselines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.genres.features import Features, Floats, Vectors, pooled, without_each
from tigertag.genres.manifest import BACKBONE, Manifest
from tigertag.genres.npz import pack, unpack
from tigertag.inference.backbone import Backbone, OnnxBackbone, PublishedBackbone
from tigertag.inference.preprocessing import Scaling

MIN_SECONDS_APART: Final = 2.0
"""Moments that are nearer than this are one."""
LEAST_DROP: Final = 1e-5
"""What is less than this is rounding."""
MOST_LOGIT: Final = 16.0
"""Beyond this, a probability is 0 or 1, and no frame makes a difference any more."""
LEAF: Final = -1
"""Where a leaf of a tree leads to."""
_ROUNDING: Final = 1e-6

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One logistic regression a genre, its calibration included.

    `mean`, `scale`: [width], what the vectors are standardised with. `weights`: [width, genres],
    `bias`: [genres], float64 all of them.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    @classmethod
    def read(cls, data: bytes, *, width: int, genres: int) -> "Head":
        """Raises `ModelError`: this is no head, or one of another size."""
        broken = "The head of the model is broken"
        try:
            arrays = unpack(data, *(field.name for field in fields(cls)))
        except ValueError as exc:
            raise ModelError(f"{broken}: {exc}.") from exc
        if [array.shape for array in arrays] != [(width,), (width,), (width, genres), (genres,)]:
            raise ModelError("The head of the model is of another size than its manifest says.")
        if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays):
            raise ModelError(f"{broken}: it holds what is no number.")
        head = cls(*arrays)
        if not (head.scale > 0).all():
            raise ModelError(f"{broken}: it has a scale that is none.")
        return head

    def to_npz(self) -> bytes:
        return pack(**asdict(self))

    def logits(self, vectors: Vectors) -> Floats:
        """Return the logit of each genre, [n, genres], for vectors [n, width].

        NaN in a vector is what is not known; the mean stands in for it. Raises `ModelError`: the
        vectors are of another width, or hold what no backbone gives.
        """
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            shape = " x ".join(str(size) for size in vectors.shape)
            raise ModelError(f"The model takes vectors of {len(self.mean)} numbers, not {shape}.")
        with np.errstate(over="ignore", invalid="ignore"):
            standardised = (vectors.astype(np.float64) - self.mean) / self.scale
            standardised[np.isnan(vectors)] = 0.0
            logits: Floats = standardised @ self.weights + self.bias
        if not np.isfinite(logits).all():
            raise ModelError("The head of the model is broken: it gives no probabilities.")
        return logits

    def probabilities(self, vectors: Vectors) -> Floats:
        """Return the probability of each genre, [n, genres]. Raises as `logits` does."""
        probabilities: Floats = np.exp(-np.logaddexp(0.0, -self.logits(vectors)))
        return probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """What a model is compared with: how common each genre is, and a random forest.

    `prevalence`: [genres]. `filling`: [width], what stands in for what is not known. `roots`: where
    each tree begins. Of each node: `left` is taken up to `threshold` of number `feature`, else
    `right`; a leaf leads to -1. `shares`: [nodes, genres], of the rows there those with the genre.

    The trees are followed here, for scikit-learn believes what a file says of them.
    """

    prevalence: Floats
    filling: Floats
    roots: Ints
    left: Ints
    right: Ints
    feature: Ints
    threshold: Floats
    shares: Floats

    @classmethod
    def read(cls, data: bytes, *, width: int, genres: int) -> "Baselines":
        """Raises `ModelError`: it is broken, or of another model."""
        try:
            baselines = cls(*unpack(data, *(field.name for field in fields(cls))))
        except ValueError as exc:
            raise ModelError(f"The baselines of the model are broken: {exc}.") from exc
        if not (baselines._is_of(width, genres) and baselines._leads_onward(width)):
            raise ModelError("The baselines of the model are broken, or are of another model.")
        return baselines

    def to_npz(self) -> bytes:
        return pack(**asdict(self))

    def probabilities(self, vectors: Vectors) -> dict[str, Floats]:
        """Return the probabilities that each baseline gives, [rows, genres]."""
        filled = np.where(np.isnan(vectors), self.filling, vectors).astype(np.float32)
        votes = (self._follow(root, filled) for root in self.roots)
        total: Floats = sum(votes, np.zeros(self.shares.shape[1]))
        return {
            "prevalence": np.tile(self.prevalence, (len(vectors), 1)),
            "random_forest": total / len(self.roots),
        }

    def _follow(self, root: np.int64, vectors: Vectors) -> Floats:
        at = np.full(len(vectors), root)
        inner = np.flatnonzero(self.left[at] != LEAF)
        while len(inner):
            node = at[inner]
            goes_left = vectors[inner, self.feature[node]] <= self.threshold[node]
            at[inner] = np.where(goes_left, self.left[node], self.right[node])
            inner = inner[self.left[at[inner]] != LEAF]
        return self.shares[at]

    def _is_of(self, width: int, genres: int) -> bool:
        """Whether the arrays are of this size, and hold what such arrays may hold."""
        nodes = len(self.left) if self.left.ndim else 0
        per_node = (self.left, self.right, self.feature, self.threshold)
        integers = (self.roots, self.left, self.right, self.feature)
        numbers = (self.prevalence, self.filling, self.threshold, self.shares)
        return (
            all(array.dtype == np.int64 for array in integers)
            and all(array.dtype == np.float64 for array in numbers)
            and all(array.shape == (nodes,) for array in per_node)
            and self.filling.shape == (width,)
            and bool(np.isfinite(self.filling).all())
            and _are_shares(self.prevalence, (genres,))
            and _are_shares(self.shares, (nodes, genres))
            and self.roots.ndim == 1
            and self.roots.size > 0
            and bool(((self.roots >= 0) & (self.roots < nodes)).all())
        )

    def _leads_onward(self, width: int) -> bool:
        """Whether each node leads to later ones, so that whoever follows comes to an end."""
        places = np.arange(len(self.left))
        leaf = (self.left == LEAF) & (self.right == LEAF)
        onward = (self.left > places) & (self.right > places)
        inside = (self.left < len(places)) & (self.right < len(places))
        of_vector = (self.feature >= 0) & (self.feature < width)
        return bool((leaf | (onward & inside & of_vector)).all())


def _are_shares(numbers: Floats, shape: tuple[int, ...]) -> bool:
    # What is no number is not within.
    within = (numbers >= -_ROUNDING) & (numbers <= 1 + _ROUNDING)
    return numbers.shape == shape and bool(within.all())


@dataclass(frozen=True, slots=True, eq=False)
class GenreModel:
    """A genre model, loaded. Thread-safe. `folder` is where its files lie."""

    manifest: Manifest
    head: Head
    folder: Path

    @property
    def genres(self) -> tuple[str, ...]:
        """Their names, in the order of the probabilities."""
        return self.manifest.names

    def probabilities(self, videos: Sequence[Features]) -> Floats:
        """Return the probability of each genre, [videos, genres].

        Raises `Unreadable`: one of them holds no numbers; `ModelError`: they are of another
        backbone.
        """
        if not videos:
            return np.empty((0, len(self.genres)))
        pooling = self.manifest.pooling
        return self.head.probabilities(np.stack([pooled(video, pooling) for video in videos]))

    def evidence_times(self, features: Features, *, most: int = 3) -> tuple[tuple[float, ...], ...]:
        """Return for each genre the seconds that speak most for it, the strongest first.

        A frame speaks for a genre when its logit is lower without it. At least
        `MIN_SECONDS_APART` lie between two; a picture has none. Raises as `probabilities` does.
        """
        if not features.is_video:
            return ((),) * len(self.genres)
        if len(features.frames) < 2:
            return (features.times_s[:most],) * len(self.genres)
        pooling = self.manifest.pooling
        whole = self.head.logits(pooled(features, pooling)[np.newaxis])
        without = self.head.logits(without_each(features, pooling))
        drops = whole.clip(-MOST_LOGIT, MOST_LOGIT) - without.clip(-MOST_LOGIT, MOST_LOGIT)
        return tuple(_strongest(genre, features.times_s, most) for genre in drops.T)

    def backbone(self, host: Host) -> Backbone:
        """Return the network whose embeddings it was learned from; may fetch weights.

        Raises `ModelError` where that gives other embeddings now.
        """
        info = self.manifest.backbone
        backbone: Backbone
        if info.own:
            scaling = Scaling.of(info.mean, info.deviation)
            path = self.folder / BACKBONE
            backbone = OnnxBackbone(path, scaling, info.side_px, name=info.name)
        else:
            backbone = PublishedBackbone(info.name, host)
        if backbone.fingerprint() != info.fingerprint:
            raise ModelError(
                f"The genre model {self.manifest.name!r} was learned with another version of"
                f" {info.name} than there is here now; learn it again."
            )
        return backbone


def _strongest(drops: Floats, times_s: tuple[float, ...], most: int) -> tuple[float, ...]:
    chosen: list[float] = []
    for frame in np.argsort(-drops, kind="stable").tolist():
        if drops[frame] < LEAST_DROP or len(chosen) == most:
            break
        if all(abs(times_s[frame] - other_s) >= MIN_SECONDS_APART for other_s in chosen):
            chosen.append(times_s[frame])
    return tuple(chosen)
