"""A model measured on films that it has not learned from: figures and a picture."""

import io
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.core import Core
from tigertag.errors import RequestError, os_reason
from tigertag.genres import dataset, films, metrics
from tigertag.genres.dataset import (
    Dataset,
    FeatureSettings,
    KnownExample,
    LearningProgress,
    read_examples,
)
from tigertag.genres.extraction import Extractor
from tigertag.genres.features import Flags, Floats
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.learn import LearnRequest, feature_store, train
from tigertag.genres.manifest import SourceInfo
from tigertag.genres.metrics import BINS, Evaluation, Predictions
from tigertag.genres.model import Baselines
from tigertag.genres.models import check_name, models_of
from tigertag.text import count

OTHERS: Final = "other films"
"""How films were chosen that were there neither when the model was learned nor when tested."""
_ODD: Final = re.compile(r"[^\w-]+")
_LONGEST_STEM: Final = 80
_SIZE_IN: Final = (13.0, 6.0)
_DPI: Final = 110
_FEW_CASES: Final = 20
_GREY: Final = "#777777"
_BLUE: Final = "#1f5fa8"
_LINES: Final = {"random_forest": "--", "prevalence": ":"}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """The figures, and their files. `left_out`: rows of films that were learned from."""

    evaluation: Evaluation
    left_out: int
    json_file: Path
    picture_file: Path

    @property
    def figures(self) -> dict[str, Any]:
        return {**self.evaluation.as_json(), "left_out": self.left_out}

    def as_json(self) -> dict[str, Any]:
        """Return the figures, and where the picture is."""
        return {**self.figures, "picture": str(self.picture_file)}


def evaluate(
    core: Core,
    videos: LabelledSet,
    name: str,
    progress: LearningProgress,
    *,
    folder: Path | None = None,
) -> Evaluated:
    """Measure the model of this name; where there is none, one that is learned for this alone.

    Writes a JSON and a picture, named after the model and the source, into `folder`, else below
    the home. Raises `TigerTagError`; whether they can be written is seen to first.
    """
    check_name(name)
    import matplotlib.figure  # noqa: F401  (it is better missed before the work)

    folder = folder or core.home / "evaluations"
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    if name in models_of(core.host).names():
        figures, left_out = _of_model(core, videos, name, progress)
    else:
        progress.note(f"There is no model {name!r}: one is trained for this evaluation only.")
        request = LearnRequest(name)
        backbone = request.backbone.backbone(core.host)
        figures, left_out = train(core, videos, request, backbone, progress).evaluation, 0
    stem = f"{name}-{_stem(videos.source)}"
    evaluated = Evaluated(figures, left_out, folder / f"{stem}.json", folder / f"{stem}.png")
    with _writing(folder):
        text = json.dumps(evaluated.figures, ensure_ascii=False, indent=1)
        evaluated.json_file.write_text(text + "\n", encoding="utf-8")
        evaluated.picture_file.write_bytes(draw(figures))
    return evaluated


def _of_model(
    core: Core, videos: LabelledSet, name: str, progress: LearningProgress
) -> tuple[Evaluation, int]:
    """Measure a model on films that it has not learned from; say how many rows are of others."""
    whole = models_of(core.host).load_whole(name)
    model, manifest = whole.model, whole.model.manifest
    settings = FeatureSettings(
        Extractor(model.backbone(core.host)), manifest.sampling, manifest.pooling
    )
    words = GenreNames.load(Path(manifest.settings.words) if manifest.settings.words else None)
    data = dataset.build(videos, words, settings, feature_store(core), progress)
    known = read_examples(whole.examples)
    learned = _known_films(data, [example for example in known if example.learned])
    rest = data.of_rows(row for row, film in enumerate(data.films) if film not in learned)
    left_out = len(data.rows) - len(rest.rows)
    if left_out:
        progress.note(f"{count(left_out, 'row')} left out: the model was trained on their films.")
    if not rest.rows:
        raise RequestError(f"Model {name!r} was trained on all of these; give other films.")
    progress.working("Measuring")
    genres = [genre.canonical for genre in manifest.genres]
    figures = metrics.evaluate(
        rest.of_genres(genres),
        model.head,
        Baselines.read(whole.baselines, width=manifest.width, genres=len(genres)),
        model=name,
        split=_split(rest, known, manifest.data.split),
        genres=manifest.names,
        thresholds=[genre.threshold for genre in manifest.genres],
    )
    return figures, left_out


def _known_films(data: Dataset, known: Sequence[KnownExample]) -> set[str]:
    """Return the films of the data that a row shares a name or a file with a known example."""
    linked = films.linked(
        [*(row.names for row in data.rows), *(example.names for example in known)]
    )
    names = frozenset[str]().union(*linked[len(data.rows) :])
    contents = {example.content for example in known}
    return {
        row.film
        for row, some in zip(data.rows, linked, strict=False)
        if some & names or row.content in contents
    }


def _split(rest: Dataset, known: Sequence[KnownExample], held_out: str) -> str:
    """Say how the films were chosen: as those that were held out, by the user, or both."""
    tested = _known_films(rest, known)
    if not tested:
        return OTHERS
    return held_out if tested == set(rest.films) else f"{held_out}, {OTHERS}"


def _stem(source: SourceInfo) -> str:
    """Return the part of a file's name that says the source: none replaces that of another."""
    name = Path(source.csv).stem if source.csv else source.display_name
    return _ODD.sub("-", name)[:_LONGEST_STEM].strip("-") or "films"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raises `RequestError` where the block cannot write into the folder."""
    try:
        yield
    except OSError as exc:
        reason = os_reason(exc)
        raise RequestError(
            f"{folder} cannot be written: {reason}; name another with --out."
        ) from exc


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
