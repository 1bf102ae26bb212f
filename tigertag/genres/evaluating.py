"""What a model is worth on films that it has not learned from, with a picture of it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tigertag.core import Core
from tigertag.errors import RequestError, os_reason
from tigertag.genres import (
    archive,
    backbones,
    dataset,
    examples,
    figure,
    film_names,
    learning,
    shelves,
)
from tigertag.genres.dataset import Dataset, Lens
from tigertag.genres.evaluation import Evaluation
from tigertag.genres.examples import Known
from tigertag.genres.genres import Genres
from tigertag.genres.material import Gathered
from tigertag.genres.model_backbones import of_model
from tigertag.genres.models import named
from tigertag.genres.training import Named, measured
from tigertag.genres.wanted import Wanted
from tigertag.genres.watch import Watch
from tigertag.text import count

OTHERS = "other films"

_ODD = re.compile(r"[^\w-]+")
_LONGEST_STEM = 80
"""How films were chosen that were there neither when the model was learned nor when tested."""


@dataclass(frozen=True, slots=True)
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
        return {**_told(self.evaluation, self.left_out), "picture": str(self.picture_file)}


def evaluate(
    core: Core, gathered: Gathered, name: str, watch: Watch, *, folder: Path | None = None
) -> Evaluated:
    """Measure the model of this name; where there is none, one that is learned for this alone.

    Writes a JSON and a picture, named after the model and the source, into `folder`, else below
    the home. Raises `TigerTagError`; whether they can be written is seen to first.
    """
    named(name)
    figure.check()
    folder = _writable(folder or core.home / "evaluations")
    if name in shelves.models(core).names():
        evaluation, left_out = _of_model(core, gathered, name, watch)
    else:
        watch.said(f"There is no model {name!r}: one is learned for this alone, and not kept.")
        wanted = Wanted(name)
        own = backbones.asked(core, wanted.backbone)
        evaluation = learning.train(core, gathered, wanted, own, watch).trained.evaluation
        left_out = 0
    return _written(evaluation, left_out, folder, f"{name}-{_stem(gathered.source)}")


def _of_model(core: Core, gathered: Gathered, name: str, watch: Watch) -> tuple[Evaluation, int]:
    """Measure a model on films that it has not learned from; say how many rows are of others."""
    kept = shelves.whole(core, name)
    model, manifest = kept.model, kept.model.manifest
    lens = Lens(
        backbones.extractor(of_model(model, core.host)),
        manifest.sampling.taken,
        manifest.pooling,
    )
    words = Genres.load(Path(manifest.settings.words) if manifest.settings.words else None)
    data = dataset.read(gathered, words, lens, shelves.shelf(core), watch)
    known = examples.read(kept.examples)
    rest = _unseen(data, [one for one in known if one.learned])
    seen = len(data.films) - len(rest.films)
    if seen:
        watch.said(f"{count(seen, 'row')} left out: the model has learned from their films.")
    if not rest.films:
        raise RequestError(f"Model {name!r} has learned from all of these; give other films.")
    watch.working("Measuring")
    tested = rest.of([genre.canonical for genre in manifest.genres])
    evaluation = measured(
        tested,
        model.head.probabilities(tested.vectors),
        archive.load(kept.archive, width=manifest.width, genres=len(manifest.genres)),
        Named(manifest.names, tuple(manifest.thresholds.values()), name),
        by=_split(rest, known, manifest.data.split),
    )
    return evaluation, seen


def _unseen(data: Dataset, learned: Sequence[Known]) -> Dataset:
    """Return the rows of films that were not learned from."""
    seen = _met(data, learned)
    return data.rows([number for number, film in enumerate(data.films) if film not in seen])


def _met(data: Dataset, known: Sequence[Known]) -> set[str]:
    """Return which films are among the known ones: a row has one of their names or files."""
    linked = film_names.linked([*data.names, *(one.names for one in known)])
    rows, others = linked[: len(data.names)], linked[len(data.names) :]
    names, contents = frozenset[str]().union(*others), {one.content for one in known}
    told = zip(data.films, rows, data.contents, strict=True)
    return {film for film, some, content in told if some & names or content in contents}


def _split(rest: Dataset, known: Sequence[Known], held_out: str) -> str:
    """Say how the films were chosen: as those that were held out, by the user, or both."""
    films, met = set(rest.films), _met(rest, known)
    if not met:
        return OTHERS
    return held_out if met == films else f"{held_out}, {OTHERS}"


def _told(evaluation: Evaluation, left_out: int) -> dict[str, Any]:
    return {**evaluation.as_json(), "left_out": left_out}


def _stem(source: Mapping[str, str]) -> str:
    """Return what files are named after a source, so that none takes the place of another's."""
    of_section = f"{source.get('library')}-{source.get('title') or source.get('section')}"
    called = Path(source["csv"]).stem if "csv" in source else of_section
    return _ODD.sub("-", called)[:_LONGEST_STEM].strip("-") or "films"


def _writable(folder: Path) -> Path:
    """Return the folder, which is made. Raises `RequestError`."""
    with _refused(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    return folder


def _written(evaluation: Evaluation, left_out: int, folder: Path, name: str) -> Evaluated:
    text = json.dumps(_told(evaluation, left_out), ensure_ascii=False, indent=1)
    files = folder / f"{name}.json", folder / f"{name}.png"
    with _refused(folder):
        files[0].write_text(text + "\n", encoding="utf-8")
        files[1].write_bytes(figure.draw(evaluation))
    return Evaluated(evaluation, left_out, *files)


@contextmanager
def _refused(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = os_reason(exc)
        raise RequestError(
            f"{folder} cannot be written: {reason}; name another with --out."
        ) from exc
