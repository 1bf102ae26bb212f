"""Films: what they are called, and how they are dealt out, all rows of a film on one side."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import RequestError
from tigertag.genres.features import Flags
from tigertag.genres.genre_names import folded
from tigertag.text import tidy

LEAST_FILMS: Final = 10
"""With fewer, the films that are tested say nothing of others."""
_LEAST_DATED: Final = 0.9
_LEAST_SHARE: Final = 0.1
_MOST_SHARE: Final = 1 / 3
"""The test is no smaller and no larger share of the films than these."""
SEED: Final = 0

SplitBy = Literal["time", "time and film", "film"]
Pair = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The rows to learn from, and those to try it on."""

# tt0084058 is how IMDb numbers films and shows: seven digits or more. Lists give the address of its
# page, too, or the bare number; libraries give imdb:tt0084058 (`Catalogued.film`).
_IMDB = re.compile(r"(?:imdb:|(?:https?://)?(?:\w+\.)?imdb\.com/title/)?tt(\d{1,12})(?:[/?].*)?")
_BARE = re.compile(r"imdb:(\d{1,12})(?:\.0*)?")


def imdb(number: str) -> str:
    """Return the name of the film of this number, "imdb:tt0084058"; "" where it is no number."""
    written = number.strip().lower()
    match = _IMDB.fullmatch(written) or _BARE.fullmatch(written)
    return f"imdb:tt{int(match[1]):07}" if match else ""


def titled(title: str, year: int | None) -> str:
    """Return the name of a film of this title and year; "" where there is no title.

    Case, accents, blanks and signs are nothing to it.
    """
    spelt = folded(tidy(title)) or tidy(title).casefold()
    return f"title:{spelt}" + (f" ({year})" if year is not None else "") if spelt else ""


def names(film: str, title: str, year: int | None, *more: str) -> tuple[str, ...]:
    """Return what a film is called: as it is named there, by number, by title and year."""
    given = (film, *more)
    return tuple(dict.fromkeys(filter(None, (*given, *map(imdb, given), titled(title, year)))))


def linked(films: Sequence[Collection[str]]) -> list[frozenset[str]]:
    """Return the names of each film, so that those which may be the same one share a name.

    A title without a year may be any film of that title: where one is so called, it is also a name
    of those whose year is known.
    """
    undated = {name for film in films for name in film if _undated(name) == name}
    return [frozenset((*film, *(undated & set(map(_undated, film))))) for film in films]


def _undated(name: str) -> str:
    return name.partition(" (")[0] if name.startswith("title:") else ""


@dataclass(frozen=True, slots=True)
class Split:
    """The numbers of the rows on either side, both rising.

    `by` "time": what is tested came out in later years than what is learned from, but for films
    without a year, which are learned from. "time and film": so, too, but of one year, which has too
    many films to lie on one side, some are tested, chosen as by "film". "film": all are chosen by a
    hash of the film's name.
    """

    learn: tuple[int, ...]
    test: tuple[int, ...]
    by: SplitBy


def split(films: Sequence[str], years: Sequence[int | None], *, test_share: float = 0.2) -> Split:
    """Share the rows out, all rows of a film on one side.

    `films` and `years` are those of each row. Where nine tenths of the films have a year, the test
    is the latest years: as many as come nearest to this share of the films, between a tenth and a
    third of them. The order of the rows does not matter. Raises `RequestError`.
    """
    year_of: dict[str, int] = {}
    for film, year in zip(films, years, strict=True):
        if year is not None:
            year_of[film] = min(year, year_of.get(film, year))
    tested, by = _tested(set(films), year_of, test_share)
    rows = range(len(films))
    learn = tuple(row for row in rows if films[row] not in tested)
    return Split(learn, tuple(row for row in rows if films[row] in tested), by)


