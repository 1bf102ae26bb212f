"""Which rows a model learns from, and with which it is tested."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from tigertag.errors import RequestError

LEAST_FILMS: Final = 10
"""With fewer, the films that are tested say nothing of others."""

_LEAST_DATED: Final = 0.9

_LEAST: Final = 0.1
_MOST: Final = 1 / 3
"""The test is no smaller and no larger share of the films than these."""

SplitBy = Literal["time", "time and film", "film"]


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
    known = set(films)
    if len(known) < LEAST_FILMS:
        raise RequestError(_too_few(len(known)))
    tested, by = _tested(known, _years(films, years), test_share)
    test = tuple(number for number, film in enumerate(films) if film in tested)
    learn = tuple(number for number, film in enumerate(films) if film not in tested)
    return Split(learn, test, by)


def _tested(
    known: Collection[str], years: Mapping[str, int], share: float
) -> tuple[Collection[str], SplitBy]:
    wanted = max(1, round(share * len(known)))
    if len(years) < _LEAST_DATED * len(known) or len(set(years.values())) == 1:
        return frozenset(_hashed(known)[:wanted]), "film"
    first = _first_year(years, len(known), share)
    if first is None:
        return frozenset(_latest(years)[:wanted]), "time and film"
    return frozenset(film for film, year in years.items() if year >= first), "time"


def _first_year(years: Mapping[str, int], films: int, share: float) -> int | None:
    """Return the first year that is tested; None where one year has too many films for that."""
    found: dict[int, float] = {}
    tested = 0
    for year, number in sorted(Counter(years.values()).items(), reverse=True):
        tested += number
        if _LEAST <= tested / films <= _MOST:
            found[year] = abs(tested / films - share)
    return min(found, key=lambda year: found[year], default=None)


def _too_few(films: int) -> str:
    told = {0: "There are no rows", 1: "All rows are of one film"}.get(
        films, f"The rows are of {films} films only"
    )
    return (
        f"{told}; a model cannot be tested with films that it has not seen: give rows of at least"
        f" {LEAST_FILMS} films, better of some hundred."
    )


def _years(films: Sequence[str], years: Sequence[int | None]) -> dict[str, int]:
    """Return the year of each film that has one: the first, where its rows have several."""
    found: dict[str, int] = {}
    for film, year in zip(films, years, strict=True):
        if year is not None:
            found[film] = min(year, found.get(film, year))
    return found


def _latest(years: Mapping[str, int]) -> list[str]:
    return sorted(years, key=lambda film: (-years[film], _hash(film)))


def _hashed(films: Iterable[str]) -> list[str]:
    """In an order that keeps those held out which were, but for a few, when films are added."""
    return sorted(films, key=_hash)


def _hash(film: str) -> str:
    return sha256(film.encode()).hexdigest()
