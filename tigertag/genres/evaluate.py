"""What a model is worth on films that it has not learned from, with a picture of it."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from tigertag.core import Core
from tigertag.errors import RequestError, os_reason
from tigertag.genres import dataset, evaluation, films
from tigertag.genres.choices import LearnRequest
from tigertag.genres.dataset import Dataset, FeatureSettings, LearningProgress
from tigertag.genres.evaluation import Evaluation
from tigertag.genres.extraction import Extractor
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.learn import KnownExample, feature_store, read_examples, train
from tigertag.genres.manifest import SourceInfo
from tigertag.genres.model import Baselines
from tigertag.genres.models import check_name, models_of
from tigertag.text import count

OTHERS: Final = "other films"
"""How films were chosen that were there neither when the model was learned nor when tested."""
_ODD: Final = re.compile(r"[^\w-]+")
_LONGEST_STEM: Final = 80


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """The figures, and where they were written.

    `left_out`: how many rows are of films that were learned from.
    """

    evaluation: Evaluation
    left_out: int
    json_file: Path
    picture_file: Path

    def as_json(self) -> dict[str, Any]:
        """Return the figures, and where the picture is."""
        return {**_as_json(self.evaluation, self.left_out), "picture": str(self.picture_file)}


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
    evaluation.check_drawing()
    folder = _writable(folder or core.home / "evaluations")
    if name in models_of(core.host).names():
        figures, left_out = _of_model(core, videos, name, progress)
    else:
        progress.note(f"There is no model {name!r}: one is learned for this alone, and not kept.")
        request = LearnRequest(name)
        backbone = request.backbone.backbone(core.host)
        figures, left_out = train(core, videos, request, backbone, progress).evaluation, 0
    return _written(figures, left_out, folder, f"{name}-{_stem(videos.source)}")


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
    learned = _met(data, [example for example in known if example.learned])
    rest = data.of_rows(row for row, film in enumerate(data.films) if film not in learned)
    left_out = len(data.rows) - len(rest.rows)
    if left_out:
        progress.note(f"{count(left_out, 'row')} left out: the model has learned from their films.")
    if not rest.rows:
        raise RequestError(f"Model {name!r} has learned from all of these; give other films.")
    progress.working("Measuring")
    genres = [genre.canonical for genre in manifest.genres]
    figures = evaluation.evaluate(
        rest.of_genres(genres),
        model.head,
        Baselines.read(whole.baselines, width=manifest.width, genres=len(genres)),
        model=name,
        split=_split(rest, known, manifest.data.split),
        genres=manifest.names,
        thresholds=[genre.threshold for genre in manifest.genres],
    )
    return figures, left_out


def _met(data: Dataset, known: Sequence[KnownExample]) -> set[str]:
    """Return which films are among the known ones: a row has one of their names or files."""
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
    met = _met(rest, known)
    if not met:
        return OTHERS
    return held_out if met == set(rest.films) else f"{held_out}, {OTHERS}"


def _as_json(figures: Evaluation, left_out: int) -> dict[str, Any]:
    return {**figures.as_json(), "left_out": left_out}


def _stem(source: SourceInfo) -> str:
    """Return what files are named after a source, so that none takes the place of another's."""
    called = Path(source.csv).stem if source.csv else source.called
    return _ODD.sub("-", called)[:_LONGEST_STEM].strip("-") or "films"


def _writable(folder: Path) -> Path:
    """Return the folder, which is made. Raises `RequestError`."""
    with _refused(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    return folder


def _written(figures: Evaluation, left_out: int, folder: Path, name: str) -> Evaluated:
    text = json.dumps(_as_json(figures, left_out), ensure_ascii=False, indent=1)
    json_file, picture_file = folder / f"{name}.json", folder / f"{name}.png"
    with _refused(folder):
        json_file.write_text(text + "\n", encoding="utf-8")
        picture_file.write_bytes(evaluation.draw(figures))
    return Evaluated(figures, left_out, json_file, picture_file)


@contextmanager
def _refused(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = os_reason(exc)
        raise RequestError(
            f"{folder} cannot be written: {reason}; name another with --out."
        ) from exc
