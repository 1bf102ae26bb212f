"""A calibrated model is fitted to pooled vectors and their genres. Needs scikit-learn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
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

from tigertag.errors import ModelError, RequestError
from tigertag.genres.features import Flags, Floats, Vectors
from tigertag.genres.films import Folds, deal
from tigertag.genres.model import LEAF, Baselines, Head

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
LEAST_EVIDENCE: Final = 20
"""Fewer films than these prove no threshold."""
LIKELIER: Final = 0.5
"""What is likelier wrong than right is never sure, however right the surer ones are."""
LARGEST_DIFFERENCE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class FitTable:
    """The examples, one a row.

    `vectors`: float32 [rows, width], NaN where something is not known. `targets`: bool [rows,
    genres]. `films`: the film of each row.
    """

    vectors: Vectors
    targets: Flags
    films: tuple[str, ...]
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of these genres, in this order; the others, and why, in `left_out`."""

    genres: tuple[str, ...]
    head: Head
    baselines: Baselines
    thresholds: tuple[float | None, ...]
    c: float
    folds: int
    left_out: Mapping[str, str] = field(default_factory=dict)


def fit(
    table: FitTable,
    *,
    folds: int = 5,
    precision: float = 0.7,
    report: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Learn: C and the calibration on folds that no film is in twice, then all of it on all rows.

    The same table always gives the same. Genres whose films cannot be dealt out so that both those
    with it and those without are in two folds at least are left out. Raises
    `RequestError`: there is one film only, or fewer than two genres are left.
    """
    dealt = deal(table.films, table.targets, folds)
    table, left_out = _learnable(table, dealt)
    # The products are so narrow that a second thread costs more time than it saves, ten times
    # more on a busy machine, and the sums would depend on how many there are.
    with threadpool_limits(1, user_api="blas"):
        before = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
        prepared = before.fit_transform(table.vectors.astype(np.float64))
        c, decisions = _strength(prepared, table.targets, dealt, report)
        report("learning from all examples")
        calibrated = _calibrated(c, dealt).fit(prepared, table.targets.astype(int))
        head = _head(Pipeline([*before.steps, ("head", calibrated)]), table.vectors)
        baselines = _baselines(_forest(table), table.targets.mean(axis=0))
        thresholds = _thresholds(calibrated, decisions, table, precision)
    return Fitted(table.genres, head, baselines, thresholds, c, dealt.count, left_out)


def _learnable(table: FitTable, dealt: Folds) -> tuple[FitTable, dict[str, str]]:
    places = [n for n in range(len(table.genres)) if dealt.serve(table.targets[:, n])]
    genres = tuple(table.genres[n] for n in places)
    if len(genres) < 2:
        few = f"only {genres[0]} is" if genres else f"none of {len(table.genres)} is"
        raise RequestError(
            f"A model needs two genres that some films have and some do not; {few} such a one: "
            "give more films."
        )
    reason = "too few films have it, or too few do not"
    left_out = {genre: reason for genre in table.genres if genre not in genres}
    return FitTable(table.vectors, table.targets[:, places], table.films, genres), left_out


def _strength(
    prepared: NDArray[Any], targets: Flags, dealt: Folds, report: Callable[[str], None]
) -> tuple[float, Floats]:
    """Return the C of the least log loss on rows that were left out, and the decisions on them.

    While none is better than chance, larger ones are tried.
    """
    best, least, worse = (STRENGTHS[0], np.empty(0)), np.inf, 0
    chance = float(np.mean([_chance(of_genre) for of_genre in targets.T]))
    for c in STRENGTHS:
        decisions = _out_of_fold(c, prepared, targets, dealt)
        loss = _loss(decisions, targets)
        report(f"C {c:g}: log loss {loss:.4f}")
        worse = 0 if loss < least * (1 - GAIN) else worse + 1
        if not worse:
            best, least = (c, decisions), loss
        if worse >= PATIENCE and least < chance:
            break
    return best


def _out_of_fold(c: float, prepared: NDArray[Any], targets: Flags, dealt: Folds) -> Floats:
    """Return what each row gets from the model that it was left out of, [rows, genres]."""
    decisions = np.empty(targets.shape)
    for learn, left in dealt.pairs():
        rows = prepared[learn]
        for genre in range(targets.shape[1]):
            model = _regression(c).fit(rows, targets[learn, genre])
            decisions[left, genre] = model.decision_function(prepared[left])
    return decisions


def _loss(decisions: Floats, targets: Flags) -> float:
    """Return the mean over genres of the log loss once calibrated, in nats.

    Before that, a C would be blamed for what the calibrator mends: too little confidence. A genre
    that calibration would turn upside down counts as guessed.
    """
    losses = []
    for genre in range(targets.shape[1]):
        decision, target = decisions[:, [genre]], targets[:, genre]
        calibrator = _regression(UNBOUND).fit(decision, target)
        if calibrator.coef_.item() > 0:
            losses.append(log_loss(target, calibrator.predict_proba(decision)))
        else:
            losses.append(_chance(target))
    return float(np.mean(losses))


def _chance(target: Flags) -> float:
    """Return the log loss of guessing for each row how common the genre is."""
    return float(log_loss(target, np.full(len(target), target.mean())))


def _regression(c: float) -> Any:
    return LogisticRegression(C=c, max_iter=MOST_STEPS)


def _calibrated(c: float, dealt: Folds) -> Any:
    """One model a genre on all rows, calibrated by what models on the folds say (Platt 1999)."""
    calibrated = CalibratedClassifierCV(
        _regression(c), method="sigmoid", cv=dealt.pairs(), ensemble=False
    )
    return OneVsRestClassifier(calibrated)


def _head(pipeline: Any, vectors: Vectors) -> Head:
    """Return the numbers of a fitted pipeline: a regression within its calibrator is one again.

    Raises `ModelError`: of these vectors, those learned from, it says something else.
    """
    scaler = pipeline[-2]
    weights, bias = [], []
    for of_genre in pipeline[-1].estimators_:
        [fitted] = of_genre.calibrated_classifiers_
        regression, calibrator = fitted.estimator, fitted.calibrators[0]
        # scikit-learn's calibrator says 1 / (1 + exp(a * decision + b)).
        weights.append(-calibrator.a_ * regression.coef_[0])
        bias.append(-calibrator.a_ * regression.intercept_[0] - calibrator.b_)
    head = Head(scaler.mean_, scaler.scale_, np.stack(weights, axis=1), np.array(bias))
    expected = pipeline.predict_proba(vectors.astype(np.float64))
    difference = np.abs(head.probabilities(vectors) - expected).max()
    if not difference <= LARGEST_DIFFERENCE:
        raise ModelError(
            f"The model was not kept: it differs from scikit-learn's by {difference:.2g};"
            " this is a bug of TigerTag."
        )
    return head


def _forest(table: FitTable) -> Any:
    """Fit the model that TigerTag's came after, kept as the baseline."""
    forest = RandomForestClassifier(TREES, random_state=SEED)
    pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), forest)
    return pipeline.fit(table.vectors, table.targets.astype(int))


