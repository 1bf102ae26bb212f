"""Pooled vectors and their genres become calibrated probabilities. Needs scikit-learn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tigertag.errors import RequestError
from tigertag.genres.folds import Folds, deal
from tigertag.genres.pooling import Vectors
from tigertag.genres.thresholds import threshold

STRENGTHS: Final = tuple(float(f"{c:.2g}") for c in np.geomspace(1e-4, 1e-1, 10))
"""The C of the logistic regression that are tried, from the simplest model on."""
GAIN: Final = 1e-3
"""By this part a larger C has to be better: the simpler model moves less with its frames."""
PATIENCE: Final = 2
"""So many C in a row that are no better, and the larger ones are not tried."""
UNBOUND: Final = 1e6
"""A C so large that it binds nothing."""
MOST_STEPS: Final = 10_000
TREES: Final = 10
SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Table:
    """What is learned from, a row an example.

    `vectors`: float32 [rows, width], NaN where something is not known. `bears`: bool [rows,
    genres]. `films`: what groups the rows.
    """

    vectors: Vectors
    bears: NDArray[np.bool_]
    films: tuple[str, ...]
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned: of these genres, in this order; the others, and why, in `left_out`.

    `pipeline` and `forest` are scikit-learn's: from vectors to probabilities. `thresholds`: see
    `thresholds.threshold`. `prevalence`: the share of the rows that bear a genre.
    """

    genres: tuple[str, ...]
    pipeline: Any
    forest: Any
    prevalence: tuple[float, ...]
    thresholds: tuple[float | None, ...]
    c: float
    folds: int
    left_out: Mapping[str, str] = field(default_factory=dict)

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probability of each genre, [rows, genres]."""
        return np.asarray(self.pipeline.predict_proba(vectors), np.float64)


def fit(
    table: Table,
    *,
    folds: int = 5,
    precision: float = 0.7,
    told: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Learn: C and the calibration on folds that no film is in twice, then all of it on all rows.

    The same table always gives the same. Genres whose films cannot be dealt out so that both those
    that bear it and those that do not are in two folds at least are left out. Raises
    `RequestError`: there is one film only, or fewer than two genres are left.
    """
    dealt = deal(table.films, table.bears, folds)
    table, left_out = _learnable(table, dealt)
    # The products are so narrow that a second thread costs more time than it saves, ten times
    # more on a busy machine, and the sums would depend on how many there are.
    with threadpool_limits(1, user_api="blas"):
        return _fitted(table, left_out, dealt, precision=precision, told=told)


def _fitted(
    table: Table,
    left_out: Mapping[str, str],
    dealt: Folds,
    *,
    precision: float,
    told: Callable[[str], None],
) -> Fitted:
    before = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    prepared = before.fit_transform(table.vectors.astype(np.float64))
    c, decisions = _strength(prepared, table.bears, dealt, told)
    told("learning from all examples")
    head = _head(c, dealt).fit(prepared, table.bears.astype(int))
    return Fitted(
        table.genres,
        Pipeline([*before.steps, ("head", head)]),
        _forest().fit(table.vectors, table.bears.astype(int)),
        tuple(table.bears.mean(axis=0).tolist()),
        _thresholds(head, decisions, table, precision),
        c,
        dealt.count,
        left_out,
    )


def _learnable(table: Table, dealt: Folds) -> tuple[Table, dict[str, str]]:
    places = [n for n in range(len(table.genres)) if dealt.serve(table.bears[:, n])]
    genres = tuple(table.genres[n] for n in places)
    if len(genres) < 2:
        few = f"only {genres[0]} is" if genres else f"none of {len(table.genres)} is"
        raise RequestError(
            f"A model needs two genres that some films bear and some do not; {few} such a one: "
            "give more films."
        )
    reason = "too few films bear it, or too few do not"
    left_out = {genre: reason for genre in table.genres if genre not in genres}
    return Table(table.vectors, table.bears[:, places], table.films, genres), left_out


def _strength(
    prepared: NDArray[Any], bears: NDArray[np.bool_], dealt: Folds, told: Callable[[str], None]
) -> tuple[float, NDArray[np.float64]]:
    """Return the C of the least log loss on rows that were left out, and the decisions on them.

    While none is better than chance, larger ones are tried.
    """
    best, least, worse = (STRENGTHS[0], np.empty(0)), np.inf, 0
    chance = float(np.mean([_chance(of_genre) for of_genre in bears.T]))
    for c in STRENGTHS:
        decisions = _out_of_fold(c, prepared, bears, dealt)
        loss = _loss(decisions, bears)
        told(f"C {c:g}: log loss {loss:.4f}")
        worse = 0 if loss < least * (1 - GAIN) else worse + 1
        if not worse:
            best, least = (c, decisions), loss
        if worse >= PATIENCE and least < chance:
            break
    return best


def _out_of_fold(
    c: float, prepared: NDArray[Any], bears: NDArray[np.bool_], dealt: Folds
) -> NDArray[np.float64]:
    """Return what each row gets from the model that it was left out of, [rows, genres]."""
    decisions = np.empty(bears.shape)
    for learn, left in dealt.pairs():
        rows = prepared[learn]
        for genre in range(bears.shape[1]):
            model = _regression(c).fit(rows, bears[learn, genre])
            decisions[left, genre] = model.decision_function(prepared[left])
    return decisions


def _loss(decisions: NDArray[np.float64], bears: NDArray[np.bool_]) -> float:
    """Return the mean over genres of the log loss once calibrated, in nats.

    Before that, a C would be blamed for what the calibrator mends: too little confidence. A genre
    that calibration would turn upside down counts as told by chance.
    """
    losses = []
    for genre in range(bears.shape[1]):
        said, borne = decisions[:, [genre]], bears[:, genre]
        calibrator = _regression(UNBOUND).fit(said, borne)
        upright = calibrator.coef_.item() > 0
        loss = log_loss(borne, calibrator.predict_proba(said)) if upright else _chance(borne)
        losses.append(loss)
    return float(np.mean(losses))


def _chance(borne: NDArray[np.bool_]) -> float:
    """Return the log loss of who says of each row how common the genre is."""
    return float(log_loss(borne, np.full(len(borne), borne.mean())))


def _regression(c: float) -> Any:
    return LogisticRegression(C=c, max_iter=MOST_STEPS)


def _head(c: float, dealt: Folds) -> Any:
    """One model a genre on all rows, calibrated by what models on the folds say (Platt 1999)."""
    calibrated = CalibratedClassifierCV(
        _regression(c), method="sigmoid", cv=dealt.pairs(), ensemble=False
    )
    return OneVsRestClassifier(calibrated)


def _forest() -> Any:
    """The older project's model, kept as the baseline."""
    forest = RandomForestClassifier(TREES, random_state=SEED)
    return make_pipeline(SimpleImputer(keep_empty_features=True), forest)


def _thresholds(
    head: Any, decisions: NDArray[np.float64], table: Table, precision: float
) -> tuple[float | None, ...]:
    found = []
    for genre, one in enumerate(head.estimators_):
        calibrator = one.calibrated_classifiers_[0].calibrators[0]
        said = calibrator.predict(decisions[:, genre])
        found.append(threshold(said, table.bears[:, genre], table.films, precision=precision))
    return tuple(found)