def _tested(
    films: Collection[str], year_of: Mapping[str, int], share: float
) -> tuple[Collection[str], SplitBy]:
    if len(films) < LEAST_FILMS:
        counted = {0: "There are no rows", 1: "All rows are of one film"}
        raise RequestError(
            f"{counted.get(len(films), f'The rows are of {len(films)} films only')}; a model cannot"
            " be tested with films that it has not seen: give rows of at least"
            f" {LEAST_FILMS} films, better of some hundred."
        )
    count = max(1, round(share * len(films)))
    if len(year_of) < _LEAST_DATED * len(films) or len(set(year_of.values())) == 1:
        # By their hash those stay held out which were, but for a few, when films are added.
        return frozenset(sorted(films, key=_hash)[:count]), "film"
    first = _first_year(year_of, len(films), share)
    if first is None:
        latest = sorted(year_of, key=lambda film: (-year_of[film], _hash(film)))
        return frozenset(latest[:count]), "time and film"
    return frozenset(film for film, year in year_of.items() if year >= first), "time"


def _first_year(year_of: Mapping[str, int], films: int, share: float) -> int | None:
    """Return the first year that is tested; None where one year has too many films for that."""
    distances: dict[int, float] = {}
    tested = 0
    for year, number in sorted(Counter(year_of.values()).items(), reverse=True):
        tested += number
        if _LEAST_SHARE <= tested / films <= _MOST_SHARE:
            distances[year] = abs(tested / films - share)
    return min(distances, key=lambda year: distances[year], default=None)


def _hash(film: str) -> str:
    return sha256(film.encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Which rows lie in which fold."""

    of_rows: NDArray[np.intp]
    count: int

    def pairs(self) -> list[Pair]:
        """Return what is learned from and what is left out, for each fold."""
        return [
            (np.flatnonzero(self.of_rows != fold), np.flatnonzero(self.of_rows == fold))
            for fold in range(self.count)
        ]

    def serve(self, targets: Flags) -> bool:
        """Whether some rows have the genre and some do not, whichever fold is left out."""
        return all(targets[learn].any() and not targets[learn].all() for learn, _ in self.pairs())


def deal(films: Sequence[str], targets: Flags, folds: int) -> Folds:
    """Deal the films out: the same films in the same order are always dealt alike.

    `targets`: bool [rows, genres]. The films of the rarest genre come first, each into the fold
    that has fewest of that genre, then fewest rows: so a genre of few films is in as many folds
    as can be (after Sechidis et al. 2011, "On the stratification of multi-label data"). Raises
    `RequestError`: there is one film only.
    """
    unique, film_of = np.unique(np.asarray(films), return_inverse=True)
    count = min(folds, len(unique))
    if count < 2:
        raise RequestError("All examples are of one film; a model needs several: give more.")
    rows_of = np.bincount(film_of)
    sides = _sides(film_of, targets, len(unique))
    fold_of = np.full(len(unique), -1, np.intp)
    held, rows = np.zeros((count, sides.shape[1])), np.zeros(count)
    for film, side in _turns(sides):
        fold = int(np.lexsort((rows, held[:, side]))[0])
        fold_of[film] = fold
        held[fold] += sides[film]
        rows[fold] += rows_of[film]
    return Folds(fold_of[film_of], count)


def _sides(film_of: NDArray[Any], targets: Flags, films: int) -> Flags:
    """Return, bool [films, 2 x genres], which films have each genre, then which do not."""
    rows = np.zeros((films, targets.shape[1]))
    np.add.at(rows, film_of, targets)
    has_genre = rows * 2 > np.bincount(film_of)[:, np.newaxis]
    return np.concatenate([has_genre, ~has_genre], axis=1)


def _turns(sides: Flags) -> list[tuple[int, int]]:
    """Return each film once, with the rarest side that it is on, the rarest sides first."""
    shuffled = np.random.default_rng(SEED).permutation(len(sides)).tolist()
    turns: dict[int, int] = {}
    for side in np.argsort(sides.sum(axis=0), kind="stable").tolist():
        for film in shuffled:
            if sides[film, side]:
                turns.setdefault(film, side)
    return list(turns.items())
