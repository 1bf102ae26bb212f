"""What a genre model is worth, beside what needs no model or an older one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tigertag.genres.metrics import Bears, Estimate, Floats, Measured, measure

_DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One way to tell genres: its probabilities [rows, genres], and what they are worth."""

    probabilities: Floats
    measured: Measured

    def as_json(self) -> dict[str, Any]:
        return _as_json(self.measured.in_all)


@dataclass(frozen=True, slots=True)
class Telling:
    """How a genre's threshold does. `told`: rows that reach it; `right`: those that bear the genre.

    `films`: how many of the tested films bear it. Without a threshold it is never told.
    """

    films: int
    threshold: float | None
    told: int
    right: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model's row, those of the baselines, and what they were measured with.

    `bears` is [rows, genres], `films` how many films were tested, `split` how they were chosen.
    """

    model: str
    split: str
    films: int
    genres: tuple[str, ...]
    bears: Bears
    own: Row
    telling: tuple[Telling, ...]
    baselines: Mapping[str, Row]

    @property
    def untested(self) -> tuple[str, ...]:
        """Genres that none of the tested films bear, or all: nothing can be said of their order."""
        figures = zip(self.genres, self.own.measured.per_genre, strict=True)
        return tuple(genre for genre, of in figures if of["ap"].value is None)

    def as_json(self) -> dict[str, Any]:
        """Return numbers, names and None only; `intervals` hold 95 %."""
        return {
            "model": self.model,
            "split": self.split,
            "films": self.films,
            "rows": len(self.bears),
            **self.own.as_json(),
            "per_genre": dict(self._per_genre()),
            "untested": list(self.untested),
            "baselines": {
                name: {
                    **row.as_json(),
                    "per_genre": {
                        genre: _as_json(of)
                        for genre, of in zip(self.genres, row.measured.per_genre, strict=True)
                    },
                }
                for name, row in self.baselines.items()
            },
        }

    def _per_genre(self) -> Iterator[tuple[str, dict[str, Any]]]:
        own = self.own.measured.per_genre
        for genre, figures, telling in zip(self.genres, own, self.telling, strict=True):
            yield (
                genre,
                {
                    **_as_json(figures),
                    "films": telling.films,
                    "threshold": telling.threshold,
                    "told": telling.told,
                    "right": telling.right,
                },
            )


def evaluate(
    bears: Bears,
    probabilities: Floats,
    *,
    films: Sequence[str],
    genres: Sequence[str],
    thresholds: Sequence[float | None],
    baselines: Mapping[str, Floats],
    model: str,
    split: str,
) -> Evaluation:
    """Measure a model, and the baselines by their names, with films that it has not seen.

    `bears` and all probabilities are [rows, genres], `films` the film of each row, `thresholds`
    one a genre. All are measured with the same draws of films.
    """
    return Evaluation(
        model,
        split,
        len(set(films)),
        tuple(genres),
        bears,
        _row(bears, probabilities, films),
        tuple(_telling(bears, probabilities, films, thresholds)),
        {name: _row(bears, said, films) for name, said in baselines.items()},
    )


def _row(bears: Bears, probabilities: Floats, films: Sequence[str]) -> Row:
    said = np.asarray(probabilities, dtype=np.float64)
    return Row(said, measure(bears, said, films))


def _telling(
    bears: Bears,
    probabilities: Floats,
    films: Sequence[str],
    thresholds: Sequence[float | None],
) -> Iterator[Telling]:
    for borne, said, threshold in zip(bears.T, probabilities.T, thresholds, strict=True):
        told = said >= (np.inf if threshold is None else threshold)
        bearers = {film for film, bearing in zip(films, borne, strict=True) if bearing}
        yield Telling(len(bearers), threshold, int(told.sum()), int((told & borne).sum()))


def _as_json(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        **{name: _rounded(one.value) for name, one in figures.items()},
        "intervals": {
            name: None if one.low is None else [_rounded(one.low), _rounded(one.high)]
            for name, one in figures.items()
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
