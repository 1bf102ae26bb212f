"""How good the probabilities of genres are, and how sure that is.

- AP, the average precision: the sum of (recall - recall before) * precision over the distinct
  probabilities from the highest down; scikit-learn's `average_precision_score`.
- AUC: the area under the ROC curve, ties counting half; scikit-learn's `roc_auc_score`.
- ECE, the expected calibration error: over ten bins of equal width, the sum of share of cases in
  the bin * |mean probability - share that has the genre| (Naeini, Cooper and Hauskrecht 2015).
- Brier: the mean of (probability - 1 or 0) squared.

A macro figure is the mean over genres; a micro one takes each film and genre as a case of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.dataset import Dataset
from tigertag.genres.features import Flags, Floats
from tigertag.genres.model import Baselines, Head

BINS: Final = 10
RESAMPLES: Final = 1000
PERCENTILES: Final = (2.5, 50.0, 97.5)

_SEED: Final = 0
_DIGITS: Final = 6
_AT_ONCE: Final = 50

_Figures = dict[str, Floats]
"""Figures by name, each [draws] or [draws, genres]; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; None: it has none."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """`in_all`: macro_ap, micro_ap, macro_auc, micro_auc, ece, macro_ece, brier.

    `per_genre`, one a genre: ap, auc, ece, brier. A genre that all of the films have, or none, has
    no ap and no auc, and takes no part in macro_ap and macro_auc. `ece` is that of all films and
    genres together, `macro_ece` the mean of the genres'.
    """

    in_all: Mapping[str, Estimate]
    per_genre: tuple[Mapping[str, Estimate], ...]


def measure(targets: Flags, probabilities: Floats, films: Sequence[str]) -> Measured:
    """Measure probabilities [rows, genres] against `targets`; `films` is the film of each row.

    Intervals are percentiles of a bootstrap that draws films, not rows, always the same ones. They
    are moved so that its median is the figure: films that are drawn twice make ties, which raise
    AP, and gaps, which raise ECE.
    """
    cases = _Cases.of(targets, probabilities)
    in_all, each = cases.figures(np.ones((1, len(targets))))
    draws = [cases.figures(weights) for weights in _draws(films)]
    drawn_in_all = {name: np.concatenate([draw[0][name] for draw in draws]) for name in in_all}
    drawn_each = {name: np.concatenate([draw[1][name] for draw in draws]) for name in each}
    return Measured(
        {name: _estimate(in_all[name][0], drawn_in_all[name]) for name in in_all},
        tuple(
            {name: _estimate(each[name][0, n], drawn_each[name][:, n]) for name in each}
            for n in range(targets.shape[1])
        ),
    )


@dataclass(frozen=True, slots=True)
class _Cases:
    """The cases, ranked and put into bins once for all draws.

    `gaps` [rows, genres · bins]: probability - 1 or 0, in the bin of the probability.
    """

    genres: tuple["_Ranked", ...]
    all: "_Ranked"
    gaps: Floats
    squares: Floats

    @classmethod
    def of(cls, targets: Flags, probabilities: Floats) -> "_Cases":
        rows = np.arange(len(targets))
        columns = zip(targets.T, probabilities.T, strict=True)
        gap = probabilities - targets
        return cls(
            tuple(_Ranked.of(target, column, rows) for target, column in columns),
            _Ranked.of(targets.ravel(), probabilities.ravel(), np.repeat(rows, targets.shape[1])),
            _in_bins(gap, probabilities),
            gap**2,
        )

    def figures(self, weights: Floats) -> tuple[_Figures, _Figures]:
        """Return figures in all and by genre, each row counted so often: weights [draws, rows]."""
        areas = np.stack([genre.areas(weights) for genre in self.genres], axis=-1)
        micro = self.all.areas(weights)
        rows = weights.sum(axis=1, keepdims=True)
        off = (weights @ self.gaps / rows).reshape(len(weights), len(self.genres), BINS)
        each = {
            "ap": areas[0],
            "auc": areas[1],
            "ece": np.abs(off).sum(axis=2),
            "brier": weights @ self.squares / rows,
        }
        in_all = {
            "macro_ap": _mean(each["ap"]),
            "micro_ap": micro[0],
            "macro_auc": _mean(each["auc"]),
            "micro_auc": micro[1],
            "ece": np.abs(off.sum(axis=1)).sum(axis=1) / len(self.genres),
            "macro_ece": each["ece"].mean(axis=1),
            "brier": each["brier"].mean(axis=1),
        }
        return in_all, each


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Cases from the highest probability down: their rows, and whether they have the genre.

    `ends`: the last case of each distinct probability.
    """

    rows: NDArray[np.intp]
    targets: Flags
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, targets: Flags, probabilities: Floats, rows: NDArray[np.intp]) -> "_Ranked":
        order = np.argsort(-probabilities, kind="stable")
        falls = np.diff(probabilities[order]) != 0
        return cls(rows[order], targets[order], np.flatnonzero(np.append(falls, True)))

    def areas(self, weights: Floats) -> Floats:
        """Return AP and AUC of each draw: [2, draws]."""
        drawn = weights[:, self.rows]
        seen = np.cumsum(drawn, axis=1)[:, self.ends]
        hits = np.cumsum(drawn * self.targets, axis=1)[:, self.ends]
        new_hits, misses = np.diff(hits, axis=1, prepend=0.0), seen - hits
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        area = (hits - new_hits / 2) * np.diff(misses, axis=1, prepend=0.0)
        positives, negatives = hits[:, -1], misses[:, -1]
        return np.stack(
            [
                _shared((new_hits * precision).sum(axis=1) * negatives, positives * negatives),
                _shared(area.sum(axis=1), positives * negatives),
            ]
        )


