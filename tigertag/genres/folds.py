"""Rows dealt out into folds, all rows of a film into one."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import RequestError

_SEED: Final = 0

Pair = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The rows to learn from, and those to try it on."""


class Folds:
    """Which rows lie in which fold."""

    def __init__(self, of_rows: NDArray[np.intp], count: int) -> None:
        self.of_rows = of_rows
        self.count = count

    def pairs(self) -> list[Pair]:
        """Return what is learned from and what is left out, for each fold."""
        return [
            (np.flatnonzero(self.of_rows != fold), np.flatnonzero(self.of_rows == fold))
            for fold in range(self.count)
        ]

    def serve(self, bears: NDArray[np.bool_]) -> bool:
        """Whether some rows bear it and some do not, whichever fold is left out."""
        return all(bears[learn].any() and not bears[learn].all() for learn, _ in self.pairs())


def deal(films: Sequence[str], bears: NDArray[np.bool_], folds: int) -> Folds:
    """Deal the films out: the same films in the same order are always dealt alike.

    `bears`: bool [rows, genres]. The films of the rarest genre come first, each into the fold
    that has fewest of that genre, then fewest rows: so a genre of few films is in as many folds
    as can be (after Sechidis et al. 2011, "On the stratification of multi-label data"). Raises
    `RequestError`: there is one film only.
    """
    names, film_of = np.unique(np.asarray(films), return_inverse=True)
    count = min(folds, len(names))
    if count < 2:
        raise RequestError("All examples are of one film; a model needs several: give more.")
    rows_of = np.bincount(film_of)
    sides = _sides(film_of, bears, len(names))
    waiting = np.random.default_rng(_SEED).permutation(len(names)).tolist()
    dealt = np.full(len(names), -1, np.intp)
    held, rows = np.zeros((count, sides.shape[1])), np.zeros(count)
    for film, side in _turns(sides, waiting):
        fold = int(np.lexsort((rows, held[:, side]))[0])
        dealt[film] = fold
        held[fold] += sides[film]
        rows[fold] += rows_of[film]
    return Folds(dealt[film_of], count)


def _sides(film_of: NDArray[Any], bears: NDArray[np.bool_], films: int) -> NDArray[np.bool_]:
    """Return, bool [films, 2 x genres], which films bear each genre, then which do not."""
    most = np.zeros((films, bears.shape[1]))
    np.add.at(most, film_of, bears)
    borne = most * 2 > np.bincount(film_of)[:, np.newaxis]
    return np.concatenate([borne, ~borne], axis=1)


def _turns(sides: NDArray[np.bool_], waiting: list[int]) -> list[tuple[int, int]]:
    """Return each film once, with the rarest side that it is on, the rarest sides first."""
    rarity = np.argsort(sides.sum(axis=0), kind="stable")
    turns: dict[int, int] = {}
    for side in rarity.tolist():
        for film in waiting:
            if sides[film, side]:
                turns.setdefault(film, side)
    return list(turns.items())