def _baselines(pipeline: Any, prevalence: Floats) -> Baselines:
    """Return the numbers of a fitted forest; its trees lie one behind the other."""
    imputer, forest = pipeline[0], pipeline[-1]
    trees = [estimator.tree_ for estimator in forest.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    left, right = (
        np.concatenate(
            [
                np.where(children < 0, LEAF, children + root)
                for children, root in zip(map(attrgetter(side), trees), roots, strict=True)
            ]
        )
        for side in ("children_left", "children_right")
    )
    return Baselines(
        prevalence=prevalence,
        filling=imputer.statistics_.astype(np.float64),
        roots=roots,
        left=left,
        right=right,
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        shares=np.concatenate([tree.value[:, :, 1] for tree in trees]),
    )


def _thresholds(
    calibrated: Any, decisions: Floats, table: FitTable, precision: float
) -> tuple[float | None, ...]:
    thresholds = []
    for genre, of_genre in enumerate(calibrated.estimators_):
        calibrator = of_genre.calibrated_classifiers_[0].calibrators[0]
        probabilities, targets = calibrator.predict(decisions[:, genre]), table.targets[:, genre]
        thresholds.append(threshold(probabilities, targets, table.films, precision=precision))
    return tuple(thresholds)


def threshold(
    probabilities: Floats, targets: Flags, films: Sequence[str], *, precision: float
) -> float | None:
    """Return the lowest probability from which on at least `precision` of the films were right.

    It is not below `LIKELIER`, and `LEAST_EVIDENCE` films reach it. `probabilities`: [rows], of
    rows that were not learned from. A film counts once, with the mean of its rows; where there are
    fewer than `LEAST_EVIDENCE` films, each row counts. None: there is no such probability.
    """
    probabilities, right = _by_film(probabilities, targets, films)
    order = np.argsort(-probabilities, kind="stable")
    ranked, right = probabilities[order], right[order]
    count = np.arange(1, len(ranked) + 1)
    # Of equal probabilities all pass or none: only the last of them can be the border.
    last = np.append(ranked[1:] != ranked[:-1], True)
    enough = (ranked >= LIKELIER) & (count >= LEAST_EVIDENCE)
    good = last & enough & (np.cumsum(right) >= precision * count)
    return float(ranked[np.flatnonzero(good)[-1]]) if good.any() else None


def _by_film(probabilities: Floats, targets: Flags, films: Sequence[str]) -> tuple[Floats, Flags]:
    names, film_of = np.unique(np.asarray(films), return_inverse=True)
    if len(names) < LEAST_EVIDENCE:
        return probabilities, targets
    rows = np.bincount(film_of)
    means = np.bincount(film_of, probabilities) / rows
    return means, np.bincount(film_of, targets) * 2 > rows