def _in_bins(gap: Floats, probabilities: Floats) -> Floats:
    bins = np.clip((probabilities * BINS).astype(np.intp), 0, BINS - 1)
    rows, genres = gap.shape
    table = np.zeros((rows, genres, BINS))
    table[np.arange(rows)[:, None], np.arange(genres), bins] = gap
    return table.reshape(rows, genres * BINS)


def _shared(sums: Floats, among: Floats) -> Floats:
    return np.divide(sums, among, out=np.full_like(sums, np.nan), where=among > 0)


def _mean(values: Floats) -> Floats:
    """Return the mean over genres of what is a number; NaN where nothing is."""
    finite = np.isfinite(values)
    return _shared(np.where(finite, values, 0.0).sum(axis=1), finite.sum(axis=1).astype(np.float64))


def _draws(films: Sequence[str]) -> Iterator[Floats]:
    """Yield how often each row counts, for some draws at once: [draws, rows]."""
    unique, film_of = np.unique(np.asarray(films), return_inverse=True)
    random, count = np.random.default_rng(_SEED), len(unique)
    for _begin in range(0, RESAMPLES, _AT_ONCE):
        drawn = random.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE)
        yield drawn[:, film_of].astype(np.float64)


def _estimate(value: np.float64, drawn: Floats) -> Estimate:
    finite = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not finite.size:
        return Estimate(None, None, None)
    low, median, high = np.percentile(finite, PERCENTILES)
    moved = np.clip([low - median + value, high - median + value], 0.0, 1.0)
    return Estimate(float(value), float(moved[0]), float(moved[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The probabilities of a model or a baseline, [rows, genres], and what they are worth."""

    probabilities: Floats
    measured: Measured

    @classmethod
    def of(cls, targets: Flags, probabilities: Floats, films: Sequence[str]) -> "Predictions":
        probabilities = probabilities.astype(np.float64)
        return cls(probabilities, measure(targets, probabilities, films))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model's predictions on films that it has not seen, beside those of the baselines.

    `targets` is [rows, genres], `films` the film of each row, `thresholds` one a genre, `split` how
    the films were chosen. All predictions are measured with the same draws of films.
    """

    model: str
    split: str
    films: Sequence[str]
    genres: Sequence[str]
    thresholds: Sequence[float | None]
    targets: Flags
    own: Predictions
    baselines: Mapping[str, Predictions]

    def as_json(self) -> dict[str, Any]:
        """Return numbers, names and None only; `intervals` hold 95 %.

        `untested`: genres that none of the tested films have, or all, so that nothing can be said
        of their order. Of a genre, `films` are those that have it, `told` the rows that reach its
        threshold, and `right` those of them that have the genre.
        """
        own = self._per_genre(self.own)
        for number, figures in enumerate(own.values()):
            figures |= self._counts(number)
        return {
            "model": self.model,
            "split": self.split,
            "films": len(set(self.films)),
            "rows": len(self.targets),
            **_as_json(self.own.measured.in_all),
            "per_genre": own,
            "untested": [genre for genre, figures in own.items() if figures["ap"] is None],
            "baselines": {
                name: _as_json(baseline.measured.in_all) | {"per_genre": self._per_genre(baseline)}
                for name, baseline in self.baselines.items()
            },
        }

    def _per_genre(self, predictions: Predictions) -> dict[str, dict[str, Any]]:
        figures = map(_as_json, predictions.measured.per_genre)
        return dict(zip(self.genres, figures, strict=True))

    def _counts(self, number: int) -> dict[str, Any]:
        target, threshold = self.targets[:, number], self.thresholds[number]
        least = np.inf if threshold is None else threshold
        sure = self.own.probabilities[:, number] >= least
        return {
            "films": len({film for film, has in zip(self.films, target, strict=True) if has}),
            "threshold": threshold,
            "told": int(sure.sum()),
            "right": int((sure & target).sum()),
        }


def evaluate(
    tested: Dataset,
    head: Head,
    baselines: Baselines,
    *,
    model: str,
    split: str,
    genres: Sequence[str],
    thresholds: Sequence[float | None],
) -> Evaluation:
    """Measure a model, and its baselines, on films that it has not seen.

    `tested` has its genres, in its order; `genres` are their names as people see them.
    """
    vectors, targets, films = tested.vectors, tested.targets, tested.films
    return Evaluation(
        model,
        split,
        films,
        genres,
        thresholds,
        targets,
        Predictions.of(targets, head.probabilities(vectors), films),
        {
            name: Predictions.of(targets, probabilities, films)
            for name, probabilities in baselines.probabilities(vectors).items()
        },
    )


def _as_json(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, estimate in figures.items():
        numbers = (estimate.value, estimate.low, estimate.high)
        value, *ends = (None if number is None else round(number, _DIGITS) for number in numbers)
        values[name], intervals[name] = value, None if estimate.low is None else ends
    return {**values, "intervals": intervals}
