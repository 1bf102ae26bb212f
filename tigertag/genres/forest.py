"""The older project's model in use, the baseline: a forest of decision trees as plain arrays.

scikit-learn does not look at what a file says of a tree before it follows it, so here it is
followed without scikit-learn; what comes out is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.pooling import Vectors

_NONE = -1
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Tree:
    """Where each node leads, and what it says.

    `left`, `right`, `feature`: int [nodes]; `left` is taken up to `threshold`, float [nodes]; a
    leaf leads to -1. `shares`: float [nodes, genres], of the rows there those that bear a genre.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    shares: NDArray[np.float64]

    def is_sound(self, *, width: int, genres: int) -> bool:
        """Whether it leads only on, from each node to later ones, and to no end but a leaf."""
        nodes = len(self.left)
        of_each = (self.right, self.feature, self.threshold)
        if not nodes or any(one.shape != (nodes,) for one in (self.left, *of_each)):
            return False
        places = np.arange(nodes)
        leaf = (self.left == _NONE) & (self.right == _NONE)
        onward = (self.left > places) & (self.right > places)
        inside = (self.left < nodes) & (self.right < nodes)
        known = (self.feature >= 0) & (self.feature < width)
        return bool((leaf | (onward & inside & known)).all()) and are_shares(
            self.shares, (nodes, genres)
        )

    def said(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return what its leaves say, [rows, genres]. The tree is sound."""
        at = np.zeros(len(vectors), np.int64)
        inner = np.flatnonzero(self.left[at] != _NONE)
        while len(inner):
            node = at[inner]
            goes_left = vectors[inner, self.feature[node]] <= self.threshold[node]
            at[inner] = np.where(goes_left, self.left[node], self.right[node])
            inner = inner[self.left[at[inner]] != _NONE]
        return self.shares[at]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of the same width. `filling`: float [width], what stands in for what is not known."""

    filling: NDArray[np.float64]
    trees: Sequence[Tree]

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the mean of what the trees say, [rows, genres]."""
        known = np.where(np.isnan(vectors), self.filling, vectors).astype(np.float32)
        total = self.trees[0].said(known)
        for tree in self.trees[1:]:
            total = total + tree.said(known)
        return total / len(self.trees)


def are_shares(numbers: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether these are numbers from 0 to 1, so many."""
    within = (numbers >= -_ROUNDING) & (numbers <= 1 + _ROUNDING)
    return numbers.shape == shape and bool(within.all())
