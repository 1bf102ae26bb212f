"""A picture of how far a genre model can be believed."""

import io
import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.evaluation import Evaluation, Row
from tigertag.genres.metrics import BINS, Bears, Floats

_SIZE_IN: Final = (13.0, 6.0)
_DPI: Final = 110
_FEW: Final = 20
_GREY: Final = "#777777"
_BLUE: Final = "#1f5fa8"
_LINES: Final = {"random_forest": "--", "prevalence": ":"}


def check() -> None:
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
    figure.suptitle(
        f"Genre model {evaluation.model}: {evaluation.films} films that it has not seen",
        parse_math=False,
    )
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
        _draw_bins(axes, forest, evaluation.bears, name="random forest", color=_GREY, line="--")
    _draw_bins(axes, evaluation.own, evaluation.bears, name="model", color=_BLUE, line="-")
    axes.set(ylabel="share that bears the genre", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Reliability, all genres (hollow: under {_FEW} cases)", fontsize=11)
    axes.tick_params(labelbottom=False)
    axes.legend(loc="upper left", fontsize=9, frameon=False)


def _draw_bins(axes: Any, row: Row, bears: Bears, *, name: str, color: str, line: str) -> None:
    said, share, cases = _binned(row.probabilities, bears)
    ece = row.measured.in_all["ece"].value or 0.0
    axes.plot(
        said, share, color=color, linestyle=line, linewidth=1.6, label=f"{name}, ECE {ece:.3f}"
    )
    faces = [color if count >= _FEW else "white" for count in cases]
    axes.scatter(said, share, s=34, c=faces, edgecolors=color, zorder=3)


def _draw_shares(axes: Any, probabilities: Floats) -> None:
    counts, edges = np.histogram(probabilities, bins=BINS, range=(0, 1))
    shares = counts / counts.sum()
    bars = axes.bar(edges[:-1], shares, width=1 / BINS, align="edge", color=_BLUE, alpha=0.5)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares], fontsize=7)
    axes.set(xlabel="probability told", ylabel="share of\ncases", ylim=(0, 1.2), yticks=(0, 0.5, 1))


def _draw_precision(axes: Any, evaluation: Evaluation) -> None:
    from matplotlib import colormaps

    own, bears, colours = evaluation.own, evaluation.bears, colormaps["tab20"]
    _draw_micro(axes, own, bears, name="model", line="-")
    for name, row in evaluation.baselines.items():
        _draw_micro(axes, row, bears, name=name.replace("_", " "), line=_LINES.get(name, "-."))
    for number in _by_ap(own):
        curve = _curve(own.probabilities[:, number], bears[:, number])
        ap = own.measured.per_genre[number]["ap"].value
        name = f"{evaluation.genres[number]} {ap:.2f}"
        axes.step(*curve, where="pre", color=colours(number % 20), linewidth=0.9, label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title("Precision and recall, with average precision", fontsize=11)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_micro(axes: Any, row: Row, bears: Bears, *, name: str, line: str) -> None:
    ap = row.measured.in_all["micro_ap"].value or 0.0
    curve = _curve(row.probabilities.ravel(), bears.ravel())
    label, black = f"all, {name} {ap:.2f}", {"color": "black", "linewidth": 2, "zorder": 3}
    axes.step(*curve, where="pre", linestyle=line, label=label, **black)


def _by_ap(row: Row) -> list[int]:
    """Return the numbers of the genres that have an AP, best first."""
    known = {n: of["ap"].value for n, of in enumerate(row.measured.per_genre)}
    found = {number: ap for number, ap in known.items() if ap is not None}
    return sorted(found, key=lambda number: -found[number])


def _binned(probabilities: Floats, bears: Bears) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return mean probability, share of bearers and number of cases of each bin that has any."""
    said = probabilities.ravel()
    bins = np.clip((said * BINS).astype(np.intp), 0, BINS - 1)
    cases = np.bincount(bins, minlength=BINS)
    some = cases > 0
    sums = np.bincount(bins, weights=said, minlength=BINS)
    borne = np.bincount(bins, weights=bears.ravel(), minlength=BINS)
    return sums[some] / cases[some], borne[some] / cases[some], cases[some]


def _curve(said: Floats, bears: Bears) -> tuple[Floats, Floats]:
    """Return recall and precision at each distinct probability, from the highest down."""
    order = np.argsort(-said, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(said[order]) != 0, True))
    hits = np.cumsum(bears[order])[ends].astype(np.float64)
    precision = hits / (ends + 1)
    return np.append(0.0, hits / max(1.0, hits[-1])), np.append(precision[0], precision)
