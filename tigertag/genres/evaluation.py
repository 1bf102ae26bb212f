"""What a genre model is worth beside what needs no model: its figures and a picture of them."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.dataset import Dataset
from tigertag.genres.features import Flags, Floats
from tigertag.genres.metrics import BINS, Estimate, Measured, measure
from tigertag.genres.model import Baselines, Head

_DIGITS: Final = 6
_SIZE_IN: Final = (13.0, 6.0)
_DPI: Final = 110
_FEW_CASES: Final = 20
_GREY: Final = "#777777"
_BLUE: Final = "#1f5fa8"
_LINES: Final = {"random_forest": "--", "prevalence": ":"}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The probabilities of a model or a baseline, [rows, genres], and what they are worth."""

    probabilities: Floats
    measured: Measured

    @classmethod
    def of(cls, targets: Flags, probabilities: Floats, films: Sequence[str]) -> "Predictions":
        probabilities = np.asarray(probabilities, dtype=np.float64)
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
        own = dict(self._own_per_genre())
        return {
            "model": self.model,
            "split": self.split,
            "films": len(set(self.films)),
            "rows": len(self.targets),
            **_as_json(self.own.measured.in_all),
            "per_genre": own,
            "untested": [genre for genre, figures in own.items() if figures["ap"] is None],
            "baselines": {
                name: _as_json(baseline.measured.in_all)
                | {"per_genre": dict(self._per_genre(baseline))}
                for name, baseline in self.baselines.items()
            },
        }

    def _per_genre(self, predictions: Predictions) -> Iterator[tuple[str, dict[str, Any]]]:
        for genre, figures in zip(self.genres, predictions.measured.per_genre, strict=True):
            yield genre, _as_json(figures)

    def _own_per_genre(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, (genre, figures) in enumerate(self._per_genre(self.own)):
            target, threshold = self.targets[:, number], self.thresholds[number]
            least = np.inf if threshold is None else threshold
            told = self.own.probabilities[:, number] >= least
            films = {film for film, has in zip(self.films, target, strict=True) if has}
            yield (
                genre,
                {
                    **figures,
                    "films": len(films),
                    "threshold": threshold,
                    "told": int(told.sum()),
                    "right": int((told & target).sum()),
                },
            )


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
    return {
        **{name: _rounded(estimate.value) for name, estimate in figures.items()},
        "intervals": {
            name: None
            if estimate.low is None
            else [_rounded(estimate.low), _rounded(estimate.high)]
            for name, estimate in figures.items()
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def check_drawing() -> None:
    """Raises `ModuleNotFoundError` where nothing can be drawn: better before the work."""
    import matplotlib.figure  # noqa: F401


def draw(evaluation: Evaluation) -> bytes:
    """Return a PNG: reliability at the left, precision over recall at the right.

    Touches no state of matplotlib's: it can be called from any thread.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(4, 1), width_ratios=(1, 1.25))
    upper = figure.add_subplot(grid[0, 0])
    _draw_reliability(upper, evaluation)
    _draw_shares(figure.add_subplot(grid[1, 0], sharex=upper), evaluation.own.probabilities)
    _draw_precision(figure.add_subplot(grid[:, 1]), evaluation)
    films = len(set(evaluation.films))
    title = f"Genre model {evaluation.model}: {films} films that it has not seen"
    figure.suptitle(title, parse_math=False)
    written = io.BytesIO()
    with warnings.catch_warnings():
        # A genre's name may have letters that the font lacks.
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def _draw_reliability(axes: Any, evaluation: Evaluation) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="as sure as right")
    forest = evaluation.baselines.get("random_forest")
    if forest is not None:
        _draw_bins(axes, forest, evaluation.targets, name="random forest", color=_GREY, line="--")
    _draw_bins(axes, evaluation.own, evaluation.targets, name="model", color=_BLUE, line="-")
    axes.set(ylabel="share that has the genre", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Reliability, all genres (hollow: under {_FEW_CASES} cases)", fontsize=11)
    axes.tick_params(labelbottom=False)
    axes.legend(loc="upper left", fontsize=9, frameon=False)


def _draw_bins(
    axes: Any, predictions: Predictions, targets: Flags, *, name: str, color: str, line: str
) -> None:
    means, shares, cases = _binned(predictions.probabilities, targets)
    ece = predictions.measured.in_all["ece"].value or 0.0
    label = f"{name}, ECE {ece:.3f}"
    axes.plot(means, shares, color=color, linestyle=line, linewidth=1.6, label=label)
    faces = [color if count >= _FEW_CASES else "white" for count in cases]
    axes.scatter(means, shares, s=34, c=faces, edgecolors=color, zorder=3)


def _draw_shares(axes: Any, probabilities: Floats) -> None:
    counts, edges = np.histogram(probabilities, bins=BINS, range=(0, 1))
    shares = counts / counts.sum()
    bars = axes.bar(edges[:-1], shares, width=1 / BINS, align="edge", color=_BLUE, alpha=0.5)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares], fontsize=7)
    axes.set(xlabel="predicted probability", ylabel="share of\ncases")
    axes.set(ylim=(0, 1.2), yticks=(0, 0.5, 1))


def _draw_precision(axes: Any, evaluation: Evaluation) -> None:
    from matplotlib import colormaps

    own, targets, colours = evaluation.own, evaluation.targets, colormaps["tab20"]
    _draw_micro(axes, own, targets, name="model", line="-")
    for name, baseline in evaluation.baselines.items():
        line = _LINES.get(name, "-.")
        _draw_micro(axes, baseline, targets, name=name.replace("_", " "), line=line)
    aps = {n: figures["ap"].value for n, figures in enumerate(own.measured.per_genre)}
    tested = {number: ap for number, ap in aps.items() if ap is not None}
    for number, ap in sorted(tested.items(), key=lambda pair: -pair[1]):
        curve = _curve(own.probabilities[:, number], targets[:, number])
        name = f"{evaluation.genres[number]} {ap:.2f}"
        axes.step(*curve, where="pre", color=colours(number % 20), linewidth=0.9, label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title("Precision and recall, with average precision", fontsize=11)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_micro(
    axes: Any, predictions: Predictions, targets: Flags, *, name: str, line: str
) -> None:
    ap = predictions.measured.in_all["micro_ap"].value or 0.0
    curve = _curve(predictions.probabilities.ravel(), targets.ravel())
    label, black = f"all, {name} {ap:.2f}", {"color": "black", "linewidth": 2, "zorder": 3}
    axes.step(*curve, where="pre", linestyle=line, label=label, **black)


def _binned(probabilities: Floats, targets: Flags) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return mean probability, share with the genre and number of cases of each bin with any."""
    values = probabilities.ravel()
    bins = np.clip((values * BINS).astype(np.intp), 0, BINS - 1)
    cases = np.bincount(bins, minlength=BINS)
    some = cases > 0
    sums = np.bincount(bins, weights=values, minlength=BINS)
    hits = np.bincount(bins, weights=targets.ravel(), minlength=BINS)
    return sums[some] / cases[some], hits[some] / cases[some], cases[some]


def _curve(probabilities: Floats, targets: Flags) -> tuple[Floats, Floats]:
    """Return recall and precision at each distinct probability, from the highest down."""
    order = np.argsort(-probabilities, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))
    hits = np.cumsum(targets[order])[ends].astype(np.float64)
    precision = hits / (ends + 1)
    return np.append(0.0, hits / max(1.0, hits[-1])), np.append(precision[0], precision)
