"""From what probability on a genre is told."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAST: Final = 20
"""Fewer films than these prove nothing."""
LIKELIER: Final = 0.5
"""What is likelier wrong than right is never told, however right the surer ones are."""


def threshold(
    probabilities: NDArray[Any], bears: NDArray[np.bool_], films: Sequence[str], *, precision: float
) -> float | None:
    """Return the lowest probability from which on at least `precision` of `LEAST` films were right.

    It is not below `LIKELIER`. `probabilities`: [rows], of rows that were not learned from. A film
    speaks once, with the mean of its rows; where there are fewer than `LEAST` films, each row
    speaks. None: there is no such probability, the genre is too weak to be told.
    """
    said, right = _spoken(probabilities, bears, films)
    order = np.argsort(-said, kind="stable")
    said, right = said[order], right[order]
    count = np.arange(1, len(said) + 1)
    # Of equal probabilities all are told or none: only the last of them can be the border.
    last = np.append(said[1:] != said[:-1], True)
    enough = (said >= LIKELIER) & (count >= LEAST)
    good = last & enough & (np.cumsum(right) >= precision * count)
    return float(said[np.flatnonzero(good)[-1]]) if good.any() else None


def _spoken(
    probabilities: NDArray[Any], bears: NDArray[np.bool_], films: Sequence[str]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    names, film_of = np.unique(np.asarray(films), return_inverse=True)
    if len(names) < LEAST:
        return probabilities, bears
    rows = np.bincount(film_of)
    said = np.bincount(film_of, probabilities) / rows
    return said, np.bincount(film_of, bears) * 2 > rows
